"""The command in processes of its own: two shells give the verdicts of one, and a run that is told to end does so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.windows import time_options

COMMAND = (sys.executable, "-m", "vcontract")
QUICK = ("--seed", "1", "--max-calls", "40")
PATIENCE = 300
SELECTS_NOTHING = {"GOVC_URL": "http://127.0.0.1:1/sdk"}


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command; it is gone at the end, whatever happened."""
    environment = {**os.environ, **SELECTS_NOTHING}
    pipe = subprocess.PIPE
    with subprocess.Popen((*COMMAND, *arguments), stdout=pipe, stderr=pipe, text=True, env=environment) as process:  # noqa: S603 - ours
        limit = threading.Timer(PATIENCE, process.kill)
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()
            process.kill()


def result_of(place: Path) -> dict[str, Any]:
    """Read the result of the run that ended last."""
    found: dict[str, Any] = json.loads((place / "latest" / "run.json").read_bytes())
    return found


def verdicts(result: dict[str, Any]) -> dict[str, str]:
    """Give the verdict on each row that was tested."""
    return {each["id"]: each["verdict"] for each in result["rows"] if each["verdict"] != "untested"}


def test_two_shells_give_the_verdicts_of_one(tmp_path: Path) -> None:
    """`simulate` here and `run --target` there; `run` alone: every row that both exercised has one verdict."""
    with started("simulate", "--port", "0", *time_options(0.008)) as simulator:
        assert simulator.stdout is not None
        said, url = simulator.stdout.readline().rsplit(maxsplit=1)
        assert said == "listening on"
        one, two = tmp_path / "one", tmp_path / "two"
        with (
            started("run", *QUICK, "--report-dir", str(one)) as alone,
            started("run", *QUICK, "--report-dir", str(two), "--target", url) as apart,
        ):
            told = [each.communicate() for each in (alone, apart)]
        assert (alone.returncode, apart.returncode) == (5, 5), told
        simulator.send_signal(signal.SIGTERM)
        assert simulator.wait(60) == 0
        assert simulator.stdout.read() == ""
    here, there = result_of(one), result_of(two)
    assert there["target"]["url"] == url
    assert here["target"]["api_version"] == there["target"]["api_version"]
    both = verdicts(here).keys() & verdicts(there).keys()
    assert len(both) >= 20
    assert {each: verdicts(here)[each] for each in both} == {each: verdicts(there)[each] for each in both}
    assert set(verdicts(here).values()) == {"conforms"}
    assert here["findings"] == there["findings"] == []


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_end_ends_cleanly(tmp_path: Path, told: signal.Signals) -> None:
    """Ctrl-C and SIGTERM: what was judged is written, what was not is untested, and the notes say why."""
    with started("run", "--seed", "1", "--report-dir", str(tmp_path)) as run:
        while not any(b'"purpose":"judge"' in each.read_bytes() for each in tmp_path.glob("*/history.jsonl")):
            assert run.poll() is None, run.communicate()
            time.sleep(0.02)
        run.send_signal(told)
        out, err = run.communicate()
    assert run.returncode == 5, err
    assert "Traceback" not in err
    result = result_of(tmp_path)
    assert result["verdict"] in {"untested", "inconclusive"}
    assert result["exit_code"] == 5
    assert any(each.startswith("interrupted") for each in result["notes"])
    assert 0 < result["calls"] < 1500  # of a whole run's more than two thousand
    assert out.splitlines()[-1].startswith(f"{result['verdict']} (")
    assert {"history.jsonl", "junit.xml", "cells.jsonl", "findings.jsonl"} <= {
        each.name for each in (tmp_path / "latest").iterdir()
    }


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_ends_when_it_is_told_to(told: signal.Signals) -> None:
    """One line on stdout, nothing on stderr, exit code 0; over TLS too."""
    with started("simulate", "--tls") as simulator:
        assert simulator.stdout is not None
        line = simulator.stdout.readline()
        assert line.startswith("listening on https://127.0.0.1:")
        simulator.send_signal(told)
        assert simulator.communicate() == ("", "")
    assert simulator.returncode == 0
