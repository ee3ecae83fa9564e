"""Runs all that takes long, part by part, and keeps what each part printed last in LONG.md.

`long.py [PART ...]`: the kill matrix, then the long tests; with names, only those parts. A part is kept when it ends, so that
hours of work outlive an interruption of a later one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
LONG = HERE / "LONG.md"
TITLE = "# What each part of `make long` printed last\n"
TESTS = ("-m", "pytest", "-q", "-n", "2", "-m", "long", "--durations=20")
UPGRADES = tuple(
    f"tests/{each}" for each in ("commands/test_compare.py", "learn/test_learn.py", "learn/test_automaton.py")
)
PARTS = {  # what has a limit of time comes first, so that the machine can be left alone for that long
    "defects": ("-m", "tests.defects.kill_matrix", "--defects-only"),
    "variants": ("-m", "tests.defects.kill_matrix", "--variants-only"),
    "stress": (*TESTS, "tests/stress"),
    "upgrades": (*TESTS, *UPGRADES),
    "rest": (*TESTS, "tests", "--ignore=tests/stress", *(f"--ignore={each}" for each in UPGRADES)),
}
LAST = 60
"""How many lines of each part are kept: its closing words, and what failed."""


def run(part: str) -> bool:
    """Run one part to its end, keep what it printed; gives whether it held."""
    began, commit, lines = datetime.now(UTC), _commit(), []
    with subprocess.Popen(  # noqa: S603 - our own tests
        [sys.executable, *PARTS[part]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HERE.parent
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)  # noqa: T201 - a script talks
            lines.append(line.rstrip())
    minutes = (datetime.now(UTC) - began).total_seconds() / 60
    told = [each for each in lines if each.startswith("! ")] + lines[-LAST:]
    keep(
        part,
        [
            f"{began:%Y-%m-%d}, at {commit}, {minutes:.0f} minutes: `{' '.join(PARTS[part])}`",
            "",
            "```",
            *dict.fromkeys(told),
            f"exit code {process.returncode}",
            "```",
        ],
    )
    return process.returncode == 0


def keep(part: str, lines: Sequence[str]) -> None:
    """Put a part's words in the place of its former ones, or behind all others."""
    text = LONG.read_text("utf-8") if LONG.exists() else TITLE
    section = f"\n## {part}\n\n" + "\n".join(lines) + "\n"
    former = re.compile(rf"\n## {part}\n.*?(?=\n## |\Z)", re.DOTALL)
    text = former.sub(lambda _: section, text) if former.search(text) else text + section
    LONG.write_text(text, "utf-8")


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - git of the path, as a user has it
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
    )
    return told.stdout.strip() or "an unknown commit"


def main(arguments: Sequence[str]) -> int:
    """Run the parts that are named, or all; gives 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all")
    given = parser.parse_args(arguments).parts
    if unknown := set(given) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    held = [run(each) for each in given or PARTS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
