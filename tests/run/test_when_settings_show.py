"""A whole run is quiet wherever a server takes settings up as the documents let it, and finds one that never does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from msgspec import structs

from tests.windows import skipping
from vcontract._client import Recorder, Target
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load
from vcontract._run.conformance import run_conformance
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._simulator.defects.registry import MANAGER
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

CALLS = 12
NEVER = frozenset({"settings-never-taken-up"})


@pytest.fixture
def judged() -> Callable[..., Any]:
    """Give a function that runs against a simulator that takes settings up in its own way."""

    def run(calls: int = CALLS, staleness: float = EMBEDDED.staleness, **settings: Any) -> Any:
        config = structs.replace(EMBEDDED, staleness=staleness)
        options = RunRequest(seed=1, max_calls=calls, time_limit=120.0, shrink=Budget(attempts=0, seconds=0.0))
        with SimulatorServer(skipping(seed=1, **settings)) as simulator:
            target = Target.open(simulator.url, recorder=Recorder(), secrets=secrets_of(config))
            with closing(target):
                return run_conformance(StartedRun(Site(target, load(MANAGER), config, options)))

    return run


@pytest.mark.parametrize(
    "variant", ["", "settings-show-at-once", "name-waits-for-the-boot", "only-a-boot-takes-a-name-up"]
)
def test_each_way_that_the_documents_leave_open_is_quiet(variant: str, judged: Callable[..., Any]) -> None:
    """Of a run the first cells, which are about that alone, and some others."""
    result = judged(variants=frozenset({variant} - {""}))
    assert [finding.detail for finding in result.findings] == []
    assert {"CustomizeGuest_Task", "StartGuestNetwork_Task"} <= {
        row.id.split("/")[1] for row in result.rows if row.observed
    }


def test_a_guest_that_takes_nothing_up_is_found(judged: Callable[..., Any]) -> None:
    """Neither the start of its network nor a boot shows what it was given."""
    found = judged(defects=NEVER).findings
    assert {finding.method for finding in found} == {"CustomizeGuest_Task", "StartGuestNetwork_Task"}
    assert any("after a boot" in finding.detail for finding in found)
    assert all(finding.shown for finding in found)


def test_late_reports_are_waited_for(judged: Callable[..., Any]) -> None:
    """As long as the configuration says: twice before a breach, not at all once all is shown."""
    late = judged(4, staleness=0.2, report_time=0.1, defects=NEVER)
    assert any("after a network start" in finding.detail for finding in late.findings)
    assert [finding.detail for finding in judged(8, staleness=0.2, report_time=0.1).findings] == []
