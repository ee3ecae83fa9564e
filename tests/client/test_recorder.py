"""The history file: written event by event, read back whole, and tolerant of nothing but a cut last line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vcontract._client.clock import Clock
from vcontract._client.recorder import Recorder
from vcontract._errors import HaltedError, RunFileError, UsageError
from vcontract._history import UNANSWERED, read_history
from vcontract._history_lines import encode_event
from vcontract._terms import (
    Answer,
    Arguments,
    Call,
    Envelope,
    Fault,
    Faulted,
    Invoke,
    Lost,
    Observed,
    Operation,
    Ref,
    Returned,
)

VM = Ref("VirtualMachine", "vm-1")
READ = Call(VM, "Fetch", Arguments({"prop": "name"}), "admin")
BROKEN = Call(VM, "Fetch", Envelope(b"<a>\xff", "not well-formed", {"Cookie": ""}, {"x": 1}, (0.5,)), "admin")


def test_a_cut_file_is_gone_on_with(tmp_path: Path) -> None:
    """A torn line goes; the open operation is Lost; numbers and times go on, and the cut is in the file."""
    path = tmp_path / "history.jsonl"
    first = Recorder(path)
    first.answer(first.invoke(READ, "judge", "a"), 5.0, Returned())
    first.invoke(READ, "read", "b")
    first.close()
    with path.open("ab") as file:
        file.write(b'{"event":"answ')
    second = Recorder.continued(path, read_history(path))
    assert (second.requests, second.calls, second.now() >= 5.0) == (2, 1, True)
    second.answer(second.invoke(READ, "read", "c"), second.now(), Returned())
    second.close()
    found = read_history(path)
    assert [(each.op, each.cell) for each in found.operations] == [(1, "a"), (2, "b"), (3, "c")]
    assert isinstance(found.operations[1].outcome, Lost)
    assert found.operations[1].end <= found.operations[2].start
    assert found.resumed == (2,)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    """Every kind of payload and outcome survives, numbered and timed on one clock that starts at 0."""
    clock = Clock()
    clock.now = iter([100.0, 101.0, 102.0, 103.0]).__next__  # type: ignore[method-assign]  # the test's own time
    recorder = Recorder(tmp_path / "history.jsonl", clock=clock)
    recorder.observed("vm-1", {"powerState": "poweredOn"})
    first = recorder.invoke(READ, "read", "")
    second = recorder.invoke(BROKEN, "judge", "cell")
    recorder.answer(
        second, recorder.now(), Faulted(Fault("InvalidRequest", {"a": [1]}, "no")), status=500, problems=("odd",)
    )
    recorder.answer(first, 3.5, Lost("reset"))
    recorder.close()
    history = read_history(tmp_path / "history.jsonl")
    assert history.observed == [Observed("vm-1", {"powerState": "poweredOn"})]
    assert history.operations == sorted(recorder.operations, key=lambda each: each.op)
    assert [(each.op, each.start, each.end) for each in history.operations] == [(1, 1.0, 3.5), (2, 2.0, 3.0)]
    assert history.operations[1].call == BROKEN
    assert (recorder.calls, recorder.requests) == (1, 2)


def test_in_memory_nothing_is_written() -> None:
    """Without a path there are only the operations; without `keep` not even these."""
    for keep in (True, False):
        recorder = Recorder(keep=keep)
        done = recorder.answer(recorder.invoke(READ, "read", ""), recorder.now(), Returned(1))
        recorder.observed("vm-1", {})
        assert recorder.operations == [done] * keep


def test_listeners_hear_of_each_operation_and_the_cell_is_noted() -> None:
    """A listener gets each finished operation; a call without a cell gets the recorder's."""
    recorder = Recorder(keep=False)
    heard: list[Operation] = []
    recorder.listeners.append(heard.append)
    recorder.enter("poweredOff")
    for cell in ("", "own"):
        recorder.answer(recorder.invoke(READ, "read", cell), recorder.now(), Returned())
    assert [each.cell for each in heard] == ["poweredOff", "own"]


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    """Operations of many threads have numbers of their own and lines that do not mix."""
    recorder = Recorder(tmp_path / "history.jsonl", keep=False)

    def work() -> None:
        for _ in range(100):
            recorder.answer(recorder.invoke(READ, "read", ""), recorder.now(), Returned("x" * 500))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    recorder.close()
    operations = read_history(tmp_path / "history.jsonl").operations
    assert sorted(each.op for each in operations) == list(range(1, 801))


