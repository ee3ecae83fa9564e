"""Marks VMs as the harness's to disturb, and takes the mark off: what an operator asks for, by a verb or in a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from vcontract._client import Marks, Target
from vcontract._client.marks import OWNER, Claim, options
from vcontract._client.properties import read
from vcontract._client.tasks import follow, info
from vcontract._config.config import Config
from vcontract._errors import TargetError, UsageError
from vcontract._terms import Arguments, Call, Faulted, Json, Ref, Returned, as_ref
from vcontract._testbed import FULL, Seen, claims_now, log_in, look_round, marks_of

PATIENCE = 600.0
"""Seconds that a reconfiguration may take."""


class Change(msgspec.Struct, frozen=True):
    """A VM that was asked for; `says` is what will be done with it, `done` whether that is anything."""

    vm: Seen
    says: str
    done: bool


class Adopting:
    """Marks VMs on one target, or takes the mark off (`release`); its sessions are opened here. Raises TargetError."""

    def __init__(self, target: Target, config: Config, *, release: bool, breaks: bool = False) -> None:
        log_in(target, config)
        self.target, self.release, self._breaks = target, release, breaks
        self.marks: Marks = marks_of(target, config)
        self.owner = config.owner

    def changes(self, pattern: str) -> list[Change]:
        """Say what will be done with each VM whose name matches a shell pattern. Raises UsageError if none does."""
        found = [each for each in look_round(self.target, self.marks) if fnmatchcase(each.name, pattern)]
        if not found:
            raise UsageError(f"--vm {pattern}: {self.target.url} shows no VM of such a name")
        self._claimed = {} if self._breaks else self._in_use(found)
        return [self._change(each) for each in sorted(found, key=lambda each: each.name)]

    def _in_use(self, vms: list[Seen]) -> dict[str, tuple[str, Claim]]:
        """Give those of some VMs that carry the mark and that a run claims."""
        done = [(vm, read(self.target, FULL, vm.ref, self.marks.paths, self.marks.only)) for vm in vms if vm.owners]
        shown = [(vm.ref, vm.name, each.outcome.value) for vm, each in done if isinstance(each.outcome, Returned)]
        return claims_now(self.target, self.marks, shown) if shown else {}

    def _change(self, vm: Seen) -> Change:
        mark = f"{OWNER} = {self.owner}"
        if other := next((each for each in vm.owners if each != self.marks.owner), ""):
            return Change(vm, f"carries the mark {OWNER} = {other} of somebody else, and is left alone", done=False)
        if self.release and vm.ref.value in self._claimed:
            told = self._claimed[vm.ref.value][1].told()
            return Change(vm, f"is claimed by {told}, and is left alone (--break-claim)", done=False)
        if self.release:
            return Change(vm, f"loses the mark {mark}" if vm.owners else "carries no mark", done=bool(vm.owners))
        return Change(
            vm, f"carries the mark {mark} already" if vm.owners else f"gets the mark {mark}", done=not vm.owners
        )

    def carry_out(self, changes: Sequence[Change]) -> None:
        """Do it, and read back that it is so. Raises TargetError at the first VM for which it is not."""
        for each in changes:
            if each.done:
                self._set(each.vm)

    def _set(self, vm: Seen) -> None:
        value = "" if self.release else self.owner
        spec = {"_typeName": "VirtualMachineConfigSpec", "extraConfig": options(owner=value)}
        self._call(vm, vm.ref, "ReconfigVM_Task", {"spec": spec})
        if self._owners(vm) and self.release and self.marks.attribute:
            manager = self.target.manager("customFieldsManager")
            self._call(vm, manager, "SetField", {"entity": vm.ref.json(), "key": self.marks.attribute, "value": ""})
        if self._owners(vm) != ([] if self.release else [self.marks.owner]):
            raise TargetError(f"{vm.name}: the target took the change and does not show it")

    def _owners(self, vm: Seen) -> list[str]:
        done = read(self.target, FULL, vm.ref, self.marks.paths, self.marks.only)
        if not isinstance(done.outcome, Returned):
            raise TargetError(f"{vm.name}: its marks cannot be read")
        return self.marks.owners(done.outcome.value)

    def _call(self, vm: Seen, ref: Ref, method: str, arguments: dict[str, Json]) -> None:
        outcome = self.target.send(Call(ref, method, Arguments(arguments), FULL), "arrange").outcome
        task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        why = ""
        if task is not None:
            last = info(follow(self.target, FULL, task, deadline_seconds=PATIENCE)[-1])
            if last.get("state") != "success":
                why = str((last.get("error") or {}).get("fault", {}).get("_typeName", "no end in time"))
        elif not isinstance(outcome, Returned):
            why = outcome.fault.type if isinstance(outcome, Faulted) else outcome.reason
        if why:
            raise TargetError(f"{vm.name}: {method} failed: {why}")
