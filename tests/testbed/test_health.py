"""The health check ends a run when the server suffers, and else costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._client import Target
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._errors import HaltedError
from vcontract._simulator import SimulatorServer
from vcontract._terms import Call, Lost, Operation, Returned
from vcontract._testbed import health as watching
from vcontract._testbed.health import EVERY, LOGIN, HealthCheck
from vcontract._testbed.survey import log_in, secrets_of

ADMINISTRATOR = "administrator@vsphere.local"
INSTANCE = "ServiceInstance"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """Give a simulator that hurries."""
    with SimulatorServer(fitted(task_time=0.02, boot_time=0.02)) as running:
        yield running


class Patient:
    """A target whose answers take as long as the test says (seconds; None: none comes)."""

    url = "http://patient/sdk"

    def __init__(self, *took: float | None) -> None:
        self.took = list(took)
        self.asked = 0

    def send(self, call: Call, **_: Any) -> Operation:
        """Answer."""
        took = self.took[min(self.asked, len(self.took) - 1)]
        self.asked += 1
        outcome = Lost("closed without a reply") if took is None else Returned("now")
        return Operation(self.asked, call, 0.0, took or 0.0, outcome)


def watched(patient: Any, slowest: float = 0.0) -> tuple[HealthCheck, list[float]]:
    """Give a health check, and the pauses that it makes; it always finds that it is time to look."""
    pauses: list[float] = []
    ticks = iter(range(0, 10**6, int(EVERY) + 1))
    return HealthCheck(patient, "", slowest, monotonic=lambda: next(ticks), sleep=pauses.append), pauses


@pytest.mark.parametrize(
    ("slowest", "took", "ends"),
    [
        (0.0, [0.01] * 9, False),
        (0.0, [0.01, 0.01, 0.01, 0.9, 0.9, 0.9, 0.9], False),  # below a second nobody suffers
        (0.0, [0.01, 0.01, 0.01, 1.1, 1.1, 0.5, 1.1, 1.1, 0.5], False),
        (0.0, [0.01, 0.01, 0.01, 1.1, 1.1, 1.1], True),
        (0.0, [0.5, 0.5, 0.5, 9.0, 9.0, 9.0], False),
        (0.3, [0.5, 0.5, 0.5], True),
        (0.0, [0.01, None, None, 0.01, None, None, 0.01], False),
        (0.0, [0.01, None, 2.0, None], True),
    ],
)
def test_three_times_in_a_row(slowest: float, took: list[float | None], ends: bool) -> None:  # noqa: FBT001 - a row
    """Too slow beside what it was at first, or beside the configured limit, or no answer."""
    patient = Patient(*took)
    health, pauses = watched(patient, slowest)

    def look_on() -> None:
        while patient.asked < len(took):
            health.look()

    if not ends:
        look_on()
        return
    with pytest.raises(HaltedError, match="suffers, 3 times in a row: CurrentTime"):
        look_on()
    assert pauses[-2:] == [1.0, 1.0]


def test_it_looks_now_and_then(server: SimulatorServer) -> None:
    """Not more often than it should; every so many looks a session is opened, and ended again."""
    target = Target.open(server.url, secrets=secrets_of(LOOPBACK))
    log_in(target, LOOPBACK)
    clock = [0.0]
    health = HealthCheck(target, ADMINISTRATOR, 0.0, monotonic=lambda: clock[0])
    before = len(target.recorder.operations)
    for _ in range(10 * LOGIN):
        health.look()
        clock[0] += EVERY / 10
    methods = [each.call.method for each in target.recorder.operations[before:]]
    assert methods == ["CurrentTime"] * LOGIN + ["Login", "Logout"]
    target.close()


def test_a_login_that_is_refused_counts(server: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that lets nobody in any more suffers too."""
    monkeypatch.setattr(watching, "LOGIN", 1)
    target = Target.open(server.url, secrets=secrets_of(LOOPBACK))
    log_in(target, LOOPBACK)
    health = HealthCheck(target, "nobody@vsphere.local", 0.0, sleep=lambda _: None)
    with pytest.raises(HaltedError, match="refuses the login of nobody"):
        health.look()
    target.close()


def test_a_run_is_halted(server: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3, and the report says why; what was judged by then is there, and the VMs are put back."""
    monkeypatch.setattr(watching, "EVERY", 0.0)
    monkeypatch.setattr(watching, "_PAUSE", 0.0)
    ill = HealthCheck._ill

    def falls_ill(self: HealthCheck) -> str:
        return "it has the flu" if self._target.recorder.calls > 20 else ill(self)

    monkeypatch.setattr(HealthCheck, "_ill", falls_ill)
    options = RunRequest(seed=5)
    result = execute(replace(options, target=server.url, report_dir=tmp_path, output="none"))
    assert result.exit_code == 3
    assert any(each.startswith("halted for safety: ") and "the flu" in each for each in result.notes)
    assert 20 < result.calls < 40
    assert result.clones.left == []
