"""The phase of a run that goes beyond its plan: it explores, and the result says how far."""

from __future__ import annotations

from contextlib import closing

from msgspec.structs import replace

from vcontract._explore.explorer import Explorer
from vcontract._model.labels import ProgramLabel
from vcontract._report.result import Explored, RunResult
from vcontract._run.active_run import ActiveRun, Phase
from vcontract._run.conformance import carried_out
from vcontract._run.interrupted_run import InterruptedRun
from vcontract._run.phases import ReadObject, ShrinkFindings, TakeSteps
from vcontract._run.planning import Planned, chosen_methods, plan_nothing, plan_whole_run
from vcontract._run.start import StartedRun
from vcontract._strategies.programs import LENGTH, visits
from vcontract._testbed import Testbed


class Explore:
    """Executes random programs, unless the run was stopped before; `explored` tells how many."""

    def __init__(self) -> None:
        self.explored = Explored()
        self._ends = ""

    def run(self, run: ActiveRun) -> None:
        """Look at every VM once more, then draw and execute programs until the run must stop."""
        if run.step_runner.ended or self._over(run):
            return
        testbed, request = run.testbed, run.site.request
        for vm in testbed.driver.facts.vms.values():
            if not testbed.driver.quarantine.why(vm.ref.value):
                testbed.driver.read_vm(vm.ref)
        explorer = Explorer(testbed.lane, lambda: self._over(run), testbed.health.look)
        cells = [step.cell for step in run.plan.steps if step.cell is not None]
        seen = visits((cell.state, cell.asked, cell.deviations) for cell in cells)
        methods, before = chosen_methods(testbed.site), _programs_begun(run)
        try:
            with closing(explorer.explore(methods, seen, request.seed, request.explore, before)) as moves:
                for done in moves:
                    run.tell_judgements(len(run.steps) + done, len(run.steps) + request.explore * LENGTH)
        finally:
            self.explored = explorer.made
            run.notes.extend(explorer.left_out())

    def _over(self, run: ActiveRun) -> bool:
        """Whether the run must end; once it must, it must: each violation is told of only once."""
        self._ends = self._ends or run.spent()
        return bool(self._ends)

    def told(self, result: RunResult) -> RunResult:
        """Give the result of the run, with how far it explored."""
        return replace(result, explored=self.explored)


def plan_unless_left_out(testbed: Testbed) -> Planned:
    """Plan a whole run, unless exploration is all that was asked for."""
    return plan_nothing(testbed) if testbed.site.request.explore_only else plan_whole_run(testbed)


def explore(started: StartedRun, interrupted: InterruptedRun | None = None) -> RunResult:
    """Carry out a run that explores after its plan, or without it; goes on where a run was cut (`interrupted`)."""
    phase = Explore()
    phases: list[Phase] = [ReadObject(), TakeSteps(), phase, ShrinkFindings()]
    return carried_out(started, plan_unless_left_out, phases, interrupted=interrupted, change=phase.told)


def _programs_begun(run: ActiveRun) -> frozenset[int]:
    """Give the numbers of the programs that a run that was cut had begun: none is made twice."""
    operations = run.site.target.recorder.operations
    labels = (ProgramLabel.parse(cell) for cell in {done.cell for done in operations})
    return frozenset(label.program for label in labels if label is not None)
