"""The phases of a conformance run: the object's own reads, the steps of the plan, shrinking, and a finding sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Protocol

from msgspec.structs import replace

from vcontract._check import SHRINKING
from vcontract._check.judgement import DEATHS
from vcontract._config.request import Budget
from vcontract._errors import HaltedError
from vcontract._findings.deaths import DeathTrials
from vcontract._findings.program import Performer
from vcontract._findings.shrinker import Shrinker, untried
from vcontract._findings.sightings import Sighting
from vcontract._model import State
from vcontract._run.active_run import ActiveRun
from vcontract._run.object_reads import read_object
from vcontract._terms import Finding, Operation
from vcontract._testbed import Lane, NotArrangedError, Testbed

DEATHS_SHARE = 0.2
"""Of the time for making findings smaller so much comes on top for those that end the server: each try starts it anew."""


class ReadObject:
    """Reads what the rows of the object itself rest on, unless a run that goes on has done so."""

    def run(self, run: ActiveRun) -> None:
        """Read it; what could not be read leaves its row untested."""
        if run.interrupted is None or not run.interrupted.steps:
            with suppress(NotArrangedError):
                read_object(run.testbed.driver)


class TakeSteps:
    """Takes the steps of the plan."""

    def run(self, run: ActiveRun) -> None:
        """Take each step until all are taken or the run must stop."""
        run.step_runner.walk(run.steps)


def led_to_by_run(run: ActiveRun, finding: Finding) -> Sequence[Operation]:
    """Give the operations that a finding may rest on: all of the run's. What it then does comes behind them."""
    del finding
    return run.site.target.recorder.operations


class ConfirmDeaths:
    """Does again what led to each end of the server that did not come again in its step, on one that is started anew."""

    def run(self, run: ActiveRun) -> None:
        """Do it, where the run starts the server itself."""
        if run.can_start_afresh and not run.site.target.over and run.testbed.limit is None:
            trials = DeathTrials(run, run.site.request.shrink)
            trials.confirm(run.site.config.confirm, list(run.site.target.recorder.operations))


class ShrinkFindings:
    """Makes what was found smaller, as far as the budget goes; `led_to` gives the operations that a finding may rest on."""

    def __init__(self, led_to: Callable[[ActiveRun, Finding], Sequence[Operation]] = led_to_by_run) -> None:
        self._led_to = led_to

    def run(self, run: ActiveRun) -> None:
        """Shrink each finding, unless nothing more will be answered, or no VM may be brought into a state for that."""
        if run.site.target.over or run.testbed.limit is not None:
            return
        findings = [finding for finding in run.found() if finding.provisional]
        if not findings:
            return
        led_to: dict[str, Sequence[Operation]] = {finding.id: self._led_to(run, finding) for finding in findings}
        deaths = [finding for finding in findings if finding.observed in DEATHS and run.can_start_afresh]
        alive = [each for each in findings if each not in deaths]
        budget = run.site.request.shrink
        begun = run.site.target.recorder.now()
        shrink_each(run.testbed.lane, budget, alive, led_to, run.shrunk, run.announcer.note, len(findings), run)
        until = begun + (1 + DEATHS_SHARE) * budget.seconds if budget.seconds else inf
        trials = DeathTrials(run, budget, until)  # last, for the testbed is another after each
        for number, finding in enumerate(deaths):
            place = len(findings) - len(deaths) + number + 1
            run.announcer.note(f"shrinking finding {place} of {len(findings)}: {finding.row}")
            run.shrunk[finding.id] = trials.shrink(finding, led_to[finding.id])


class Revived(Protocol):
    """A run that can go on after its server has ended."""

    @property
    def testbed(self) -> Testbed:
        """The testbed as it is now."""

    def revive(self, *, counted: bool = True) -> bool:
        """Go on with it; False if it has not ended, or is not ours to start again. Raises HaltedError."""


