"""A run under way on a testbed: its phases one after the other, then every VM put back, and what that gave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from vcontract._config.elsewhere import told_limits
from vcontract._config.risk import told
from vcontract._contract import rows
from vcontract._findings.exchanges import KeptExchanges
from vcontract._findings.shrinker import untried
from vcontract._history import STEP
from vcontract._report.events import RunStarted
from vcontract._report.result import Arrangements, Clones, TargetFacts
from vcontract._run.announcer import Announcer, TaskWaits
from vcontract._run.ending import endured, halts, interruptible
from vcontract._run.estimates.estimate import estimated
from vcontract._run.exerciser import Exerciser
from vcontract._run.interrupted_run import InterruptedRun, note_of
from vcontract._run.limits import RunLimits
from vcontract._run.own_server.reopening import Reopening
from vcontract._run.plan import Plan, Step
from vcontract._run.planning import Planned, Planner
from vcontract._run.putting_back import put_back
from vcontract._run.step_runner import StepRunner
from vcontract._run.summary import PartialResult, beside, heard, summed
from vcontract._terms import Ended, Finding, Json
from vcontract._testbed import Site, Source, Testbed, open_testbed


class Beginning(NamedTuple):
    """When a run began (UTC), for how long it has been under way by `time.monotonic()`, and what may end it early."""

    started: datetime
    monotonic: float
    limits: RunLimits

    @property
    def seconds(self) -> float:
        """How long ago that was."""
        return round(time.monotonic() - self.monotonic, 3)

    def asked(self, site: Site) -> dict[str, Json]:
        """Give what the history keeps of what was asked."""
        return note_of(site, self.started).noted()


def begin(site: Site, interrupted: InterruptedRun | None = None) -> Beginning:
    """Begin a run: from now on its time counts; one that goes on began when it was begun first."""
    started = datetime.fromisoformat(interrupted.note.started) if interrupted is not None else datetime.now(UTC)
    return Beginning(started, time.monotonic(), RunLimits(site.target, site.request))


def tell_start(announcer: Announcer, testbed: Testbed, steps: int) -> None:
    """Tell that a run of so many steps begins, what it may risk, and which limits hold."""
    site = testbed.site
    listed = rows(site.contract, testbed.judge.bases)
    announcer.tell(RunStarted(target_facts(site), site.request.seed, len(listed), steps))
    for said in (told(site.request.risk) if site.request.risk else "", told_limits(site.config)):
        if said:
            announcer.note(said)


def target_facts(site: Site) -> TargetFacts:
    """Say what is tested."""
    build, name = (str(site.target.about.get(key, "")) for key in ("build", "fullName"))
    return TargetFacts(site.target.url, site.target.api_version, build, name)


class ActiveRun:
    """A run whose testbed is open and whose plan is made.

    `steps` are those of the plan that are still to be taken; `shrunk` are findings as they were made smaller; `halted` says
    why the target must not be asked any more.
    """

    def __init__(
        self,
        testbed: Testbed,
        planned: Planned,
        beginning: Beginning,
        announcer: Announcer,
        interrupted: InterruptedRun | None = None,
    ) -> None:
        site = testbed.site
        self.testbed, self.plan, self.unreachable = testbed, planned.plan, planned.unreachable
        self.limits, self.announcer, self.interrupted = beginning.limits, announcer, interrupted
        self._beginning = beginning
        self.exerciser = Exerciser(testbed.lane)
        self.step_runner = StepRunner(
            self.exerciser,
            testbed.judge,
            site.config.confirm,
            self.spent,
            self.tell_judgements,
            partial(site.target.recorder.observed, STEP),
            self,
        )
        site.target.recorder.listeners.append(TaskWaits(announcer, testbed.judge.tracker).hear)
        before = interrupted.facts if interrupted is not None else testbed.driver.facts
        self.reopening = Reopening(site, announcer, frozenset(before.vms))
        self._kept = KeptExchanges(site.target)
        self.shrunk: dict[str, Finding] = {}
        self.halted: list[str] = []
        self.notes: list[str] = [*testbed.claims.notes]
        self.steps = self._left()

    @property
    def seconds(self) -> float:
        """How long ago the run began."""
        return self._beginning.seconds

    @property
    def site(self) -> Site:
        """What the testbed is built on."""
        return self.testbed.site

    def _left(self) -> list[Step]:
        """List the steps that are still to be taken, of a run that goes on."""
        if self.interrupted is not None:
            self.step_runner.taken_before(self.interrupted.steps)
            self.testbed.lane.restorer.take_over(frozenset(self.interrupted.facts.vms))
        return self.step_runner.left(self.plan.steps)

    def was_dealt(self, plan: Plan) -> None:
        """Take a plan for that of this run: its steps were dealt to it as it went on."""
        self.plan = plan

    def spent(self) -> str:
        """Say why the run must stop; empty if it may go on."""
        limit = self.testbed.limit
        return self.limits.spent(self.testbed.judge) or (limit.over if limit is not None else "")

    def look(self) -> None:
        """Look whether the server suffers. Raises HaltedError if it does."""
        self.testbed.health.look()

    def revive(self, *, counted: bool = True) -> bool:
        """Go on after the server of the run has ended; False if it has not, or is not ours. Raises HaltedError."""
        again = self.reopening.after_end(self.testbed, counted=counted)
        return again is not None and self._on(again)

    @property
    def can_start_afresh(self) -> bool:
        """Whether the server is the run's own to start."""
        return self.reopening.possible

    def start_afresh(self) -> None:
        """Go on with the server as it is after its start. Raises HaltedError."""
        self._on(self.reopening.fresh(self.testbed))

    def _on(self, testbed: Testbed) -> bool:
        if testbed is not self.testbed:
            arrangements = self.exerciser.arrangements
            self.testbed, self.exerciser = testbed, Exerciser(testbed.lane)
            self.exerciser.count_from(arrangements)
            self.step_runner.go_on_with(self.exerciser)
        return True

    def tell_judgements(self, done: int, total: int) -> None:
        """Tell of what was judged since the last time, and keep what went over the wire for what breaks the contract."""
        self._kept.look(self.testbed.judge)
        self.announcer.tell_judgements(self.testbed.judge, done, self._total(total))

    def _total(self, steps: int) -> int:
        """Say how many of some steps are taken at most: a step makes at least one judged call, and these may be limited."""
        return min(steps, self.site.request.max_calls or steps)

    def conduct(self, phases: Sequence[Phase], *, audits: bool = True) -> PartialResult:
        """Go through the phases, put every VM back, and give what is known; also after Ctrl-C.

        With `audits` what the run made is looked for at the end, and destroyed if nobody knew of it.
        """
        site = self.site
        tell_start(self.announcer, self.testbed, self._total(len(self.steps)))
        if self.plan.text():
            before = len(self.plan.steps) - len(self.steps)
            self.announcer.note(self.plan.text() + (f"; {before} steps were taken before" if before else ""))
            steps = self.steps[: site.request.max_calls or None]
            estimate, _ = estimated(self.testbed, steps, claims=self.testbed.claims.sent > 0)
            self.announcer.note("; ".join(estimate.text()))
        self.limits.hold()
        with interruptible(self.notes, self.halted):
            for phase in phases:
                phase.run(self)
        left = put_back(self, audits=audits)
        self.halted += filter(None, [site.target.recorder.lost])
        self._keep_calls()
        said = (*self.notes, *self.step_runner.skipped.values(), self.step_runner.ended)
        if site.target.over and not any(site.target.over in text for text in said):
            self.notes.append(Ended.EARLY.note(site.target.over))
        self.testbed.judge.close()
        self.tell_judgements(len(self.steps), len(self.steps))
        return self._part(left)

    def found(self) -> tuple[Finding, ...]:
        """Give what was found so far, also what did not come again in its cell: it may after all that led to it."""
        site, judge = self.site, self.testbed.judge
        judge.close()
        known = heard(site.contract, judge.judgements, list(site.target.recorder.operations))
        listed = rows(site.contract, judge.bases)
        return summed(site.contract, listed, [known], judge.bases, 1, "", site.request).findings

    def _keep_calls(self) -> None:
        """Keep the calls of what was found and is not shrunk, as the run ended before that."""
        for finding in self.found():
            if finding.provisional and finding.id not in self.shrunk:
                self.shrunk[finding.id] = untried(finding, self.site.target.recorder.operations, self.testbed.lane)

    def _part(self, left: list[str]) -> PartialResult:
        target, runner = self.site.target, self.step_runner
        operations = target.recorder.operations
        arrangements = Arrangements(self.plan.least, self.plan.arrangements, self.exerciser.arrangements)
        made = sum(ref.type == "VirtualMachine" for ref in self.testbed.guard.made)
        return replace(
            heard(self.site.contract, self.testbed.judge.judgements, operations),
            planned=[step.cell.id for step in self.plan.steps if step.cell is not None],
            exercised=sorted(runner.exercised),
            skipped=runner.skipped,
            ended=runner.ended,
            refused=runner.refused,
            unreachable=dict(self.unreachable),
            arrangements=arrangements,
            shown=self.testbed.caller.shown([done.call for done in operations if done.purpose == "judge"]),
            shrunk=list(self.shrunk.values()),
            notes=[
                *self.notes,
                *self.reopening.notes(),
                *endured(target, self.testbed.driver, self.halted),
                *beside(operations),
            ],
            halted=halts(target, self.halted),
            clones=Clones(made, left),
            slowest={kind: round(seconds, 3) for kind, seconds in self.testbed.driver.wait.patience.slowest.items()},
            carried_out=self.testbed.limit is not None and bool(self.testbed.limit.touched),
        )


class Phase(Protocol):
    """One part of a run; what it found out beside the judgements it keeps."""

    def run(self, run: ActiveRun) -> None:
        """Do it. Raises HarnessError for what ends the run."""


def set_out(site: Site, source: Source, planner: Planner) -> tuple[Testbed, Planned]:
    """Open the testbed and plan. Raises HarnessError; of a run that does not get under way no clone and no claim is left."""
    testbed = open_testbed(site, source)
    try:
        return testbed, planner(testbed)
    except BaseException:
        testbed.abandon()
        raise


def begin_run(
    site: Site,
    source: Source,
    planner: Planner,
    beginning: Beginning,
    announcer: Announcer,
    interrupted: InterruptedRun | None = None,
) -> ActiveRun:
    """Open the testbed and plan; gives the run, ready for its phases. Raises HarnessError if it cannot get under way."""
    testbed, planned = set_out(site, source, planner)
    return ActiveRun(testbed, planned, beginning, announcer, interrupted)
