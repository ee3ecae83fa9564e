"""Labels of a history are written and read in one place, and read as they were written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vcontract._model.labels import Label, ProgramLabel, inputs_of, scope_of, word_label

PACKAGE = Path(__file__).parents[2] / "harness" / "vcontract"
PARSING = re.compile(r"""(split|partition|removesuffix)\((REPEAT|EXPLORE)|startswith\(EXPLORE|f"\{EXPLORE\}""")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("PowerOnVM_Task:valid", Label("PowerOnVM_Task:valid")),
        ("PowerOnVM_Task:suspended+noSession#3", Label("PowerOnVM_Task:suspended+noSession", (3,))),
        ("PowerOnVM_Task:suspended#2#3", Label("PowerOnVM_Task:suspended", (2, 3))),
        ("explore:7.12:fork#2", Label("explore:7.12:fork", (2,))),
        ("restore", Label("restore")),
    ],
)
def test_a_label_is_read_as_it_was_written(text: str, label: Label) -> None:
    """Step and tries; a step that is repeated may be tried again."""
    assert Label.parse(text) == label
    assert str(label) == text


def test_a_label_says_what_is_called() -> None:
    """The method, and what is not as in a valid call; the first try is not written."""
    label = Label.parse("PowerOnVM_Task:suspended+noSession#2")
    assert (label.method, label.inputs) == ("PowerOnVM_Task", "suspended+noSession")
    assert label.deviations == ("suspended", "noSession")
    assert str(Label("A:b").tried(1)) == "A:b"
    assert str(Label("A:b").tried(2)) == "A:b#2"
    assert str(word_label(("powerOff", "A:valid")).tried(2)) == "powerOff > A:valid#2"
    assert [inputs_of(text) for text in ("A:b+c#2", "restore")] == ["b+c#2", "restore"]


@pytest.mark.parametrize(
    ("text", "label", "scope"),
    [
        ("explore:3.14:PowerOnVM_Task:valid", ProgramLabel(3, "PowerOnVM_Task:valid", 14), "explore:3"),
        ("explore:3.0:fork#2", ProgramLabel(3, "fork#2", 0), "explore:3"),
        ("explore:3:cast", ProgramLabel(3, "cast"), "explore:3:cast"),
        ("PowerOnVM_Task:valid", None, "PowerOnVM_Task:valid"),
    ],
)
def test_the_label_of_a_random_program_is_read_as_it_was_written(
    text: str, label: ProgramLabel | None, scope: str
) -> None:
    """Program and move; all moves of a program share a scope, what is done before and after has its own."""
    assert ProgramLabel.parse(text) == label
    assert label is None or str(label) == text
    assert scope_of(text) == scope


def test_nobody_else_takes_a_label_apart() -> None:
    """Where the mark of a try or of exploration is split off, it is done by the types of labels."""
    taken = [
        str(file.relative_to(PACKAGE))
        for file in sorted(PACKAGE.rglob("*.py"))
        if file.name != "labels.py" and "simulator" not in file.parts and PARSING.search(file.read_text("utf-8"))
    ]
    assert taken == []