def shrink_each(  # noqa: PLR0913, PLR0917 - what is tried, on what, for how long, and who hears of it
    lane: Lane,
    budget: Budget,
    findings: Sequence[Finding],
    led_to: Mapping[str, Sequence[Operation]],
    shrunk: dict[str, Finding],
    note: Callable[[str], None],
    total: int,
    ground: Revived | None = None,
) -> None:
    """Shrink findings one after the other, on a lane, into `shrunk` by the ids that they had; `led_to` is by these ids too.

    Of each deviation one comes first, so that all have their turn before the time is over. A server that ends on the way is
    started again where `ground` can do that. Raises HaltedError.
    """
    clock = lane.driver.target.recorder
    until = clock.now() + budget.seconds if budget.seconds else inf
    performer = Performer(lane.driver, SHRINKING)
    shrinker = Shrinker(lane, performer, budget, until)
    for number, finding in enumerate(_one_of_each_first(findings)):
        if clock.now() > until:
            note(
                f"{len(findings) - number} of {total} findings are not made smaller: the {budget.seconds:g} s for that are over"
            )
            break
        note(f"shrinking finding {number + 1} of {total}: {finding.row}")
        try:
            like = [each for each in shrunk.values() if each.after and each.like(finding)]
            shrunk[finding.id] = shrinker.shrink(finding, led_to[finding.id], like)
        except NotArrangedError as error:  # the next one may still be shrunk
            shrunk[finding.id] = replace(finding, repeats=f"0 of 0: {error}")
        except HaltedError:
            if ground is None or not ground.revive(counted=False):
                raise
            ended = untried(finding, led_to[finding.id], ground.testbed.lane)
            shrunk[finding.id] = replace(ended, repeats="0 of 0: the server ended while it was tried")
            performer = Performer(ground.testbed.lane.driver, SHRINKING, performer.times)
            shrinker = Shrinker(ground.testbed.lane, performer, budget, until)


def _one_of_each_first(findings: Sequence[Finding]) -> list[Finding]:
    """Put the first finding of each deviation, whatever its cause, before all others."""
    met: Counter[str] = Counter()
    turns = []
    for finding in findings:
        turns.append(met[finding.former])
        met[finding.former] += 1
    return [finding for _, finding in sorted(zip(turns, findings, strict=True), key=lambda each: each[0])]


class ReplayFinding:
    """Sends one finding's program again, about the VM of the same name, else about any that is ready.

    Where no VM may be brought into a state, it goes to one that looks as the recorded one did, or is not sent at all.
    """

    def __init__(self, finding: Finding) -> None:
        self.finding = finding

    def run(self, run: ActiveRun) -> None:
        """Send it."""
        if self.finding.program[-1].purpose == "read":  # it is about the object itself, and no VM
            ReadObject().run(run)
            return
        if self.finding.observed in DEATHS and run.can_start_afresh:
            if ends := DeathTrials(run, Budget()).again(self.finding, run.site.config.confirm):
                run.shrunk[self.finding.id] = replace(self.finding, was=ends)
            return
        lane = run.testbed.lane
        performer = Performer(lane.driver, "replay")
        if run.testbed.limit is not None:
            seen = self._as_found(performer)
        else:
            vms = lane.driver.facts.vms.values()
            moid = next((vm.ref.value for vm in vms if vm.name == self.finding.root[1]), "")
            shrinker = Shrinker(lane, performer, Budget())
            seen = shrinker.again(self.finding, moid or lane.selection.choose(State()).ref.value)
        if shown := tuple(each.id for each in seen if each.shows(self.finding)):
            run.shrunk[self.finding.id] = replace(self.finding, was=shown)

    def _as_found(self, performer: Performer) -> list[Sighting]:
        """Send it without bringing anything about; gives the violations that it shows, none if it cannot be sent so."""
        steps, (root, name) = self.finding.program, self.finding.root
        if any(step.purpose != "judge" for step in steps):
            return []  # what led to it may not be done here
        vms = sorted(performer.driver.facts.vms.values(), key=lambda vm: vm.name != name)
        for vm in vms:
            if not performer.other_than_seen(steps, {root: vm.ref.value}):
                return performer.perform(steps, root, vm.ref)
        return []
