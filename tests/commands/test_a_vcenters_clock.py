"""A whole run in eight lanes on a server that takes a vCenter's time: all is judged, nothing is left, and it is quick."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vcontract._commands.run import execute_on
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._terms import Verdict

LATE = """
staleness = {staleness}
runtime_staleness = {publish}
publish = {publish}
task_seconds = 60
alone = true
confirm = 1
hosts = ["esx-2"]
"""
CELLS, MINUTE = 1083, 60.0


def configuration(url: str, speed: float) -> str:
    """Give what is built in for the simulator, with the times of a server so many times quicker than a vCenter."""
    text = f'target = "{url}"' + LATE.format(staleness=80 / speed, publish=3 / speed)
    tables: dict[str, list[dict[str, object]]] = {
        "account": [
            {"role": each.role, "username": each.username, "password": each.password} for each in LOOPBACK.account
        ],
        "guest": [
            {"username": each.username, "password": each.password, "may_customize": each.may_customize}
            for each in LOOPBACK.guest
        ],
        "vm": [{"name": each.name, "engine": each.engine} for each in LOOPBACK.vm],
        "lever": [{"does": each.does, "program": each.program, "arguments": each.arguments} for each in LOOPBACK.lever],
    }
    for name, entries in tables.items():
        for entry in entries:
            text += f"\n[[{name}]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in entry.items())
    return text


@contextmanager
def simulating(speed: int, seed: int) -> Iterator[str]:
    """Serve from a process of its own; gives the URL."""
    timing = ("--timing", f"vcenter:{speed}", "--vms", "8", "--seed", str(seed))
    command = [sys.executable, "-m", "vcontract", "simulate", *timing]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_eight_lanes_judge_all_in_minutes(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At ten times the speed of a vCenter; what it took is printed."""
    file = tmp_path / "vcontract.toml"
    with simulating(10, seed) as url:
        file.write_text(configuration(url, 10), "utf-8")
        began = time.monotonic()
        asked = RunRequest(seed=seed, config=file, lanes=8, output="none", report_dir=tmp_path / "reports")
        result = execute_on(asked)
        took = time.monotonic() - began
    with capsys.disabled():
        sys.stdout.write(
            f"! lanes 8, seed {seed}: {result.calls} calls, {result.cells.exercised} cells, {took:.0f} s\n"
        )
    assert (result.exit_code, result.findings) == (0, [])
    assert {row.verdict for row in result.rows} <= {Verdict.CONFORMS, Verdict.UNTESTED}
    assert len(result.workers) == 8
    assert result.cells.exercised >= CELLS
    assert not [note for note in result.notes if note.startswith("not restored")]
    assert took <= 8 * MINUTE
    assert result.calls / took * MINUTE >= 400
