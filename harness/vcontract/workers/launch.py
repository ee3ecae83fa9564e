"""`vcontract run --workers N`: the same tests, on N processes of this machine, told as a run and not as pytest would."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vcontract.config.request import RunRequest
from vcontract.errors import HarnessError, UsageError
from vcontract.pytest_plugin import HOME, PACKAGE
from vcontract.report.result import RunResult
from vcontract.run.preparation import PLAIN, Preparation
from vcontract.workers.worker_run import Deal

_FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_AUTO_NUM_WORKERS")
_ALONE = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"


def launch(request: RunRequest, preparation: Preparation = PLAIN) -> RunResult:
    """Run on several workers. Raises HarnessError for all that keeps it from running (AbsentError: nothing to share out).

    Neither the project in which it is started, nor what its environment says to pytest, has a say.
    """
    for option, given in (
        ("--resume", preparation.past),
        ("--complete", request.complete),
        ("--explore", request.explore or None),
        ("--record", request.record),
        ("--target replay:FILE", preparation.recorded),
    ):
        if given is not None:
            raise UsageError(f"{option}: is for one worker; leave --workers out")
    deal = Deal(request, preparation)
    deal.open(request.workers)
    arguments = [
        *("--pyargs", PACKAGE, "-c", os.devnull, "--rootdir", str(HOME), "--capture=no", "-n", str(request.workers)),
        *("-p", "xdist", "-p", "vcontract.pytest_plugin", "-p", "no:terminal", "-p", "no:cacheprovider"),
        *("--vcontract-contract", request.contract),
        *(part for each in request.methods for part in ("--vcontract-method", each)),
    ]
    with _alone():
        pytest.main(arguments, plugins=[deal])
    if deal.result is None:
        deal.end()
        raise HarnessError("pytest ended before the run did")
    return deal.result


@contextmanager
def _alone() -> Iterator[None]:
    """Keep what the environment says to pytest away, from the workers too."""
    before = {name: os.environ.pop(name, None) for name in (*_FOREIGN, _ALONE)}
    os.environ[_ALONE] = "1"
    try:
        yield
    finally:
        del os.environ[_ALONE]
        os.environ.update({name: value for name, value in before.items() if value is not None})
