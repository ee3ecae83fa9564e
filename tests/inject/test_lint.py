"""What is wrong with a file of rules: every mistake in a line of its own, with its place and the way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vcontract._errors import UsageError
from vcontract._inject.lint import lint, refuse

_BUSY = '[[rule]]\nmethod = "CustomizeGuest_Task"\nanswer = "TaskInProgress"\n'
_ALL = _BUSY.replace("CustomizeGuest_Task", "*")


def _linted(folder: Path, text: str, *, own: bool = True) -> list[str]:
    file = folder / "inject.toml"
    file.write_text(text, "utf-8")
    told = lint(file, own=own)
    assert all("\n" not in each for each in told)
    return [each.removeprefix(str(file)) for each in told]


def test_a_sound_file_has_no_mistake(tmp_path: Path) -> None:
    """Rules that can apply, a condition, and expectations that can be met."""
    text = _BUSY + 'name = "busy"\nwhen = { nth = 1, while = "power.on" }\n'
    text += _BUSY.replace("TaskInProgress", "RuntimeFault") + 'channel = "task"\nwhen = { after = "busy" }\n'
    text += '[[rule]]\nmethod = "*"\nanswer = "delay"\n'
    text += '[[expect]]\nanswer = "TaskInProgress"\n[[expect]]\nmethod = "Login"\nanswer = "delay"\n'
    text += '[[expect]]\nchannel = "task"\n'
    assert _linted(tmp_path, text) == []


def test_every_mistake_is_told(tmp_path: Path) -> None:
    """Unknown keys, two in one table; a key that is missing; a value; a fault that cannot be; each with its line."""
    told = _linted(
        tmp_path,
        _BUSY
        + 'chanel = "task"\ntims = 3\n'
        + '[[rule]]\nanswer = "delay"\n'
        + _BUSY.replace("TaskInProgress", "FileFault")
        + _BUSY
        + 'channel = "wire"\n'
        + "[[expect]]\nmet = 0\n",
    )
    assert [re.match(r", line (\d+): ", each)[1] for each in told] == ["4", "5", "6", "14", "16", "8"]  # type: ignore[index] # it fails if one has none
    for each, said in zip(
        told,
        (
            "`chanel` - at `$.rule[0]`: nearest is channel",
            "`tims` - at `$.rule[0]`: nearest is times",
            "missing required field `method`",
            "permitted are call, task",
            "Expected `int` >= 1",
            "rule 3 (CustomizeGuest_Task: FileFault (call)): the contract permits FileFault",
        ),
        strict=True,
    ):
        assert said in each


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_BUSY + _BUSY, "line 4: rule 2 (CustomizeGuest_Task: TaskInProgress (call)): it can never apply, for rule 1"),
        (_ALL + _BUSY + 'vm = "vm-1"\n', "it can never apply, for rule 1"),
        (_ALL + _ALL + "when = { nth = 2 }\n", "it can never apply, for rule 1"),
        ('[[rule]]\nmethod = "*"\nanswer = "delay"\n' + _BUSY, "it can never apply, for rule 1"),
        (_BUSY + 'when = { while = "loginRejected" }\n', "about the call and not about the VM"),
        (_BUSY + 'when = { while = "engineAbsent" }\n', "no read shows 'engine'"),
        (_BUSY + 'when = { while = "powerd=off" }\n', "unknown"),
        (_BUSY + 'name = "a"\nwhen = { after = "b" }\n', "no rule is called 'b'"),
        (_BUSY + '[[expect]]\nanswer = "InvalidState"\n', "line 4: expect 1: no rule gives InvalidState of *"),
        (_BUSY + '[[expect]]\nchannel = "task"\n', "no rule gives * of * by the task"),
        (_BUSY + '[[expect]]\nmethod = "Login"\n', "no rule gives * of Login"),
    ],
)
def test_what_can_never_apply_or_be_met(tmp_path: Path, text: str, said: str) -> None:
    """A rule behind one that takes every call, a condition that no VM meets, an expectation without a rule."""
    (told,) = _linted(tmp_path, text)
    assert said in told


@pytest.mark.parametrize(
    "text",
    [
        _BUSY + "times = 1\n" + _BUSY,
        _BUSY + "when = { nth = 1 }\n" + _BUSY,
        _BUSY + 'vm = "vm-1"\n' + _BUSY,
        _BUSY + '[[rule]]\nmethod = "*"\nanswer = "delay"\n',
        _BUSY + _ALL,
        _BUSY.replace("TaskInProgress", "stuck-task").replace("CustomizeGuest_Task", "*")
        + _BUSY.replace("CustomizeGuest_Task", "ValidateCredentialsInGuest").replace("TaskInProgress", "InvalidState"),
    ],
)
def test_a_rule_behind_another_may_apply_to_what_that_leaves(tmp_path: Path, text: str) -> None:
    """The first is for some calls, for some VMs, for some methods, or for methods with a task alone."""
    assert _linted(tmp_path, text) == []


def test_rules_that_wait_for_each_other(tmp_path: Path) -> None:
    """Each is told, with the way round."""
    names = (("a", "c"), ("b", "a"), ("c", "b"))
    told = _linted(tmp_path, "".join(_BUSY + f'name = "{a}"\nwhen = {{ after = "{b}" }}\n' for a, b in names))
    assert [each.partition("when.after: ")[2] for each in told] == [
        f"{way}: it can never apply" for way in ("a after c after b after a", "b after a after c after b",
                                                 "c after b after a after c")
    ]  # fmt: skip


def test_a_strangers_server_permits_less(tmp_path: Path) -> None:
    """There no state is brought about, no session is ended, and nothing is asked that the client does not ask."""
    text = '[[rule]]\nmethod = "*"\nanswer = "expired-session"\n' + _BUSY + 'when = { while = "busy" }\n'
    told = _linted(tmp_path, text, own=False)
    assert [said in each for said, each in zip(("only marked VMs", "no read but our own"), told, strict=True)] == [
        True
    ] * 2


def test_a_file_with_mistakes_is_refused_in_one_line(tmp_path: Path) -> None:
    """The first mistake, and how to see the others."""
    file = tmp_path / "inject.toml"
    file.write_text(_BUSY + "tims = 1\nchanel = 2\n", "utf-8")
    with pytest.raises(UsageError, match=r"nearest is times \(and 1 more: vcontract inject --lint .*inject\.toml\)$"):
        refuse(file, own=True)
    file.write_text("[[rule]\n", "utf-8")
    with pytest.raises(UsageError, match=r"inject\.toml: "):
        lint(file, own=True)
    with pytest.raises(UsageError, match="cannot be read"):
        lint(tmp_path / "none.toml", own=True)
