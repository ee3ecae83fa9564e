"""The page "Before an upgrade" can be followed command by command, on two simulators."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.followed import Command, File, follow, steps
from vcontract._shipped import page


def chapter() -> str:
    """Give the text of the chapter; its file of deviations stands at its end, and lies there before it is named."""
    text = page("_check/compare/README.md").read_text("utf-8")
    assert text.startswith("# Before an upgrade\n")
    (file,) = re.findall(r"^```toml\n(?:.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return text.replace(file, file.replace("```toml\n", "```toml\n# deviations.toml\n"))


def test_the_chapter_has_the_commands_that_it_is_about() -> None:
    """What is shown is found, with its exit codes."""
    found = [step for step in steps(chapter()) if isinstance(step, Command)]
    verbs = [each.line.split()[1] for each in found]
    assert {"simulate", "wsdl", "run", "compare", "replay", "learn"} <= set(verbs)
    assert [each.code for each, verb in zip(found, verbs, strict=True) if verb == "replay"] == [0, 1]
    assert [each.background for each, verb in zip(found, verbs, strict=True) if verb == "simulate"] == [True, True]
    assert chapter().count("\n    vcontract ") == len(found)
    assert [step.name for step in steps(chapter()) if isinstance(step, File)] == ["deviations.toml"]


@pytest.mark.long
def test_the_chapter_can_be_followed(tmp_path: Path) -> None:
    """Each command ends as the chapter says, and the reports have what the chapter shows of them."""
    text, folder, heard = chapter(), tmp_path / "folder", list[str]()
    folder.mkdir()
    assert follow(text, folder, heard=heard) == []
    shown = re.findall(r"^ +([0-9a-f]{12})  (\S+(?: task)?:)", text, re.MULTILINE)
    assert len(shown) >= 4
    assert [line for line in shown if not any("  ".join(line) in out for out in heard)] == [
        ("fa9e3b6ff108", "AuthenticationRequired:")  # stands in the report that went into a file
    ]
    assert "fa9e3b6ff108" in (folder / "schema.md").read_text("utf-8")
