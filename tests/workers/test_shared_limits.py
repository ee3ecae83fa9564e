"""Limits of a run that several workers share: how many of them there may be, and what each may send."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.run.test_limits import request
from vcontract._config.config import LOOPBACK, RequestLimits
from vcontract._errors import UsageError
from vcontract._simulator import SimulatorServer
from vcontract._workers.launch import launch
from vcontract._workers.shared_run import divided


def test_more_workers_than_requests_at_once(simulator: SimulatorServer, tmp_path: Path) -> None:
    """Refused, with the number that is possible."""
    with pytest.raises(UsageError, match=r"limits.parallel_calls = 2: 3 workers .* use at most 2"):
        launch(replace(request(simulator, tmp_path, "parallel_calls = 2"), workers=3))


def test_what_each_worker_may_send() -> None:
    """The rate and what is left of the requests are divided, so that all of them keep to the whole."""
    config = replace(LOOPBACK, limits=RequestLimits(calls_per_second=9, parallel_calls=4, total_calls=1000))
    mine = divided(config, 3, sent=100).limits
    assert (mine.calls_per_second, mine.total_calls) == (3, 300)
    assert divided(LOOPBACK, 3, sent=100) == LOOPBACK
