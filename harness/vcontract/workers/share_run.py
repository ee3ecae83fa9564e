"""One worker's run over its share of a plan."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract.model import all_cells
from vcontract.run.active_run import begin, begin_run
from vcontract.run.announcer import Announcer
from vcontract.run.phases import ShrinkFindings, TakeSteps
from vcontract.run.plan import plan
from vcontract.run.planning import Planned, look_at_vms
from vcontract.run.start import StartedRun
from vcontract.run.summary import PartialResult
from vcontract.testbed import Testbed, given
from vcontract.workers.shares import Share


def run_share(started: StartedRun, share: Share, methods: frozenset[str]) -> PartialResult:
    """Take the steps of a share, in sessions of its own; `methods` are those of the rows that were selected.

    The object is read, and what was made is looked for, by whoever dealt the shares out: other workers still use it.
    """
    site = replace(started.site, request=replace(started.site.request, max_calls=share.max_calls))

    def planner(testbed: Testbed) -> Planned:
        return plan_share(testbed, share, methods)

    beginning = begin(site)
    source = given(share.facts, beginning.asked(site))
    run = begin_run(site, source, planner, beginning, Announcer(started.reporters))
    return run.conduct([TakeSteps(), ShrinkFindings()], audits=False)


def plan_share(testbed: Testbed, share: Share, methods: frozenset[str]) -> Planned:
    """Plan as the whole run was planned, and keep the steps of the share."""
    look_at_vms(testbed)
    site, ids, labels = testbed.site, set(share.cells), set(share.steps)
    chosen = tuple(method.name for method in site.contract.methods if method.name in methods)
    cells = [cell for cell in all_cells(site.contract) if cell.id in ids]
    whole = plan(site.contract, chosen, cells, testbed.caller.cases(), site.request.seed)
    return Planned(replace(whole, steps=[step for step in whole.steps if step.label in labels]))
