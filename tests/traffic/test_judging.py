"""Calls that a client of pyVmomi made are placed on what their recording shows, and judged by the contracts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.traffic.conftest import BAD, Client, Recorded
from vcontract._commands.judge_calls import judge_calls
from vcontract._terms import Verdict
from vcontract._traffic.judging import CONFIRM


def refused(client: Client) -> None:
    """Abort on a VM that is on, with a good login and a bad one, then on one that is off, three times."""
    on, off = client.vm("linux-1"), client.vm("linux-2")
    client.does(on, client.abort(on))
    client.does(on, client.abort(on, BAD))
    client.does(off, off.PowerOffVM_Task)
    for _ in range(3):
        client.does(off, client.abort(off, BAD))
    client.does(off, off.PowerOffVM_Task)


def unlooked(client: Client) -> None:
    """Do the same without a look at the VM that is off."""
    client.looks = False
    refused(client)


@pytest.mark.parametrize("encoded", [False, True], ids=["text", "base64"])
def test_calls_to_a_server_that_keeps_its_contract_conform(recorded: Recorded, *, encoded: bool) -> None:
    """Each is judged, successes of tasks too; exit 0. No password of it is told, but where some stand."""
    found = judge_calls(recorded(refused, encoded=encoded))
    assert found.exit_code == 0
    assert {call.verdict for call in found.calls} == {Verdict.CONFORMS}
    assert [call.method for call in found.calls].count("AbortCustomization_Task") == 5
    assert [(call.observed, call.channel) for call in found.calls[:2]] == [
        ("OK", "task"),
        ("InvalidGuestLogin", "call"),
    ]
    assert any("passwords stand in it" in note for note in found.notes)
    assert not [line for line in found.lines if "guest" in line.lower().split() or "wrong" in line.lower().split()]


def test_what_the_messages_show_is_a_violation_at_once(recorded: Recorded) -> None:
    """A fault that the method may not raise is none in any state."""

    def script(client: Client) -> None:
        vm = client.vm("linux-notools")
        client.does(vm, client.abort(vm))

    assert judge_calls(recorded(script)).exit_code == 0
    found = judge_calls(recorded(script, "tools-down-says-tools-unavailable"))
    (call,) = found.calls
    assert (found.exit_code, call.verdict, call.grade, call.rests_on) == (1, Verdict.VIOLATES, "undeclared", ())


def test_what_rests_on_reads_is_suspect_until_it_came_three_times(recorded: Recorded) -> None:
    """InvalidGuestLogin of a VM that was read as off before and after: once it is suspect, and never green."""
    file = recorded(refused, "powered-off-says-invalid-login")
    found = judge_calls(file)
    wrong = [call for call in found.calls if call.rests_on]
    assert found.exit_code == 1
    assert [(call.verdict, call.grade, call.observed) for call in wrong] == [
        (Verdict.VIOLATES, "wrong", "InvalidGuestLogin")
    ] * CONFIRM
    assert all(call.row.endswith("AbortCustomization_Task/InvalidGuestLogin") for call in wrong)
    once = judge_calls(without(file, {call.entry for call in wrong[1:]}))
    assert once.exit_code == 5
    assert [call.verdict for call in once.calls if call.rests_on] == [Verdict.INCONCLUSIVE]
    assert any("suspect" in line and "power poweredOff" in line for line in once.lines)


def without(file: Path, entries: set[int]) -> Path:
    """Take entries out of an archive."""
    told = json.loads(file.read_text())
    told["log"]["entries"] = [each for number, each in enumerate(told["log"]["entries"], 1) if number not in entries]
    file.write_text(json.dumps(told))
    return file


def test_where_nothing_is_known_nothing_is_wrong(recorded: Recorded) -> None:
    """The same server, and a client that does not look: that VM may have been on, so its answer was permitted."""
    found = judge_calls(recorded(unlooked, "powered-off-says-invalid-login"))
    assert not [call for call in found.calls if call.verdict is Verdict.VIOLATES or call.rests_on]


def test_what_another_client_may_have_done_in_between_is_not_known(recorded: Recorded) -> None:
    """Between the reads the VM was powered on: then neither of them says what it was."""

    def script(client: Client) -> None:
        vm = client.vm("linux-2")
        client.does(vm, vm.PowerOffVM_Task)
        for _ in range(3):
            client.look(vm)
            client.does(vm, client.abort(vm, BAD))
            client.does(vm, vm.PowerOnVM_Task)
            client.does(vm, vm.PowerOffVM_Task)

    def between(told: dict[str, Any]) -> None:
        """Let no read stand between the calls."""
        entries = told["log"]["entries"]
        calls = [n for n, each in enumerate(entries) if "_Task " in each["request"]["postData"]["text"]]
        told["log"]["entries"] = [each for n, each in enumerate(entries) if n < calls[1] or n in calls]

    file = recorded(script, "powered-off-says-invalid-login")
    told = json.loads(file.read_text())
    between(told)
    file.write_text(json.dumps(told))
    assert not [call for call in judge_calls(file).calls if call.rests_on]


def test_an_answer_that_is_not_there_is_no_evidence(recorded: Recorded) -> None:
    """A reply that was cut, and a task whose end nobody read: inconclusive, exit 5, and told."""
    file = recorded(refused)
    told = json.loads(file.read_text())
    calls = [
        each for each in told["log"]["entries"] if "<AbortCustomization_Task" in each["request"]["postData"]["text"]
    ]
    calls[1]["response"] = {"status": 0}
    ends = [each for each in told["log"]["entries"] if "<prop versionId" in each["request"]["postData"]["text"]]
    for each in ends:
        each["response"]["content"]["text"] = each["response"]["content"]["text"].replace("success<", "running<")
    file.write_text(json.dumps(told))
    found = judge_calls(file)
    assert found.exit_code == 5
    assert found.calls[1].observed == "Lost"
    assert "not in the recording" in found.calls[0].why


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<faultcode>", "<faultcod>"),
        ("xsi:type=", "xsi:typ="),
    ],
)
def test_a_reply_that_breaks_the_wire_contract_is_a_violation(recorded: Recorded, old: str, new: str) -> None:
    """Whatever the state: the release that the request named says what a reply is like."""
    file = recorded(refused)
    told = json.loads(file.read_text())
    for each in told["log"]["entries"]:
        content = each["response"]["content"]
        if "InvalidGuestLoginFault" in content["text"]:
            content["text"] = (
                content["text"].replace(old, new).replace("</faultcode>", f"</{new[1:-1]}>" * (old[0] == "<"))
            )
    file.write_text(json.dumps(told))
    found = judge_calls(file)
    assert found.exit_code == 1
    assert {call.grade for call in found.calls if call.verdict is Verdict.VIOLATES} <= {
        "protocol",
        "undeclared",
        "wrong",
    }


def test_a_recording_without_such_calls_is_untested(recorded: Recorded) -> None:
    """Exit 5: nothing was judged."""
    found = judge_calls(recorded(lambda client: client.look(client.vm("linux-1"))))
    assert (found.verdict, found.exit_code, found.calls) == (Verdict.UNTESTED, 5, ())
    assert "none of" in found.lines[-1]


def test_a_privilege_that_went_while_the_task_ran_is_no_violation(recorded: Recorded) -> None:
    """NoPermission as the error of a task is right if it was lost meanwhile; nobody can tell from a recording."""

    def script(client: Client) -> None:
        vm = client.vm("linux-2")
        client.does(vm, vm.PowerOffVM_Task)

    file = recorded(script)
    text = file.read_text()
    error = (
        '<error><fault xsi:type=\\"NoPermission\\"><object type=\\"VirtualMachine\\">vm-14</object><privilegeId>'
        "VirtualMachine.Interact.PowerOff</privilegeId></fault><localizedMessage>No.</localizedMessage></error>"
    )
    file.write_text(text.replace("<state>success</state>", f"<state>error</state>{error}"))
    (call,) = judge_calls(file).calls
    assert (call.observed, call.channel, call.verdict) == ("NoPermission", "task", Verdict.INCONCLUSIVE)
