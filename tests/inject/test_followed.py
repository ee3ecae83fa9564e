"""What clients did about what they met: the table tells a careful one from a careless and a hanging one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import html

from tests.clients import careful, careless, hanging
from tests.inject.conftest import Open
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._inject.choosing import Strike
from vcontract._inject.followed import Followed, broken
from vcontract._inject.report import check_place, text_of
from vcontract._inject.rules import Expect, Rule
from vcontract._inject.serving import Opened

CUSTOMIZE = "CustomizeGuest_Task"
CONTRACT = load("VirtualMachineGuestCustomizationManager")
FAULTS = [(method.name, fault.type) for method in CONTRACT.methods for fault in method.fault]


def _meets_all(opened: Opened, work: Callable[[str, str], bool], of: Iterator[tuple[str, str]]) -> list[Followed]:
    """Have a client meet faults one after the other, in both channels; gives the table."""
    for method, fault in of:
        for channel in ("call", "task"):
            opened.injector.chooser.clear()
            opened.injector.chooser.add(Rule(method, fault, channel=channel, times=1, seconds=0.0))
            work(opened.url, method)
    return opened.told().lines


def _met(lines: list[Followed]) -> int:
    return sum(each.met for each in lines)


def test_all_documented_faults_are_met_in_both_channels(gate: Open) -> None:
    """The careless client alone meets all 21, by the answer and by the task; it gives each of them up."""
    lines = _meets_all(gate(), careless.work, iter(FAULTS))
    assert len(FAULTS) == 21
    assert len(lines) == _met(lines) == 42
    assert {(each.channel, each.gave_up, each.sessions_open) for each in lines} == {("call", 1, 1), ("task", 1, 1)}
    assert all(re.fullmatch(r".+ \([A-Z][\w., ]+\)", each.state) for each in lines)
    assert all(each.reads == 0 for each in lines)


def test_the_table_tells_a_careful_client_from_a_hanging_one(gate: Open) -> None:
    """The careful one pauses, aborts and logs out; the hanging one reads the end of a task over and over, and stays."""
    faults = [(CUSTOMIZE, "TaskInProgress"), (CUSTOMIZE, "CustomizationFault"), (CUSTOMIZE, "InvalidGuestLogin")]
    cared = {(each.answer, each.channel): each for each in _meets_all(gate(), careful.work, iter(faults))}
    hung = {(each.answer, each.channel): each for each in _meets_all(gate(), hanging.work, iter(faults))}
    assert _met(list(cared.values())) == _met(list(hung.values())) == 6
    for key, line in cared.items():
        assert line.sessions_open == 0, key
        assert hung[key].sessions_open == 1, key
        assert line.retries == (line.answer != "InvalidGuestLogin"), key
        if line.channel == "task":
            assert hung[key].reads_after_end > line.reads_after_end, key
        elif line.retries:
            assert (line.soonest or 0) > (hung[key].soonest or 0), key
    assert cared["CustomizationFault", "task"].aborts == 1
    assert cared["InvalidGuestLogin", "call"].gave_up == 1


def test_what_is_expected_decides_and_nothing_else(gate: Open) -> None:
    """Without `[[expect]]` any client is well; what is asked and not kept is exit 1, what was never met exit 5."""
    kept = (Expect(answer="TaskInProgress", retries_at_least=1, waits_at_least=0.01, logs_out=True),)
    rule = Rule(CUSTOMIZE, "TaskInProgress", times=1)
    for expected, work, code in ((kept, careful.work, 0), (kept, careless.work, 1), ((), careless.work, 0)):
        opened = gate(rule, expect=expected)
        work(opened.url, CUSTOMIZE)
        assert opened.told().exit_code == code
    opened = gate(rule, expect=(Expect(answer="InvalidState"),))
    careless.work(opened.url, CUSTOMIZE)
    assert opened.told().exit_code == 5


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        (Expect(retries_at_least=3), "2 retries, at least 3 are expected"),
        (Expect(retries_at_most=1), "2 retries, at most 1 are expected"),
        (Expect(waits_at_least=1.0), "tried again after 0.5 s, at least 1 s are expected"),
        (Expect(aborts=True), "nothing was aborted"),
        (Expect(logs_out=True), "1 sessions were left open"),
        (Expect(logs_out=False), ""),
        (Expect(stops_reading=2), "the end of the task was read 9 times"),
        (Expect(met=3), "was met 2 times, and not 3"),
        (Expect(channel="call"), "was met 0 times, and not 1"),
    ],
)
def test_each_expectation_says_what_was_not_kept(expect: Expect, said: str) -> None:
    """One line, with what was seen and what is asked."""
    line = Followed(CUSTOMIZE, "InvalidState", "task", "", 2, 2, 0.5, reads=20, reads_after_end=9, sessions_open=1)
    told = broken([expect], [line])
    assert [each.number for each in told] == [1] * bool(said)
    assert said in "".join(each.says for each in told)


def test_a_report_is_written_as_json_markdown_and_html(gate: Open, tmp_path: Path) -> None:
    """The same table three times, without a secret; a folder with a report is not written over."""
    opened = gate(
        Rule(CUSTOMIZE, "TaskInProgress", times=1, name="<b>| a rule"), Rule("Login", "delay", name="never|<i>", vm="x")
    )
    careful.work(opened.url, CUSTOMIZE)
    folder = tmp_path / "seen"
    told = opened.report(folder)
    written = {each.name: each.read_text("utf-8") for each in folder.iterdir()}
    assert written.keys() == {"inject.json", "inject.md", "inject.html"}
    whole = json.loads(written["inject.json"])
    assert (whole["schema"], whole["exit_code"]) == ("vcontract.inject/1", 0)
    assert whole["lines"][0]["state"] == "busy (B1)"
    assert "| CustomizeGuest_Task | TaskInProgress | call | busy (B1) | 1 | 1 |" in written["inject.md"]
    cells = [each.text for each in html.fromstring(written["inject.html"].encode()).findall(".//td")]
    assert cells[:4] == [CUSTOMIZE, "TaskInProgress", "call", "busy (B1)"]
    assert "<i>" not in written["inject.html"]
    assert "never met: never|<i>" in text_of(told)
    for text in written.values():
        assert "vcontract@" not in text
        assert "guest" not in text.lower().replace("customizeguest", "")
    with pytest.raises(UsageError, match="holds a report already"):
        check_place(folder)


def test_a_gate_that_nobody_called_says_so(gate: Open) -> None:
    """Nothing was tested, so it is no success: exit 5, and one line."""
    told = gate(Rule(CUSTOMIZE, "TaskInProgress")).told()
    assert told.exit_code == 5
    assert text_of(told) == "no client called: nothing was passed on, and no rule could apply"


def test_an_illegal_answer_is_marked(gate: Open) -> None:
    """What the contract permits nowhere is injected if the rule says so, and the table says `illegal`."""
    opened = gate(Rule(CUSTOMIZE, "FileFault", illegal=True))
    careless.work(opened.url, CUSTOMIZE)
    (line,) = opened.told().lines
    assert (line.answer, line.state) == ("FileFault", "illegal")
    assert isinstance(opened.injector.journal.passed[-1].strike, Strike)
