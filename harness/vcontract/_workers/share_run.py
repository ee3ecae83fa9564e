"""One worker's run over its share of a plan."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from vcontract._model import State, all_cells, changes
from vcontract._run.active_run import ActiveRun, begin, begin_run
from vcontract._run.announcer import Announcer
from vcontract._run.phases import ShrinkFindings, TakeSteps
from vcontract._run.plan import Step, costed, plan
from vcontract._run.planning import Planned, look_at_vms, plan_nothing_but_look
from vcontract._run.start import StartedRun
from vcontract._run.summary import PartialResult
from vcontract._testbed import Testbed, given
from vcontract._workers.lanes.dealer import Dealer
from vcontract._workers.shares import Share


def run_share(
    started: StartedRun, share: Share, methods: frozenset[str], dealer: Dealer | None = None
) -> PartialResult:
    """Take the steps of a share, in sessions of its own; `methods` are those of the rows that were selected.

    With a `dealer` the steps are those that it deals. The object is read, and what was made is looked for, by whoever dealt
    the shares out: others still use it.
    """
    site = replace(started.site, request=replace(started.site.request, max_calls=share.max_calls))

    def planner(testbed: Testbed) -> Planned:
        return plan_share(testbed, share, methods) if dealer is None else plan_nothing_but_look(testbed)

    beginning = begin(site)
    source = given(share.facts, beginning.asked(site))
    run = begin_run(site, source, planner, beginning, Announcer(started.reporters))
    steps = TakeSteps() if dealer is None else TakeDealtSteps(dealer, share.number)
    # what lanes found is made smaller when all is known, one after the other: so the same of it remains, however many they are
    return run.conduct([steps, *([ShrinkFindings()] if dealer is None else [])], audits=False)


class TakeDealtSteps:
    """Takes steps as a dealer deals them to a lane."""

    def __init__(self, dealer: Dealer, number: int) -> None:
        self._dealer, self._number = dealer, number

    def run(self, run: ActiveRun) -> None:
        """Take them until none is left that the lane's VMs can serve, or the run must stop."""
        selection = run.testbed.lane.selection

        def serves(want: tuple[State, bool, int]) -> bool:
            state, on_host, nics = want
            return next(selection.fitting(state, on_host=on_host, nics=nics), None) is not None

        def dealt() -> Iterator[list[Step]]:
            for steps in self._dealer.batches(self._number, serves):
                taken.extend(steps)
                yield steps

        taken: list[Step] = []
        try:
            run.step_runner.walk_dealt(dealt(), self._dealer.total)
        finally:
            cells = [step.cell for step in taken if step.cell is not None]
            contract = run.site.contract
            run.was_dealt(costed(taken, cells, {cell.id for cell in cells if changes(cell, contract)}))


def plan_share(testbed: Testbed, share: Share, methods: frozenset[str]) -> Planned:
    """Plan as the whole run was planned, and keep the steps of the share."""
    look_at_vms(testbed)
    site, ids, labels = testbed.site, set(share.cells), set(share.steps)
    chosen = tuple(method.name for method in site.contract.methods if method.name in methods)
    cells = [cell for cell in all_cells(site.contract) if cell.id in ids]
    whole = plan(site.contract, chosen, cells, testbed.caller.cases(), site.request.seed)
    return Planned(replace(whole, steps=[step for step in whole.steps if step.label in labels]))
