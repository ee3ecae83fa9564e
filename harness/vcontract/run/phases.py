"""The phases of a conformance run: the object's own reads, the steps of the plan, shrinking, and a finding sent again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from vcontract.check import SHRINKING
from vcontract.check.judgement import DEATHS
from vcontract.config.request import Budget
from vcontract.contract import rows
from vcontract.findings.deaths import DeathTrials
from vcontract.findings.program import Performer
from vcontract.findings.shrinker import Shrinker
from vcontract.model import State
from vcontract.run.active_run import ActiveRun
from vcontract.run.object_reads import read_object
from vcontract.run.summary import heard, summed
from vcontract.terms import Finding, Operation
from vcontract.testbed import NotArrangedError


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


def led_to_by_run(run: ActiveRun, finding: Finding) -> list[Operation]:
    """Give the operations that a finding may rest on: all of the run's."""
    del finding
    return list(run.site.target.recorder.operations)


class ConfirmDeaths:
    """Does again what led to each end of the server that did not come again in its step, on one that is started anew."""

    def run(self, run: ActiveRun) -> None:
        """Do it, where the run starts the server itself."""
        if run.can_start_afresh and not run.site.target.over:
            trials = DeathTrials(run, run.site.request.shrink)
            trials.confirm(run.site.config.confirm, list(run.site.target.recorder.operations))


class ShrinkFindings:
    """Makes what was found smaller, as far as the budget goes; `led_to` gives the operations that a finding may rest on."""

    def __init__(self, led_to: Callable[[ActiveRun, Finding], list[Operation]] = led_to_by_run) -> None:
        self._led_to = led_to

    def run(self, run: ActiveRun) -> None:
        """Shrink each finding, unless nothing more will be answered."""
        site, judge = run.site, run.testbed.judge
        if site.target.over:
            return
        judge.close()
        known = heard(site.contract, judge.judgements, list(site.target.recorder.operations))
        listed = rows(site.contract, judge.bases)
        findings = summed(site.contract, listed, [known], judge.bases, site.config.confirm, "", site.request).findings
        if not findings:
            return
        run.announcer.note(f"shrinking {len(findings)} findings")
        led_to = {finding.id: self._led_to(run, finding) for finding in findings}
        lane = run.testbed.lane
        shrinker = Shrinker(lane, Performer(lane.driver, SHRINKING), site.request.shrink)
        deaths = [finding for finding in findings if finding.observed in DEATHS and run.can_start_afresh]
        for finding in findings:
            if finding not in deaths:
                run.shrunk[finding.id] = shrinker.shrink(finding, led_to[finding.id])
        trials = DeathTrials(run, site.request.shrink)  # last, for the testbed is another after each
        for finding in deaths:
            run.shrunk[finding.id] = trials.shrink(finding, led_to[finding.id])


class ReplayFinding:
    """Sends one finding's program again, about the VM of the same name, else about any that is ready."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding

    def run(self, run: ActiveRun) -> None:
        """Send it."""
        if self.finding.observed in DEATHS and run.can_start_afresh:
            DeathTrials(run, Budget()).again(self.finding, run.site.config.confirm)
            return
        lane = run.testbed.lane
        vms = lane.driver.facts.vms.values()
        moid = next((vm.ref.value for vm in vms if vm.name == self.finding.root[1]), "")
        shrinker = Shrinker(lane, Performer(lane.driver, "replay"), Budget())
        shrinker.again(self.finding, moid or lane.selection.choose(State()).ref.value)
