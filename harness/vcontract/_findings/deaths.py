"""Deaths of a server: all that was done since it was started is cut out of the history, sent to a fresh one, made less.

What ended it may lie in calls about other VMs and of other sessions, so that no clone of one VM is tried but a server that
was started anew. It must be one that the run starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Protocol

from msgspec.structs import replace

from vcontract._check import SHRINKING, Judgement, row_of
from vcontract._check.judgement import DEATHS, death_of
from vcontract._check.verdicts import confirmations
from vcontract._client import SpentError
from vcontract._client.actors import CANARY
from vcontract._config.request import Budget
from vcontract._errors import HaltedError
from vcontract._findings.program import Performer, blocks_of
from vcontract._findings.shrinker import AGAIN
from vcontract._findings.sightings import SESSIONS, Sighting, settled
from vcontract._findings.smaller import fewer, plainer_steps, suffix
from vcontract._model import subject
from vcontract._model.labels import Label
from vcontract._terms import Finding, Operation, ReplayStep
from vcontract._testbed import FULL, READONLY, SECOND, UNPRIVILEGED, Testbed

MOST = 8
"""So many deaths that did not come again at once are tried once more, with all that led to them."""
_STANDING = frozenset({FULL, READONLY, SECOND, UNPRIVILEGED, CANARY})
"""Whose sessions are opened as often as the server is surveyed."""


class Ground(Protocol):
    """A run whose server can be started anew."""

    @property
    def testbed(self) -> Testbed:
        """The testbed as it is now."""

    def start_afresh(self) -> None:
        """Go on with a server of which nothing was asked yet. Raises HaltedError."""

    def revive(self, *, counted: bool = True) -> bool:
        """Go on after the server has ended; False if it has not. Raises HaltedError.

        What is ended to try something counts not among the ends that the operator allows.
        """


def led_to_death(operations: Sequence[Operation], op: int, shown: int = 0) -> list[list[ReplayStep]]:
    """Cut out what was done since the server was started until it had ended: steps, cell by cell, oldest first.

    `op` is the call that is blamed, `shown` the later one by which the death showed (0: itself). Reads are left out, and the
    sessions that every survey opens.
    """
    last = max(op, shown)
    begun = max((done.op for done in operations if done.op < op and death_of(done.outcome)), default=0)
    until = [done for done in operations if begun < done.op <= last]
    related = [
        done
        for done in until
        if done.purpose != "read"
        and done.call.actor != CANARY
        and not (done.call.method in SESSIONS and done.call.actor in _STANDING)
    ]
    return blocks_of(related, until)


class DeathTrials:
    """Sends programs to a server that is started anew for each, and sees whether it ends, up to `until` of the recorder."""

    def __init__(self, ground: Ground, budget: Budget, until: float = inf) -> None:
        self._ground, self._budget = ground, budget
        self._clock = ground.testbed.target.recorder
        self._until = min(until, self._clock.now() + (budget.seconds or inf))
        self._left, self._times = 0, 0
        self._last: Judgement | None = None

    def confirm(self, confirm: int, operations: Sequence[Operation]) -> None:
        """Do again all that led to each death that was not seen often enough yet, as further tries of its step."""
        judge = self._ground.testbed.judge
        known = [each for each in judge.judgements if each.observed in DEATHS and not each.cell.startswith(SHRINKING)]
        steps: dict[str, list[Judgement]] = {}
        for each in known:
            steps.setdefault(Label.parse(each.cell).step, []).append(each)
        for step, deaths in list(steps.items())[:MOST]:
            first = deaths[0]
            missing = confirmations(first.observed, confirm) - len({each.cell for each in deaths})
            if missing <= 0:
                continue
            self._left = self._budget.attempts
            program = suffix(led_to_death(operations, first.op, first.shown), partial(self._shows, first))
            tries = [
                sum(Label.parse(each.cell).tries) for each in judge.judgements if Label.parse(each.cell).step == step
            ]
            for number in range(max(tries) + 2, max(tries) + 2 + missing if program else 0):
                if not any(_same(each, first) for each in self._performed(str(Label(step).tried(number)), program)):
                    break

    def _shows(self, death: Judgement | Finding, steps: Sequence[ReplayStep]) -> bool:
        """Whether some steps end a fresh server in the same way; False once the attempts or the time are spent."""
        if self._left <= 0 or self._clock.now() > self._until:
            return False
        self._left, self._times = self._left - 1, self._times + 1
        seen = [each for each in self._performed(f"{SHRINKING}:death:{self._times}", steps) if _same(each, death)]
        self._last = seen[0] if seen else self._last
        return bool(seen)

    def shrink(self, finding: Finding, operations: Sequence[Operation]) -> Finding:
        """Give the finding with the fewest calls that end the server again; its last one if nothing does."""
        self._left = self._budget.attempts
        blocks = led_to_death(operations, finding.op, finding.shown)
        vm = subject(blocks[-1][-1].call)
        known = self._ground.testbed.driver.facts.vms.get(vm)
        shows = partial(self._shows, finding)

        def finding_with(steps: Sequence[ReplayStep], repeats: str) -> Finding:
            return replace(finding, program=tuple(steps), root=(vm, known.name if known else ""), repeats=repeats)

        whole = suffix(blocks, shows)
        if not whole:
            return finding_with(
                blocks[-1], f"0 of {self._budget.attempts - self._left}: a fresh server did not end again"
            )
        steps = plainer_steps(fewer(whole, shows), shows)
        seen = 1 + sum(shows(steps) for _ in range(AGAIN - 1))
        shrunk = finding_with(steps, f"{seen} of {AGAIN}")
        contract = self._ground.testbed.judge.contract
        if seen < 2 or self._last is None:
            return shrunk
        return settled(shrunk, Sighting(self._last, finding.row), steps, contract)

    def again(self, finding: Finding, confirm: int) -> tuple[str, ...]:
        """Send a finding's calls once more, each time to a fresh server, until it was seen often enough.

        Gives the provisional ids of the ends that were seen.
        """
        seen: list[Judgement] = []
        for number in range(1, confirmations(finding.observed, confirm) + 1):
            performed = self._performed(str(Label("replay:1").tried(number)), finding.program)
            if not performed:
                break
            seen += [each for each in performed if _same(each, finding)]
        judge = self._ground.testbed.judge
        return tuple(Sighting(each, row_of(each, judge.contract, judge.bases)).id for each in seen)

    def _performed(self, label: str, steps: Sequence[ReplayStep]) -> list[Judgement]:
        """Send steps to a fresh server; gives the deaths that the calls of the label are blamed for."""
        ground = self._ground
        ground.start_afresh()
        lane = ground.testbed.lane
        try:
            performer = Performer(lane.driver, label)
            lane.driver.enter(SHRINKING)
            if other := performer.other_than_seen(steps):  # a server that remembers what was before its start
                lane.restorer.restore(other)
            performer.perform_as(label, steps, {}, None, self._until)
        except SpentError:
            return []
        except HaltedError:
            if not ground.revive(counted=False):
                raise
        judged = ground.testbed.judge.judgements
        return [each for each in judged if each.cell == label and each.observed in DEATHS]


def _same(death: Judgement, other: Judgement | Finding) -> bool:
    """Whether two deaths are blamed on calls of one method."""
    return (death.method, death.observed) == (other.method, other.observed)
