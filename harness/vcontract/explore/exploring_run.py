"""A run that goes beyond its plan: it explores, and the report says how far."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from msgspec.structs import replace

from vcontract.check import Judge
from vcontract.explore.explorer import EXPLORE, Explorer
from vcontract.report.result import Explored, RunResult
from vcontract.run.conformance import Conformance
from vcontract.run.exerciser import Exerciser
from vcontract.run.plan import Plan, Step
from vcontract.run.summary import Part
from vcontract.strategies.programs import LENGTH, visits
from vcontract.testbed import Lane

_ENDED = "…"
"""Under this name the walk says why it ended early."""


class Exploring(Conformance):
    """A run that executes random programs after its plan, or without it."""

    explored = Explored()
    left_out: Sequence[str] = ()
    _ends = ""

    def _plan(self, lane: Lane) -> Plan:
        return Plan([]) if self.options.explore_only else super()._plan(lane)

    def _walk(self, steps: Sequence[Step], exerciser: Exerciser, judge: Judge) -> None:
        super()._walk(steps, exerciser, judge)
        if _ENDED in self.walker.skipped or self._over(judge):
            return
        for vm in exerciser.driver.facts.vms.values():
            if not exerciser.driver.quarantine.why(vm.ref.value):
                exerciser.driver.read_vm(vm.ref)
        explorer = Explorer(exerciser.lane, lambda: self._over(judge), self.health.look)
        cells = [each.cell for each in self.plan.steps if each.cell is not None]
        seen = visits((each.state, each.asked, each.deviations) for each in cells)
        count = self.options.explore
        try:
            with closing(explorer.explore(self._methods(), seen, self.options.seed, count, self._before())) as moves:
                for done in moves:
                    self._report_new(judge, len(steps) + done, len(steps) + count * LENGTH)
        finally:
            self.explored, self.left_out = explorer.made, explorer.left_out()

    def _over(self, judge: Judge) -> bool:
        """Whether the run must end; once it must, it must: each violation is told of only once."""
        self._ends = self._ends or self._spent(judge)
        return bool(self._ends)

    def _before(self) -> frozenset[int]:
        """Give the numbers of the programs that a run that was cut had begun: none is made twice."""
        cells = {
            each.cell.partition(":")[2] for each in self.target.recorder.operations if each.cell.startswith(EXPLORE)
        }
        return frozenset(int(each.replace(".", ":").partition(":")[0]) for each in cells)

    def _part(self, judge: Judge, notes: list[str]) -> Part:
        return super()._part(judge, [*notes, *self.left_out])

    def result(self, parts: Sequence[Part]) -> RunResult:
        """Put the parts of the run together, with how far it explored."""
        return replace(super().result(parts), explored=self.explored)
