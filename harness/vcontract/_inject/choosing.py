"""Chooses the rule that applies to a call: what is checked before any call comes, and counters and draws while they come."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from random import Random

import msgspec

from vcontract._errors import UsageError
from vcontract._inject.condition import ASKED, PASSING, Known, check_condition, holds
from vcontract._inject.other_actor import CAUSES
from vcontract._inject.plausible import Place, contract_of, may_raise, methods, place_of
from vcontract._inject.rules import KINDS, Rule, check_when
from vcontract._simulator.standing_in import check_fields, is_fault, is_method

_SESSION_WIDE = "expired-session"


class Strike(msgspec.Struct, frozen=True):
    """A rule that applies to a call, with the fault that comes and where it is permitted; `place` is None for other answers."""

    rule: Rule
    number: int
    fault: str = ""
    place: Place | None = None


Look = Callable[[str], Known]
"""Says what is known of a VM (moId)."""


def _nothing(_: str) -> Known:
    return {}


class Chooser:
    """Says which rule applies to a call; the first that does, in the order of the file. For several threads.

    `vms` are the VMs that rules may apply to (None: all, as on our own simulator). A rule that can never apply is refused:
    UsageError.
    """

    def __init__(self, seed: int, rules: Iterable[Rule] = (), vms: frozenset[str] | None = None) -> None:
        self._seed, self._vms = seed, vms
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._came, self._struck = Counter[int](), Counter[int]()
        self._names: dict[str, int] = {}
        for rule in rules:
            self.add(rule)

    @property
    def own(self) -> bool:
        """Whether the server behind is our own simulator, which may be asked what a VM is."""
        return self._vms is None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in their order."""
        return tuple(self._rules)

    def add(self, rule: Rule) -> int:
        """Take a rule, which is the last from now on; gives its number. Raises UsageError for one that can never apply."""
        where = f"rule {len(self._rules) + 1} ({rule.title})"
        check_when(rule, [*(each.name for each in self._rules if each.name), rule.when.after], where)
        check_rule(rule, where, own=self._vms is None)
        with self._lock:
            self._rules.append(rule)
            if rule.name:
                self._names[rule.name] = len(self._rules) - 1
            return len(self._rules) - 1

    def clear(self) -> None:
        """Drop every rule, and what was counted."""
        with self._lock:
            self._rules.clear()
            self._came.clear()
            self._struck.clear()
            self._names.clear()

    def struck(self, number: int) -> int:
        """Say how often a rule has struck."""
        return self._struck[number]

    def choose(self, method: str, vm: str, look: Look = _nothing) -> Strike | None:
        """Choose the rule for a call, and count that it came. A call that names no VM is of every VM's.

        `look` is asked, once at most, what is known of the VM.
        """
        if not self._rules or (self._vms is not None and vm not in self._vms):
            return None
        apart = self._apart(method, vm, look)
        with self._lock:
            chosen = None
            for number, rule in enumerate(self._rules):
                if number in apart or not _matches(rule, method, vm):
                    continue
                found = strike_of(rule, number, method)
                if found is None or (rule.when.after and not self._struck[self._names.get(rule.when.after, -1)]):
                    continue
                self._came[number] += 1
                if chosen is None and self._due(rule, number):
                    chosen = found
                    self._struck[number] += 1
            return chosen

    def _apart(self, method: str, vm: str, look: Look) -> set[int]:
        """Give the rules whose condition the VM does not meet, as far as is known."""
        asking = [
            (number, rule)
            for number, rule in enumerate(self._rules)
            if rule.when.condition and _matches(rule, method, vm)
        ]
        known = look(vm) if asking and vm else {}
        return {number for number, rule in asking if not holds(rule.when.condition, known)}

    def _due(self, rule: Rule, number: int) -> bool:
        when, came = rule.when, self._came[number]
        if rule.times is not None and self._struck[number] >= rule.times:
            return False
        if when.nth is not None:
            return came == when.nth
        if when.every is not None:
            return came % when.every == 0
        drawn = Random(f"{self._seed} {number} {came}").random()  # noqa: S311 - repeatable, no secret
        return when.probability is None or drawn < when.probability


