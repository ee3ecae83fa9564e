"""RESULTS.md in sections: each measurement writes its own, between markers, and leaves the others alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def write_section(name: str, lines: Sequence[str]) -> None:
    """Put lines of Markdown in the place of the section of that name, or behind all others; prints them too."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = "\n".join([begin, *lines, end])
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else "# Measurements\n"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    text = pattern.sub(lambda _: section, text) if begin in text else f"{text.rstrip()}\n\n{section}\n"
    RESULTS.write_text(text, "utf-8")
    sys.stdout.write(section + "\n")
