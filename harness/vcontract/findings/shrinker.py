"""Shrinks a finding to the smallest sequence of calls and the plainest input that still show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import inf

from msgspec.structs import replace

from vcontract.check import SHRINKING
from vcontract.config.request import Budget
from vcontract.findings.program import Performer, ground_of, programs
from vcontract.model import VmFacts, subject
from vcontract.terms import Arguments, Finding, Json, Operation, Ref, ReplayStep
from vcontract.testbed import Lane, NotArrangedError

AGAIN = 3
PLAIN_SPEC: dict[str, Json] = {
    "_typeName": "CustomizationSpec",
    "identity": {
        "_typeName": "CustomizationLinuxPrep",
        "hostName": {"_typeName": "CustomizationFixedName", "name": "a"},
        "domain": "a.b",
    },
    "globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings"},
}


class Shrinker:
    """Tries parts of what led to a finding on fresh clones of its VM, or on the VM itself where it cannot be cloned."""

    def __init__(self, lane: Lane, performer: Performer, budget: Budget) -> None:
        self._lane, self._performer = lane, performer
        self._left = budget.attempts
        self._tries, self._hindered = 0, ""
        self._budget = budget
        self._clock = lane.driver.target.recorder
        self._until = self._clock.now() + budget.seconds

    def shrink(self, finding: Finding, operations: Sequence[Operation]) -> Finding:
        """Give the finding with its smallest program and how often that shows it; unchanged if nothing shows it again."""
        self._left = self._budget.attempts
        self._tries, self._hindered = 0, ""
        parent, blocks = programs(operations, finding.op, finding.shown)
        vm = subject(blocks[-1][-1].call)

        def shows(steps: Sequence[ReplayStep]) -> bool:
            return self._attempt(finding.id, steps, ground_of(steps, parent, vm))

        def finding_with(steps: Sequence[ReplayStep], repeats: str) -> Finding:
            root = ground_of(steps, parent, vm)
            facts = self._lane.driver.facts.vms.get(root)
            name = self._lane.selection.origin(facts).name if facts else ""
            return replace(finding, program=tuple(steps), root=(root, name), repeats=repeats)

        whole = suffix(blocks, shows)
        if not whole:
            why = self._hindered or "the calls that led to it did not show it again"
            return finding_with(blocks[-1], f"0 of {self._tries}: {why}")
        steps = fewer(whole, shows)
        steps = plainer_steps(steps, shows)
        again = [shows(steps) for _ in range(AGAIN - 1)]
        return finding_with(steps, f"{1 + sum(again)} of {AGAIN}")

    def again(self, finding: Finding, vm: str) -> set[str]:
        """Send a finding's program once more, about another VM; gives the ids of the findings that it shows."""
        fresh = self._fresh_vm(vm)
        return self._perform(finding.program, finding.root[0], fresh) if fresh is not None else set()

    def _attempt(self, id_: str, steps: Sequence[ReplayStep], root: str) -> bool:
        if self._left <= 0 or self._clock.now() > self._until:
            self._hindered = "the attempts or the time for trying again were spent"
            return False
        self._left -= 1
        with_vm = self._fresh_vm(root)
        if with_vm is None:
            self._hindered = "no VM is left to try it on"
            return False
        self._tries += 1
        try:
            return id_ in self._perform(steps, root, with_vm, self._until)
        finally:
            self._clear()

    def _perform(self, steps: Sequence[ReplayStep], root: str, vm: Ref, until: float = inf) -> set[str]:
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


def suffix(blocks: list[list[ReplayStep]], shows: Callable[[Sequence[ReplayStep]], bool]) -> list[ReplayStep]:
    """Find how much of the past is needed: the last cell, the last two, the last four and so on."""
    count = 1
    while True:
        steps = [step for block in blocks[-count:] for step in block]
        if shows(steps):
            return steps
        if count >= len(blocks):
            return []
        count *= 2


def fewer(steps: list[ReplayStep], shows: Callable[[Sequence[ReplayStep]], bool]) -> list[ReplayStep]:
    """Leave out runs of steps, long ones first, as long as the rest still shows it; the last step always stays."""
    size = max(1, (len(steps) - 1) // 2)
    while size and len(steps) > 1:
        start, left_out = 0, False
        while start < len(steps) - 1:
            fewer = steps[:start] + steps[min(start + size, len(steps) - 1) :]
            if shows(fewer):
                steps, left_out = fewer, True
            else:
                start += size
        size = size if left_out and size == 1 else size // 2
    return steps


def plainer_steps(steps: list[ReplayStep], shows: Callable[[Sequence[ReplayStep]], bool]) -> list[ReplayStep]:
    """Put plainer arguments into each call of the contract, as long as that still shows it."""
    for number, step in enumerate(steps):
        if step.purpose != "judge" or not isinstance(step.call.payload, Arguments):
            continue
        for values in plainer(step.call.payload.values):
            call = replace(steps[number].call, payload=Arguments(values))
            tried = [*steps[:number], replace(steps[number], call=call), *steps[number + 1 :]]
            if shows(tried):
                steps = tried
                break
    return steps


def plainer(values: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Give plainer arguments, the plainest first: no configParams and the plainest specification with as many adapters."""
    spec = values.get("spec")
    bare = {name: value for name, value in values.items() if name != "configParams"}
    if isinstance(spec, dict):
        dhcp = {"_typeName": "CustomizationIPSettings", "ip": {"_typeName": "CustomizationDhcpIpGenerator"}}
        plain = [{"_typeName": "CustomizationAdapterMapping", "adapter": dhcp} for _ in spec.get("nicSettingMap", ())]
        yield {**bare, "spec": {**PLAIN_SPEC, "nicSettingMap": plain}}
        yield {**bare, "spec": {**PLAIN_SPEC, "nicSettingMap": spec.get("nicSettingMap", [])}}
        yield {**bare, "spec": {**spec, "nicSettingMap": plain}}
    if bare != values:
        yield bare


__all__ = ["Shrinker", "fewer", "plainer", "plainer_steps", "suffix"]
