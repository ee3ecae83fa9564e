"""The file `inject.toml`: what it may say, and one line with the way out for what it may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vcontract._errors import UsageError
from vcontract._inject.choosing import Chooser
from vcontract._inject.rules import Rule, When, read_rules, rules_schema

_RULE = '[[rule]]\nmethod = "CustomizeGuest_Task"\nanswer = "TaskInProgress"\n'


def _refused(tmp_path: Path, text: str) -> str:
    """Give the one line by which a file is refused, when it is read or when its rules are taken."""
    file = tmp_path / "inject.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError) as refused:
        Chooser(0, read_rules(file).rule)
    told = str(refused.value)
    assert "\n" not in told
    assert len(told) < 600
    return told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_RULE + "chanel = 'task'\n", "nearest is channel"),
        (_RULE + "channel = 'wire'\n", "permitted are"),
        (_RULE + "when = { nth = 0 }\n", "nth"),
        (_RULE + "when = { nth = 1, every = 2 }\n", "nth and every exclude each other"),
        (_RULE + "when = { probability = 1.5 }\n", "probability"),
        (_RULE + "when = { after = 'nobody' }\n", "no rule is called 'nobody'"),
        (_RULE + "name = 'a'\nwhen = { after = 'a' }\n", "can never apply"),
        (_RULE + "name = 'a'\n" + _RULE + "name = 'a'\n", "another rule has the name 'a' too"),
        (_RULE + "when = { nth = 2 }\ntimes = 3\n", "there is only one 2th call"),
        (_RULE + "fields = { tusk = 'x' }\n", "TaskInProgress has no field tusk; it has task"),
        (_RULE + "fields = { task = 7 }\n", "TaskInProgress.task: 7 is no moId"),
        (_RULE.replace("TaskInProgress", "TaskInProgres"), "nearest is TaskInProgress"),
        (_RULE.replace("TaskInProgress", "FileFault"), "permits FileFault of CustomizeGuest_Task in no state"),
        (_RULE.replace("TaskInProgress", "InvalidRequest"), "in no state of the VM"),
        (_RULE.replace("CustomizeGuest_Task", "CustomiseGuest_Task"), "nearest is CustomizeGuest_Task"),
        (_RULE.replace("CustomizeGuest_Task", "Login"), "no contract speaks of Login"),
        (_RULE.replace("TaskInProgress", "NotAuthenticated") + "channel = 'task'\n", 'use channel = "call"'),
        (
            '[[rule]]\nmethod = "ValidateCredentialsInGuest"\nanswer = "stuck-task"\n',
            "ValidateCredentialsInGuest gives no task",
        ),
        ('[[rule]]\nmethod = "Login"\nanswer = "delay"\nfields = { a = 1 }\n', "only a fault has some"),
        (_RULE + "cause = true\nillegal = true\n", "the server itself answers"),
        (
            _RULE.replace("TaskInProgress", "GuestPermissionDenied") + "cause = true\n",
            "nothing brings GuestPermissionDenied about",
        ),
        ("[[rule]\n", "inject.toml"),
        ("[[rule]]\nanswer = 'delay'\n", "method"),
    ],
)
def test_what_a_file_may_not_say_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    """An unknown key, a rule that can never apply, a fault the method cannot raise: what is wrong, and the way out."""
    assert said in _refused(tmp_path, text)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """A file that cannot be read is named."""
    with pytest.raises(UsageError, match=r"absent\.toml: cannot be read"):
        read_rules(tmp_path / "absent.toml")


def test_the_schema_knows_every_key() -> None:
    """The published JSON Schema has the keys of a rule, and refuses others."""
    rule = json.loads(rules_schema())["$defs"]["Rule"]
    assert {"method", "answer", "when", "channel", "illegal"} <= rule["properties"].keys()
    assert rule["additionalProperties"] is False


@pytest.mark.parametrize(
    ("when", "times", "struck"),
    [
        (When(), None, [1, 2, 3, 4, 5, 6]),
        (When(), 2, [1, 2]),
        (When(nth=3), None, [3]),
        (When(every=2), None, [2, 4, 6]),
        (When(every=2), 1, [2]),
    ],
)
def test_when_a_rule_strikes(when: When, times: int | None, struck: list[int]) -> None:
    """The nth call, every nth, the first few."""
    chooser = Chooser(0, [Rule("CustomizeGuest_Task", "TaskInProgress", when=when, times=times)])
    assert [n for n in range(1, 7) if chooser.choose("CustomizeGuest_Task", "vm-1")] == struck


def test_a_seed_draws_the_same_calls_again() -> None:
    """A probability is drawn by the seed, the rule and the number of the call alone."""
    rule = Rule("CustomizeGuest_Task", "TaskInProgress", when=When(probability=0.5))

    def drawn(seed: int) -> list[bool]:
        chooser = Chooser(seed, [rule])
        return [chooser.choose("CustomizeGuest_Task", "vm-1") is not None for _ in range(64)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 16 < sum(drawn(1)) < 48


def test_a_rule_waits_for_another() -> None:
    """What comes `after` a rule strikes only once that has struck; calls before do not count."""
    first = Rule("CustomizeGuest_Task", "TaskInProgress", name="busy", when=When(nth=2))
    then = Rule("AbortCustomization_Task", "InvalidState", when=When(nth=1, after="busy"))
    chooser = Chooser(0, [first, then])
    asked = ["AbortCustomization_Task", "CustomizeGuest_Task", "CustomizeGuest_Task", "AbortCustomization_Task"]
    assert [bool(chooser.choose(each, "vm-1")) for each in asked] == [False, False, True, True]


def test_elsewhere_than_on_our_simulator_only_marked_vms_are_disturbed() -> None:
    """A VM without the mark, and a call that names none, are passed on; what is of every VM's is refused as a rule."""
    chooser = Chooser(0, [Rule("*", "delay")], frozenset({"vm-1"}))
    assert [bool(chooser.choose("PowerOnVM_Task", vm)) for vm in ("vm-1", "vm-2", "")] == [True, False, False]
    with pytest.raises(UsageError, match="only marked VMs are disturbed here"):
        chooser.add(Rule("*", "expired-session"))
    with pytest.raises(UsageError, match="only on our own simulator is a state brought about"):
        chooser.add(Rule("CustomizeGuest_Task", "InvalidPowerState", cause=True))
