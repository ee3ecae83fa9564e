"""The lines of a history: what an earlier line has already is referred to, and is read back as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vcontract._client.recorder import Recorder
from vcontract._errors import RunFileError
from vcontract._history import UNANSWERED, History, read_history, retold, stream
from vcontract._history_lines import NEAR, PACKED, encode_event
from vcontract._terms import (
    Answer,
    Arguments,
    Call,
    Envelope,
    Event,
    Fault,
    Faulted,
    Invoke,
    Lost,
    Observed,
    Operation,
    Ref,
    Returned,
)

MANY = {"guest.hostName": "a", "recentTask": [f"task-{number}" for number in range(30)]}


def read(vm: str) -> Call:
    """Make the call that reads a VM."""
    spec = {"_typeName": "PropertyFilterSpec", "objectSet": [{"obj": Ref("VirtualMachine", vm).json()}]}
    return Call(Ref("PropertyCollector", "pc"), "RetrievePropertiesEx", Arguments({"specSet": [spec]}), "full")


def recorded(path: Path, *operations: tuple[Call, Any]) -> list[Operation]:
    """Record operations, each a call and what it returned."""
    recorder = Recorder(path)
    for call, value in operations:
        outcome = value if isinstance(value, Faulted) else Returned(value)
        recorder.answer(recorder.invoke(call, "read", ""), recorder.now(), outcome, status=200)
    recorder.close()
    return recorder.operations


def lines(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a file as they are."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_what_says_nothing_new_is_a_short_line(tmp_path: Path) -> None:
    """The same read of a VM with the same values is two short lines, which name the operation that has them in full."""
    file = tmp_path / "history.jsonl"
    made = recorded(file, (read("vm-1"), MANY), (read("vm-2"), {"guest.hostName": "b"}), (read("vm-1"), MANY))
    assert [line.get("same") for line in lines(file)] == [None, None, None, None, 1, 1]
    assert all(len(line) < 100 for line in file.read_bytes().splitlines()[4:])
    assert read_history(file).operations == made
    assert list(stream(file)) == made


def test_what_changed_is_written(tmp_path: Path) -> None:
    """A value, a status or a fault that is another is no repetition, and neither is the outcome of a call that has its text."""
    file = tmp_path / "history.jsonl"
    fault = Faulted(Fault("ManagedObjectNotFound", {"obj": Ref("VirtualMachine", "vm-1").json()}, "gone" * 20))
    made = recorded(file, (read("vm-1"), MANY), (read("vm-1"), MANY | {"guest.hostName": "b"}), (read("vm-1"), fault))
    assert [line.get("same") for line in lines(file)] == [None, None, 1, None, 1, None]
    assert read_history(file).operations == made


def test_a_line_refers_only_to_what_is_near(tmp_path: Path) -> None:
    """A reader that keeps what is near can read any file: what is too far back is written again."""
    file = tmp_path / "history.jsonl"
    made = recorded(file, *[(read("vm-1"), MANY)] * (NEAR + 10))
    far = [line["op"] - line["same"] for line in lines(file) if "same" in line]
    assert max(far) == NEAR
    assert sum("same" not in line for line in lines(file)) == 4
    assert read_history(file).operations == made


@pytest.mark.parametrize("size", [PACKED, PACKED + 1, 1 << 20])
def test_a_very_long_body_is_packed(tmp_path: Path, size: int) -> None:
    """A body of a megabyte takes little room, and comes back byte for byte."""
    file, body = tmp_path / "history.jsonl", b"<a>" + b"x" * (size - 3)
    call = Call(
        Ref("VirtualMachine", "vm-1"), "RebootGuest", Envelope(body, "schema:long", {"A": "b"}, {"c": 1}), "full"
    )
    made = recorded(file, (call, None))
    assert (file.stat().st_size < 5000) == (size > PACKED)
    assert read_history(file).operations == made


def test_a_file_that_is_cut_anywhere_is_read(tmp_path: Path) -> None:
    """After any number of bytes the file gives the operations whose answers it holds, and those that had begun."""
    file = tmp_path / "history.jsonl"
    made = recorded(file, (read("vm-1"), MANY), (read("vm-2"), MANY), (read("vm-1"), MANY), (read("vm-2"), MANY))
    whole = file.read_bytes()
    for size in range(0, len(whole) + 1, 7):
        file.write_bytes(whole[:size])
        events = whole[:size].count(b"\n") + (whole[size : size + 1] == b"\n")  # begins and answers, in turn
        found = read_history(file).operations
        assert found[: events // 2] == made[: events // 2]
        assert [each.call for each in found] == [each.call for each in made[: (events + 1) // 2]]
        assert all(each.outcome == Lost(UNANSWERED) for each in found[events // 2 :])


def test_a_run_that_goes_on_refers_to_nothing_before_the_cut(tmp_path: Path) -> None:
    """The process that continues a file writes in full what it has not written itself."""
    file = tmp_path / "history.jsonl"
    recorded(file, (read("vm-1"), MANY), (read("vm-1"), MANY))
    recorder = Recorder.continued(file, read_history(file))
    recorder.answer(recorder.invoke(read("vm-1"), "read", ""), recorder.now(), Returned(MANY), status=200)
    recorder.close()
    assert [line.get("same") for line in lines(file) if line["event"] == "invoke"] == [None, 1, None]
    assert read_history(file).operations == recorder.operations


def test_the_former_form_is_read(tmp_path: Path) -> None:
    """Lines with all that an event says, as versions before this one wrote them."""
    file = tmp_path / "history.jsonl"
    note = Observed("step", {"label": "a"})
    calls = [Invoke(number, number + 0.1, read("vm-1"), "read", "cell", "") for number in (1, 2)]
    answers = [Answer(number, number + 0.5, Returned(MANY), 200) for number in (1, 2)]
    events: list[Event] = [note, calls[0], answers[0], calls[1], answers[1]]
    file.write_bytes(b"".join(encode_event(event) for event in events))
    found = read_history(file)
    assert isinstance(found, History)
    assert (found.observed, [each.outcome for each in found.operations]) == ([note], [Returned(MANY)] * 2)
    assert found.operations[0].call == calls[0].call


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"event":"invoke","op":3,"time":3.0,"same":9}', "is said to be as operation 9, which is not there"),
        ('{"event":"answer","op":2,"time":3.0,"same":9}', "is said to be as operation 9, which is not there"),
        ('{"event":"answer","op":2,"time":3.0}', "an answer without an outcome"),
        ('{"event":"invoke","op":3,"time":3.0}', "not an event"),
    ],
)
def test_a_line_that_refers_to_nothing_is_refused(tmp_path: Path, line: str, said: str) -> None:
    """The error names file and line."""
    file = tmp_path / "history.jsonl"
    recorded(file, (read("vm-1"), MANY))
    with file.open("ab") as opened:
        opened.write(encode_event(Invoke(2, 2.0, read("vm-1"))) + line.encode() + b"\n")
    with pytest.raises(RunFileError, match=rf"history\.jsonl:4: .*{said}"):
        list(retold(file))