def test_a_killed_run_loses_nothing_finished(tmp_path: Path) -> None:
    """Kill -9 in the middle of a call leaves all that was answered, and the call as lost."""
    file = tmp_path / "history.jsonl"
    program = (
        "import sys, time, pathlib; from vcontract._client.recorder import Recorder; from vcontract._terms import *\n"
        "recorder = Recorder(pathlib.Path(sys.argv[1])); call = Call(Ref('Task', 't'), 'm', Arguments({}), 'a')\n"
        "for n in range(50): recorder.answer(recorder.invoke(call, 'read', ''), recorder.now(), Returned(n))\n"
        "recorder.invoke(call, 'judge', 'c'); print('ready', flush=True); time.sleep(60)\n"
    )
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, cwd=root) as process:  # noqa: S603 - our own interpreter and program
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    operations = read_history(file).operations
    assert [each.outcome for each in operations] == [*(Returned(n) for n in range(50)), Lost(UNANSWERED)]
    assert operations[-1].end == max(operations[-1].start, operations[-2].end)


def test_a_cut_last_line_is_dropped_and_any_other_bad_line_named(tmp_path: Path) -> None:
    """Only the end of the file may be cut; elsewhere the line is named."""
    file = tmp_path / "history.jsonl"
    good = encode_event(Invoke(1, 0.5, READ)) + encode_event(Answer(1, 1.0, Returned()))
    cut = encode_event(Invoke(2, 2.0, READ))[:-9]
    file.write_bytes(good + cut)
    assert [each.op for each in read_history(file).operations] == [1]
    lone = encode_event(Answer(9, 1.0, Returned()))
    for content, complaint in (
        (good + cut + b"\n" + good, ":3: not an event"),
        (good + b"\n" + good, ":3: not an event"),
        (b"\xff\n", ":1: not an event"),
        (b'{"event": "surprise"}\n', ":1: not an event"),
        (good + good, ":3: operation 1 begins twice"),
        (lone, ":1: operation 9 begins twice, ends twice or never began"),
    ):
        file.write_bytes(content)
        with pytest.raises(RunFileError) as error:
            read_history(file)
        assert f"{file}{complaint}" in str(error.value)
    with pytest.raises(RunFileError, match="cannot be read: No such file"):
        read_history(tmp_path / "none")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such directory is the user's mistake; a full disk ends the run before its next call, and not what puts things back."""
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        Recorder(tmp_path / "none" / "history.jsonl")
    monkeypatch.setattr("fcntl.flock", lambda *_: None)  # all processes of a machine share that file
    recorder = Recorder(Path("/dev/full"))
    recorder.observed("vm-1", {})
    assert "No space left" in recorder.lost
    call = Call(Ref("VirtualMachine", "vm-1"), "PowerOnVM_Task", Arguments({}), "full")
    with pytest.raises(HaltedError, match="/dev/full: cannot be written: No space left"):
        recorder.invoke(call, "judge", "")
    sent = recorder.invoke(call, "arrange", "")
    assert recorder.answer(sent, 1.0, Returned()) in recorder.operations
    lenient = Recorder(Path("/dev/full"), lenient=True)
    assert lenient.invoke(call, "arrange", "").op == 1


def test_a_wait_ends_soon_after_a_stop_was_asked_for() -> None:
    """The next call would come to nothing, so nobody waits until it is time for it."""
    waited: list[float] = []

    class Naps(Clock):
        def sleep(self, seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                recorder.stop()

    recorder = Recorder(clock=Naps())
    recorder.sleep(1000.0)
    assert sum(waited) <= 2
    assert recorder.slept == sum(waited)
