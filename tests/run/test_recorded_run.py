"""A run that was recorded, and the same run without its server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract import __version__
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._history import read_history
from vcontract._report.result import RunResult
from vcontract._run.former_runs import replayed
from vcontract._run.preparation import PLAIN, Preparation
from vcontract._simulator import SimulatorServer
from vcontract._terms import Operation, Verdict

MANAGER = "VirtualMachineGuestCustomizationManager"
DEFECT = "bad-login-says-permission-denied"


class Recorded(NamedTuple):
    """A run and the file that it left."""

    result: RunResult
    operations: list[Operation]
    file: Path


def run(folder: Path, request: RunRequest, preparation: Preparation = PLAIN) -> Recorded:
    """Execute a request; its report goes to the folder."""
    result = execute(replace(request, report_dir=folder, output="none"), preparation)
    history = read_history(folder / "latest" / "history.jsonl")
    return Recorded(result, history.operations, request.record or folder)


def record(folder: Path, *defects: str, calls: int = 60) -> Recorded:
    """Record a run against a simulator of this test's own."""
    server = SimulatorServer(fitted(task_time=0.01, boot_time=0.02, defects=frozenset(defects)))
    server.start()
    try:
        options = RunRequest(seed=5, methods=("AbortCustomization_Task",), max_calls=calls)
        return run(folder / "live", replace(options, target=server.url, record=folder / "run.rec"))
    finally:
        server.stop()


def again(folder: Path, file: Path) -> Recorded:
    """Run the recording; no option is given."""
    given = RunRequest(target=f"replay:{file}")
    return run(folder / "again", *replayed(given))


@pytest.mark.parametrize("defects", [(), (DEFECT,)])
def test_a_replay_tells_what_the_run_told(
    defects: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdict, rows, findings and every single operation, with its times: the server is gone, and no socket is opened."""
    live = record(tmp_path, *defects)
    monkeypatch.setattr("socket.socket.connect", None)
    replay = again(tmp_path, live.file)
    assert bool(live.result.findings) == bool(defects)
    rows = [[replace(each, seconds=0.0) for each in one.result.rows] for one in (live, replay)]
    assert rows[0] == rows[1]
    for name in ("verdict", "exit_code", "calls", "requests", "cells", "target", "seed", "notes"):
        assert getattr(replay.result, name) == getattr(live.result, name), name
    shown = [
        [(each.id, each.repeats, each.program, each.ops) for each in one.result.findings] for one in (live, replay)
    ]
    assert shown[0] == shown[1]
    told = [[(each.call, each.outcome, each.problems, each.cell) for each in one.operations] for one in (live, replay)]
    assert told[0] == told[1]
    late = [abs(one.end - other.end) for one, other in zip(live.operations, replay.operations, strict=True)]
    assert max(late) < 0.001


def test_a_recording_that_ends_too_early_is_inconclusive(tmp_path: Path) -> None:
    """What it holds is judged; the note says which method it has no answer to; VMs that nobody has are not put back."""
    live = record(tmp_path, calls=20)
    lines = live.file.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.rec"
    cut.write_bytes(b"".join(lines[: len(lines) // 2]))
    found = again(tmp_path, cut).result
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, 5)
    assert 0 < found.calls < live.result.calls
    (note,) = [each for each in found.notes if "the recording holds no answer to " in each]
    assert f"of its {len(lines) // 2 - 1} exchanges" in note


def test_another_run_than_the_recorded_one_is_inconclusive(tmp_path: Path) -> None:
    """With another seed it says other things; nothing that it is answered may count as a violation."""
    live = record(tmp_path, calls=20)
    given = RunRequest(seed=6, target=f"replay:{live.file}")
    found = run(tmp_path / "again", *replayed(given, {"seed"})).result
    assert (found.verdict, found.findings) == (Verdict.INCONCLUSIVE, [])


def test_the_first_line_says_what_was_run_without_a_password(tmp_path: Path) -> None:
    """Whoever replays it needs neither the configuration nor the passwords."""
    live = record(tmp_path, calls=1)
    text = live.file.read_text("utf-8")
    opening = json.loads(text.partition("\n")[0])
    assert (opening["format"], opening["version"]) == ("vcontract.recording/1", __version__)
    assert opening["asked"] | {"seed": 5, "max_calls": 1, "methods": ["AbortCustomization_Task"]} == opening["asked"]
    assert {each["password"] for part in ("account", "guest") for each in opening["config"][part]} == {""}
    assert "secret:account.full" in text
    assert "<password>vcontract" not in text
