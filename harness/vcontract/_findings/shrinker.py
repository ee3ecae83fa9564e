"""Shrinks a finding to the smallest sequence of calls and the plainest input that still show it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import inf

from msgspec.structs import replace

from vcontract._check import SHRINKING
from vcontract._config.request import Budget
from vcontract._findings.program import TRIED, Performer, ground_of, latest, programs, rebound, since_fresh
from vcontract._findings.sightings import Sighting, settled
from vcontract._findings.smaller import fewer, plainer_calls, plainer_steps, suffix
from vcontract._model import Asked, VmFacts, subject
from vcontract._terms import UNTRIED, Finding, Operation, Ref, ReplayStep
from vcontract._testbed import Lane, NotArrangedError

AGAIN = 3


class Shrinker:
    """Tries parts of what led to a finding on fresh clones of its VM, or on the VM itself where it cannot be cloned.

    It ends with the budget, and at `until`, a moment of the recorder, if that is earlier.
    """

    def __init__(self, lane: Lane, performer: Performer, budget: Budget, until: float = inf) -> None:
        self._lane, self._performer = lane, performer
        self._left, self._kept = budget.attempts, 0
        self._tries, self._hindered, self._place = 0, "", 0
        self._sighting: Sighting | None = None
        self._again = max(AGAIN, lane.driver.facts.confirm)
        self._budget = budget
        self._clock = lane.driver.target.recorder
        self._until = min(until, self._clock.now() + budget.seconds if budget.seconds else inf)

    def shrink(self, finding: Finding, operations: Sequence[Operation], known: Sequence[Finding] = ()) -> Finding:
        """Give the finding with its smallest program, its id, and how often that shows it.

        It keeps its provisional id if nothing shows it again, or if there were too few tries to say that it is the smallest.
        If it does not show by itself, but after the calls of a finding that is `known`, it is that one.
        """
        self._left, self._kept = self._budget.attempts, 0
        self._tries, self._hindered, self._sighting = 0, "", None
        parent, every = programs(operations, finding.op, finding.shown)
        blocks = list(map(list, latest(every, TRIED)))
        vm = subject(blocks[-1][-1].call)

        def shows(steps: Sequence[ReplayStep]) -> bool:
            return self._attempt(finding, steps, ground_of(steps, parent, vm))

        def surely(steps: Sequence[ReplayStep]) -> bool:
            return shows(steps) and shows(steps)

        finding_with = partial(_with_program, finding, self._lane, parent, vm)
        alone = shows(blocks[-1])
        for other in () if alone else known:
            if shows([*_moved(other, other.root[0], vm), *blocks[-1]]):
                return replace(other, was=finding.was, cells=finding.cells, rows=finding.rows)
        whole = blocks[-1] if alone else suffix(blocks, shows, least=2)
        if not whole:
            why = self._hindered or "the calls that led to it did not show it again"
            return finding_with(since_fresh(blocks), f"0 of {self._tries}: {why}")
        whole = self._until_shown(whole, shows)
        steps, seen, tried = self._smallest(whole, shows)
        if seen < tried:  # what showed it once may have been the past of that VM: each try is made twice now
            self._left, self._hindered = self._budget.attempts, ""
            steps, seen, tried = self._smallest(whole, surely, 2)
        shrunk = finding_with(steps, f"{seen} of {tried}")
        if self._hindered or seen < min(2, self._again) or self._sighting is None:
            return shrunk
        return settled(shrunk, self._sighting, steps, self._lane.driver.judge.contract)

    def _smallest(
        self, whole: list[ReplayStep], shows: Callable[[Sequence[ReplayStep]], bool], costs: int = 1
    ) -> tuple[list[ReplayStep], int, int]:
        """Make a program that shows a finding as small as it can be; gives it, how often it showed that, and was tried.

        Of the attempts, of which each try `costs` some, so many are kept that what is printed was tried `_again` times.
        """
        self._kept = costs * (self._again - 1)
        few = fewer(whole, shows)
        plain = plainer_steps(few, shows)
        steps = self._usual_past(plain if plain == few else fewer(plain, shows), shows)
        self._kept, seen, tried = 0, 1, 1
        for _ in range(self._again - 1):
            before = self._tries
            seen += shows(steps)
            tried += self._tries > before
        return steps, seen, tried

    def _until_shown(self, whole: list[ReplayStep], shows: Callable[[Sequence[ReplayStep]], bool]) -> list[ReplayStep]:
        """Leave out what came after the first call that showed the finding: whoever makes the last call must see it."""
        first = whole[: self._place]
        same = bool(first) and (first[-1].purpose, first[-1].call.method) == (whole[-1].purpose, whole[-1].call.method)
        return first if same and len(first) < len(whole) and shows(first) else whole

    def again(self, finding: Finding, vm: str) -> list[Sighting]:
        """Send a finding's program once more, about another VM; gives the violations that it shows."""
        fresh = self._fresh_vm(vm)
        return self._perform(finding.program, finding.root[0], fresh) if fresh is not None else []

    def _usual_past(self, steps: list[ReplayStep], shows: Callable[[Sequence[ReplayStep]], bool]) -> list[ReplayStep]:
        """Put, for each call of the contract before the last, a valid call of its first method that does as well.

        Which of several methods came before in a run is chance, and is part of the finding's id.
        """
        caller, facts = self._lane.caller, self._lane.driver.facts
        names = [method.name for method in caller.contract.methods]
        for number, step in enumerate(steps[:-1]):
            vm = subject(step.call)
            if step.purpose != "judge" or step.call.method not in names or vm not in facts.vms:
                continue
            for name in names[: names.index(step.call.method)]:
                call = caller.call(Asked(name), Ref("VirtualMachine", vm), facts.vms)
                plain = next(plainer_calls(call), call)
                tried = [*steps[:number], replace(step, call=plain), *steps[number + 1 :]]
                if shows(tried):
                    steps = tried
                    break
        return steps

    def _attempt(self, finding: Finding, steps: Sequence[ReplayStep], root: str) -> bool:
        if self._left <= self._kept or self._late():
            self._hindered = "the attempts or the time for trying again were spent"
            return False
        self._left -= 1
        with_vm = self._fresh_vm(root)
        if with_vm is None:
            self._hindered = "no VM is left to try it on"
            return False
        self._tries += 1
        try:
            seen = [each for each in self._perform(steps, root, with_vm, self._until) if each.shows(finding)]
            self._sighting = min(seen, key=lambda each: len(each.cause), default=self._sighting)
            if seen:  # so many steps were begun when it came
                self._place = bisect_left(self._performer.begun, min(each.judgement.op for each in seen))
            return bool(seen)
        finally:
            self._clear()
            if self._late():  # what was not waited for any more may be why it did not show
                self._hindered = "the time for trying again was spent"

    def _late(self) -> bool:
        return self._clock.now() > self._until or self._lane.driver.target.left <= 0

    def _perform(self, steps: Sequence[ReplayStep], root: str, vm: Ref, until: float = inf) -> list[Sighting]:
        """Send a program; the VMs that it makes are ours, so the next program gets none of them and they are destroyed."""
        known = set(self._lane.driver.facts.vms)
        try:
            return self._performer.perform(steps, root, vm, until)
        finally:
            new = [vm.ref for moid, vm in self._lane.driver.facts.vms.items() if moid not in known]
            self._lane.cloner.own(*new)

    def _fresh_vm(self, root: str) -> Ref | None:
        """Give a VM like the root, ready and with a free lock: a clone if one can be made, else itself, else another.

        Parents that the run has not used come first: what the finding is about may sit in the root.
        """
        lane = self._lane
        facts = lane.driver.facts.vms.get(root)
        lane.driver.enter(SHRINKING)
        if facts is None:
            return Ref("VirtualMachine", root)
        for parent in [*self._siblings(facts), lane.selection.origin(facts)]:
            try:
                if lane.cloner.can_clone(parent):
                    return lane.arranger.clone(parent).ref
            except NotArrangedError:
                continue
        for vm in [facts, *self._siblings(facts)]:
            if lane.driver.quarantine.chosen(vm.ref.value) and not lane.restorer.restore({vm.ref.value}):
                return vm.ref
        return None

    def _siblings(self, facts: VmFacts) -> list[VmFacts]:
        """List the VMs with the same traits, those on the same host first, and of them the latest of the inventory.

        A run uses the first that fits, so what it did sits least in the last.
        """
        lane = self._lane
        traits = (facts.nics, facts.family, facts.engine)
        never = any(state.tools == "never" for state in lane.driver.states(facts.ref))
        latest = reversed(list(lane.driver.facts.vms.values()))
        return [
            sibling
            for sibling in sorted(latest, key=lambda vm: vm.host != facts.host)
            if (sibling.nics, sibling.family, sibling.engine) == traits
            and sibling.ref not in {facts.ref, *lane.cloner.clones}
            and lane.driver.quarantine.chosen(sibling.ref.value)
            and any(state.exists for state in lane.driver.states(sibling.ref))
            and any(state.tools == "never" for state in lane.driver.states(sibling.ref)) == never
        ][:2]

    def _clear(self) -> None:
        self._lane.driver.enter(SHRINKING)
        with suppress(NotArrangedError):
            self._lane.host.reconnect_all()
        for vm in list(self._lane.cloner.clones):
            with suppress(NotArrangedError):
                self._lane.cloner.destroy(vm)


def untried(finding: Finding, operations: Sequence[Operation], lane: Lane) -> Finding:
    """Give a finding with the calls that led to it since its VM was last as a fresh one; nobody tried them again."""
    parent, blocks = programs(operations, finding.op, finding.shown)
    return _with_program(finding, lane, parent, subject(blocks[-1][-1].call), since_fresh(blocks), UNTRIED)


def _with_program(
    finding: Finding, lane: Lane, parent: str, vm: str, steps: Sequence[ReplayStep], repeats: str
) -> Finding:
    root = ground_of(steps, parent, vm)
    facts = lane.driver.facts.vms.get(root)
    name = lane.selection.origin(facts).name if facts else ""
    return replace(finding, program=tuple(steps), root=(root, name), repeats=repeats)


def _moved(finding: Finding, root: str, vm: str) -> list[ReplayStep]:
    """Give what came before the last call of a finding, about another VM."""
    moved = {root: vm} if root else {}
    return [replace(step, call=rebound(step.call, moved)) for step in finding.program[:-1]]


__all__ = ["AGAIN", "Shrinker", "untried"]
