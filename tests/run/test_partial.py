"""A run that did not come to its end says so first, and is never plain green; what it names is never another server."""

from __future__ import annotations

import io
import re
import signal
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.windows import skipping
from vcontract._client import Recorder, Target
from vcontract._config.config import Config, address_of
from vcontract._config.request import SIMULATOR, Budget, RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._findings.lookup import find
from vcontract._report.console import ConsoleReporter
from vcontract._report.events import RunEnded
from vcontract._report.junit import junit
from vcontract._report.result import Cells, RunResult, TargetFacts
from vcontract._run.conformance import run_conformance
from vcontract._run.signals import Begun, terminable
from vcontract._run.start import StartedRun
from vcontract._run.summary import too_few
from vcontract._simulator import SimulatorServer
from vcontract._terms import Finding, Grade, Operation, Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

MANAGER = "VirtualMachineGuestCustomizationManager"
LATE = 700
"""So many requests into a run every row has been exercised."""


def ran(told: signal.Signals | None, **limits: float) -> RunResult:
    """Run against a faithful simulator, with limits; a signal comes after LATE requests."""
    begun, recorder = Begun(), Recorder()
    with SimulatorServer(skipping(seed=1)) as server:
        target = Target.open(server.url, recorder=recorder, secrets=secrets_of(EMBEDDED))
        options = RunRequest(seed=1, shrink=Budget(attempts=0, seconds=0.0), **limits)  # type: ignore[arg-type] # fields of numbers

        def hear(done: Operation) -> None:
            if told is not None and done.op == LATE:
                signal.raise_signal(told)

        with closing(target), terminable(begun, recorder.stop):
            recorder.listeners.append(hear)
            return run_conformance(StartedRun(Site(target, load(MANAGER), EMBEDDED, options), [begun]))


def first_lines(result: RunResult) -> list[str]:
    """Give the first line of each report."""
    out = io.StringIO()
    ConsoleReporter(out=out, err=io.StringIO()).on(RunEnded(result))
    said = ET.fromstring(junit(result)).findtext(".//system-out") or ""  # noqa: S314 - our own document
    return [out.getvalue().splitlines()[0], said.splitlines()[0]]


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_a_signal_cut_is_inconclusive(told: signal.Signals) -> None:
    """Whatever its rows say: what was not reached may be broken; every report says so in its first line."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where the tests run under nohup it would be ignored, and rightly
    result = ran(told)
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 5)
    assert re.fullmatch(r"\d+ of [\d,]+ cells \(interrupted\)", result.partial)
    assert first_lines(result) == [f"partial: {result.partial}"] * 2


def test_a_limit_of_the_users_is_told_first() -> None:
    """It says which one."""
    result = ran(None, max_calls=5)
    assert re.fullmatch(r"\d+ of [\d,]+ cells \(the limit of 5 judged calls was reached\)", result.partial)
    assert first_lines(result) == [f"partial: {result.partial}"] * 2


def test_a_run_that_exercised_too_little_is_inconclusive() -> None:
    """The percent that were asked for are of the cells within reach."""
    result = ran(None, max_calls=5, min_coverage=90)
    assert result.exit_code == 5
    assert re.match(r"coverage: \d\.\d % of the cells within reach were exercised, at least 90 %", result.notes[0])
    assert too_few(Cells(reachable=10, exercised=9), 90) == []
    assert too_few(Cells(), 90) == []


def test_a_run_that_came_to_its_end_is_not_partial() -> None:
    """Its reports begin with what they always begin with."""
    result = RunResult(Verdict.CONFORMS, 0, 1, 0, 0, TargetFacts("http://127.0.0.1/sdk"))
    assert not any(line.startswith("partial") for line in first_lines(msgspec.structs.replace(result, notes=["a"])))


def test_a_configuration_without_a_target_is_not_tested_on_a_simulator() -> None:
    """What was meant for a vCenter would be told of something else; the way out is named."""
    asked = RunRequest(config=Path("site.toml"))
    with pytest.raises(UsageError, match=r"site\.toml: names no target: .*--target simulator"):
        address_of(asked, Config())
    assert address_of(asked, Config(target="https://vc/sdk")) == "https://vc/sdk"
    assert address_of(msgspec.structs.replace(asked, target=SIMULATOR), Config(target="https://vc/sdk")) == ""
    assert address_of(RunRequest(), Config()) == ""


@pytest.mark.parametrize(
    ("request_", "had"),
    [
        ({"target": "https://vc/sdk"}, True),
        ({"config": "site.toml"}, True),
        ({"target": SIMULATOR, "config": "site.toml"}, False),
        ({}, False),
    ],
)
def test_a_replay_of_a_run_on_a_server_never_goes_to_a_simulator(
    tmp_path: Path, request_: dict[str, str], *, had: bool
) -> None:
    """The command must name the target; the way out is named."""
    known = Finding(
        "0" * 12, "row", MANAGER, "AbortCustomization_Task", Grade.WRONG, "OK", "InvalidState", "", "", 1, (1,), ""
    )
    saved = RunResult(Verdict.VIOLATES, 1, 1, 1, 1, TargetFacts("https://vc/sdk"), findings=[known], request=request_)
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(saved))
    why = "the run was on https://vc/sdk: name the target again" if had else "has no recorded calls"
    with pytest.raises(UsageError, match=why):
        find(f"{tmp_path}#{known.id}", named=False)
    with pytest.raises(UsageError, match="has no recorded calls"):
        find(f"{tmp_path}#{known.id}", named=True)
