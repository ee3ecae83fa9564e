"""`vcontract run`: the plan, or beyond it exploration or a proof, on one process or on several."""

from __future__ import annotations

from vcontract.config.permissions import not_allowed
from vcontract.errors import AbsentError, UsageError
from vcontract.explore.phase import explore
from vcontract.proof.proof import Proof, carry_out, prepared
from vcontract.report.result import RunResult
from vcontract.run.conformance import replay_finding, run_conformance
from vcontract.run.job import Job, configured, contract_of, underway
from vcontract.workers.launch import launch


def execute_on(job: Job, workers: int) -> RunResult:
    """Run a job on so many processes. Raises HarnessError for all that keeps it from running."""
    if workers > 1:
        try:
            return launch(job, workers)
        except AbsentError:  # then there is nothing to share out
            pass
    return execute(job)


def execute(job: Job) -> RunResult:
    """Run a job to its result; reports as it goes. Raises HarnessError for all that keeps it from running.

    A run that never got under way leaves no directory behind, unless it goes on with one that was there (`past`).
    """
    proof = _proof(job)
    with underway(job) as ground:
        if proof is not None:
            return carry_out(ground, proof)
        if job.options.explore:
            return explore(ground, job.past)
        if job.finding is not None:
            return replay_finding(ground, job.finding)
        return run_conformance(ground, job.past)


def _proof(job: Job) -> Proof | None:
    """Prepare the proof, if one is asked for: it may be refused for its size before anything is sent."""
    if job.options.explore and job.options.complete is not None:
        raise UsageError("--explore tries at random, --complete proves: choose one")
    chosen = "--complete" if job.options.complete is not None else "--explore" if job.options.explore else ""
    if chosen and "power" not in configured(job).allow:
        raise UsageError(f"{chosen} works on clones, which cannot be destroyed without power: {not_allowed('power')}")
    if job.options.complete is not None:
        return prepared(contract_of(job), configured(job), job.options)
    if job.options.alphabet:
        raise UsageError("--alphabet says what --complete is about, and goes with it alone")
    return None
