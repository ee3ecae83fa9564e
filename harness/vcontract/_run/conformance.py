"""A conformance run: survey the target, take the steps of the plan, judge every call, sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from vcontract._contract import rows
from vcontract._errors import AbsentError
from vcontract._history import ASKED, FACTS
from vcontract._model import Facts
from vcontract._report.events import RunStarted
from vcontract._report.result import RunResult
from vcontract._run.active_run import ActiveRun, Beginning, Phase, begin, begin_run, target_facts
from vcontract._run.announcer import Announcer
from vcontract._run.estimates.budget import left_out
from vcontract._run.interrupted_run import InterruptedRun, resumed
from vcontract._run.object_reads import read_since
from vcontract._run.phases import ConfirmDeaths, ReadObject, ReplayFinding, ShrinkFindings, TakeSteps
from vcontract._run.planning import Planner, plan_nothing
from vcontract._run.risk.planning import plan_within_risk
from vcontract._run.start import StartedRun
from vcontract._run.summarize import finished, summarize
from vcontract._run.summary import PartialResult, heard
from vcontract._terms import Finding, Ref, RowVerdict
from vcontract._testbed import Site, Testbed, as_json, instance_of, surveyed


def run_conformance(started: StartedRun, interrupted: InterruptedRun | None = None) -> RunResult:
    """Take the whole plan, as far as the level of risk goes; goes on where a run was cut (`interrupted`)."""
    phases: list[Phase] = [ReadObject(), TakeSteps(), ConfirmDeaths(), ShrinkFindings()]
    return carried_out(started, plan_within_risk, phases, interrupted=interrupted)


def replay_finding(started: StartedRun, finding: Finding, phase: Phase | None = None) -> RunResult:
    """Send the calls of one finding again, and judge its row; `phase` sends them in another way.

    They are sent once, so that once is how often the finding must come.
    """
    site = started.site
    started = replace(started, site=replace(site, config=replace(site.config, confirm=1)))
    phases = [phase or ReplayFinding(finding)]
    return carried_out(started, plan_nothing, phases, keep=lambda row: row.id == finding.row)


def carried_out(
    started: StartedRun,
    planner: Planner,
    phases: Sequence[Phase],
    *,
    interrupted: InterruptedRun | None = None,
    keep: Callable[[RowVerdict], bool] = lambda _: True,
    change: Callable[[RunResult], RunResult] = lambda result: result,
) -> RunResult:
    """Carry a run out from the survey to its result, on a target that may lack the object; `change` has the last word on it.

    `keep` says which rows are told. Ctrl-C ends it cleanly with what is known.
    """
    site, announcer = started.site, Announcer(started.reporters)
    beginning = begin(site, interrupted)
    source = resumed(interrupted) if interrupted is not None else surveyed(beginning.asked(site))
    try:
        run = begin_run(site, source, planner, beginning, announcer, interrupted)
    except AbsentError as absent:
        part, caller = _without(site, beginning, announcer, str(absent)), None
    else:
        run.notes.extend(_absent(run.testbed))
        part, caller = _told(run, run.conduct(phases)), run.testbed.caller
    return finished(site, announcer, change(summarize(site, beginning, [part], caller, keep)))


def _told(run: ActiveRun, part: PartialResult) -> PartialResult:
    """Say of a run with a budget what that left out."""
    budget = run.site.request.budget
    if not budget or not run.plan.steps:
        return part
    taken = {*part.exercised, *part.refused}
    return replace(part, notes=[*part.notes, left_out(budget, run.plan.steps, taken, run.seconds)])


def _absent(testbed: Testbed) -> list[str]:
    """Say which names in a configuration match nothing on its target; of clones in place of VMs, only hosts can be told."""
    config, vms = testbed.site.config, testbed.driver.facts.vms.values()
    if testbed.site.request.config is None:
        return []  # what is built in is for every inventory
    names = [vm.name for vm in vms] if testbed.working_clones is None else [each.name for each in config.vm]
    return [f"configuration: {told}" for told in config.absent(names, testbed.host_names)]


def _without(site: Site, beginning: Beginning, announcer: Announcer, absent: str) -> PartialResult:
    """Say that the target has not the object; from the API release on that brought it, a vCenter must have it."""
    listed = rows(site.contract, site.bases)
    announcer.tell(RunStarted(target_facts(site), site.request.seed, len(listed), 0))
    recorder = site.target.recorder
    recorder.observed(ASKED, beginning.asked(site))
    facts = Facts(
        site.contract.object,
        Ref(site.contract.object, ""),
        site.target.api_version,
        url=site.target.url,
        instance=instance_of(site.target),
        absent=absent,
    )
    recorder.observed(FACTS, as_json(facts))
    known = all(method.name in site.target.schema.operations for method in site.contract.methods)
    if known and site.target.about.get("apiType") == "VirtualCenter":
        read_since(site.target, site.contract)
    return replace(heard(site.contract, [], recorder.operations), absent=absent)
