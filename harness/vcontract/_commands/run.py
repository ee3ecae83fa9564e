"""`vcontract run`: the plan, or beyond it exploration or a proof, on one process or on several."""

from __future__ import annotations

from contextlib import suppress

from vcontract._config.permissions import not_allowed
from vcontract._config.request import RunRequest
from vcontract._config.risk import needing_clones
from vcontract._errors import AbsentError, UsageError
from vcontract._explore.phase import explore
from vcontract._proof.proof import Proof, carry_out, prepared
from vcontract._report.result import RunResult
from vcontract._run.conformance import replay_finding, run_conformance
from vcontract._run.estimates.budget import within_budget
from vcontract._run.preparation import PLAIN, Preparation
from vcontract._run.start import configured, contract_of, underway
from vcontract._workers.lanes.default_lanes import default_lanes
from vcontract._workers.lanes.lanes_run import run_in_lanes
from vcontract._workers.launch import launch


def execute_on(request: RunRequest, preparation: Preparation = PLAIN) -> RunResult:
    """Run on as many processes, or lanes, as are asked for. Raises HarnessError for all that keeps it from running."""
    request = within_budget(request)
    if request.lanes > 1 and request.workers > 1:
        raise UsageError("--lanes works in one process, --workers in several: choose one")
    if request.workers > 1:
        try:
            return launch(request, preparation)
        except AbsentError:  # then there is nothing to share out
            pass
    former = preparation.interrupted is not None and bool(preparation.interrupted.workers)
    lanes, a_host = (request.lanes, 0) if request.lanes else default_lanes(request, preparation)
    if lanes > 1 or former:
        with suppress(AbsentError):  # then there is nothing to deal
            return run_in_lanes(request, lanes, preparation, a_host=a_host)
    return execute(request, preparation)


def execute(request: RunRequest, preparation: Preparation = PLAIN) -> RunResult:
    """Run to the result; reports as it goes. Raises HarnessError for all that keeps it from running.

    A run that never got under way leaves no directory behind, unless it goes on with one that was there (`interrupted`).
    """
    proof = _proof(request, preparation)
    with underway(request, preparation) as started:
        if proof is not None:
            return carry_out(started, proof)
        if request.explore:
            return explore(started, preparation.interrupted)
        if preparation.finding is not None:
            return replay_finding(started, preparation.finding)
        return run_conformance(started, preparation.interrupted)


def _proof(request: RunRequest, preparation: Preparation) -> Proof | None:
    """Prepare the proof, if one is asked for: it may be refused for its size before anything is sent."""
    if request.explore and request.complete is not None:
        raise UsageError("--explore tries at random, --complete proves: choose one")
    chosen = "--complete" if request.complete is not None else "--explore" if request.explore else ""
    if chosen and "power" not in configured(request, preparation).allow:
        raise UsageError(f"{chosen} works on clones, which cannot be destroyed without power: {not_allowed('power')}")
    if chosen:
        needing_clones(request, chosen)
    if request.complete is not None:
        return prepared(contract_of(request), configured(request, preparation), request)
    if request.alphabet:
        raise UsageError("--alphabet says what --complete is about, and goes with it alone")
    return None