def _matches(rule: Rule, method: str, vm: str) -> bool:
    return fnmatchcase(method, rule.method) and fnmatchcase(vm, rule.vm)


def strike_of(rule: Rule, number: int, method: str) -> Strike | None:
    """Say what a rule does to a method: None if the contract permits it nowhere and the rule is not marked `illegal`."""
    if not rule.is_fault:
        found = contract_of(method) if rule.answer.endswith("-task") else None
        return None if rule.answer.endswith("-task") and not (found and found[1].has_task) else Strike(rule, number)
    place = place_of(method, rule.answer, rule.channel)
    if place is not None and (place.fault == rule.answer or not rule.illegal):
        return Strike(rule, number, place.fault, place)
    return Strike(rule, number, rule.answer) if rule.illegal and _illegal_possible(rule, method) else None


def check_rule(rule: Rule, where: str, *, own: bool) -> None:
    """Refuse a rule that can never apply, with the way out. Raises UsageError."""
    if rule.is_fault and not is_fault(rule.answer):
        known = [*KINDS, *dict.fromkeys(fault for method in methods() for fault in may_raise(method))]
        near = get_close_matches(rule.answer, known, 1)
        told = f"nearest is {near[0]}" if near else f"an answer is a fault of the API, or one of {', '.join(KINDS)}"
        raise UsageError(f"{where}: {rule.answer} is no answer: {told}")
    meant = [method for method in methods() if fnmatchcase(method, rule.method)]
    if not meant and not is_method(rule.method):
        near = get_close_matches(rule.method, methods(), 1)
        raise UsageError(
            f"{where}: no method is called {rule.method}: {f'nearest is {near[0]}' if near else 'it can never apply'}"
        )
    if rule.when.condition:
        try:
            check_condition(rule.when.condition, ASKED if own else PASSING)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from error
    for method in meant or [rule.method]:
        found = strike_of(rule, 0, method)
        if found is not None:
            _check_answer(rule, found, where, own=own)
            return
    raise UsageError(f"{where}: {_why_never(rule, meant)}")


def _check_answer(rule: Rule, found: Strike, where: str, *, own: bool) -> None:
    if rule.cause and not own:
        raise UsageError(f"{where}: cause: only on our own simulator is a state brought about; leave it out")
    if rule.cause and rule.answer not in CAUSES:
        raise UsageError(f"{where}: cause: nothing brings {rule.answer} about; it can be done for {', '.join(CAUSES)}")
    if rule.answer == _SESSION_WIDE and not own:
        raise UsageError(f"{where}: a session is of every VM's, and only marked VMs are disturbed here; leave it out")
    if found.fault:
        try:
            check_fields(found.fault, rule.fields)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from error


def _illegal_possible(rule: Rule, method: str) -> bool:
    found = contract_of(method)
    return rule.channel == "call" or (found[1].has_task if found else method.endswith("_Task"))


def _why_never(rule: Rule, meant: list[str]) -> str:
    """Say why a rule can never apply, and the way out."""
    if not meant:
        return (
            f"no contract speaks of {rule.method}, so no fault of it is known to be permitted; mark it illegal = true"
        )
    if rule.channel == "task" or not rule.is_fault:
        other = place_of(meant[0], rule.answer, "call") if rule.is_fault else None
        if other is not None:
            return f'{rule.answer} of {meant[0]} comes as the answer alone, and ends no task; use channel = "call"'
        if all(not (found := contract_of(each)) or not found[1].has_task for each in meant):
            return f"{meant[0]} gives no task"
    permitted = ", ".join(dict.fromkeys(may_raise(meant[0])))
    return (
        f"the contract permits {rule.answer} of {meant[0]} in no state of the VM (documented: {permitted});"
        " mark it illegal = true to inject it all the same"
    )
