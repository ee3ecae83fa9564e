"""What a plan costs on a testbed, told in two lines: how much is sent, how long that takes, and what that rests on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from statistics import median

import msgspec

from vcontract._model import State, VmFacts, passes
from vcontract._run.estimates.cost import MAYBE, Cost, Range, sends
from vcontract._run.estimates.walk import Walk
from vcontract._run.plan import Step
from vcontract._run.step_runner import HASTY_TRIES
from vcontract._testbed import NotArrangedError, Testbed
from vcontract._testbed.health import EVERY
from vcontract._testbed.lane import without_tools
from vcontract._testbed.vm_selection import VmSelection

_OBJECT, _AUDIT = sends(5, 12), sends(20, 60)
"""The reads of the object itself, and those that look at the end for what was left."""


class Estimate(msgspec.Struct, frozen=True):
    """What a run costs from now on: `cost` of its steps and of putting VMs back, `sent` the requests that were sent before.

    `pace` are the seconds from one request to the next, as measured so far, `waits` those by which Tools may report late, by
    the configuration, `settles` those of the server itself. `hasty` counts the steps in whose state something runs that ends by
    itself.
    """

    cost: Cost
    sent: int
    pace: float
    waits: float
    settles: float
    hasty: int

    @property
    def requests(self) -> Range:
        """All requests of the run, with those of the survey and of the looks at the server's health."""
        looks = self.cost.requests.times(self.pace / EVERY, self.pace / EVERY)
        return self.cost.requests + looks + Range(self.sent, self.sent)

    @property
    def seconds(self) -> Range:
        """The time that the requests take, and the waits for reports that may be late."""
        late = self.cost.reports.times(self.waits, self.waits) + self.cost.settling.times(self.settles, self.settles)
        return self.requests.times(self.pace, self.pace) + late

    @property
    def _pace(self) -> str:
        return f"{1000 * self.pace:.1f} ms each"

    def text(self) -> list[str]:
        """Say it in lines."""
        made = self.cost
        late = ""
        if self.waits or self.settles:
            late = (
                f", with {made.reports.text()} times {self.waits:g} s for Tools that may be reported late (staleness)"
            )
            late += f" and {made.settling.text()} times {self.settles:g} s after programs in guests (runtime_staleness)"
        beside = f"{made.tasks.text()} tasks and {made.boots.text()} boots take what the target needs, and judged calls longer"
        took = f"at {self._pace}, as reads took so far{late}"
        lines = [
            f"{made.calls.text()} judged calls, {made.arrangements.text()} states arranged, {self.requests.text()} requests",
            f"at least {self.seconds.text()} s for these {took}; beside that {beside}",
        ]
        if self.hasty:
            lines.append(
                f"assumed: what runs in {self.hasty} steps lasts until the next call; where it does not, each of these is "
                f"tried up to {HASTY_TRIES} times"
            )
        return lines


def estimated(testbed: Testbed, steps: Sequence[Step], *, claims: bool) -> tuple[Estimate, Walk]:
    """Estimate what some steps of a plan cost on a testbed; gives the walk too, which knows more. Sends nothing.

    With `claims` the VMs are claimed before, and let go in the end.
    """
    recorder, selection = testbed.site.target.recorder, testbed.lane.selection
    walk = Walk(
        testbed.site.contract,
        testbed.caller,
        partial(_chosen, selection),
    )
    total = Cost()
    for step in steps:
        total += walk.cost_of(step)
    total += (
        walk.restoring() + _OBJECT + _AUDIT + Cost(reports=MAYBE)
    )  # nobody knows what was done before the first look
    total += _claiming(testbed) if claims else Cost()
    done = recorder.operations
    pace = median([other.start - one.start for one, other in pairwise(done)]) if len(done) > 1 else 0.0
    hasty = sum(step.cell is not None and passes(step.cell.state) for step in steps)
    facts = testbed.driver.facts
    sent = recorder.requests - testbed.claims.sent
    return Estimate(total, sent, pace, facts.staleness, facts.runtime_staleness, hasty), walk


def _claiming(testbed: Testbed) -> Cost:
    """Say what claiming and letting go costs: a VM is read, written to, and read again; in extraConfig a task writes."""
    vms, attribute = len(testbed.driver.facts.vms), testbed.guard.marks.claiming
    return sends(1 + 5 * vms) if attribute else sends(1 + 7 * vms, 1 + 13 * vms, tasks=Range(2 * vms, 2 * vms))


def _chosen(selection: VmSelection, state: State, on_host: bool, nics: int) -> VmFacts:  # noqa: FBT001 - as Choose has it
    """Choose as the lane does: a VM without Tools where none has any."""
    try:
        return selection.choose(state, on_host=on_host, nics=nics)
    except NotArrangedError:
        return selection.choose(without_tools(state), on_host=on_host, nics=nics)
