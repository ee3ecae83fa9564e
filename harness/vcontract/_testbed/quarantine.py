"""What a run leaves alone since calls about it hung: each further one would cost the whole limit of an exchange."""

from __future__ import annotations

from vcontract._client.tasks import hung
from vcontract._terms import Operation

MOST = 2
"""On so many VMs a method may hang, or its tasks not end, before it is not called any more."""


FAILURES = 3
"""So often in a row it may not be possible to arrange a VM before it is tried whether it can be made ready at all."""


class Quarantine:
    """VMs and methods that are left alone: `vms` maps moIds, `methods` names of methods, to the reason.

    A VM in `stuck` is not chosen any more: it has a task that did not end in time, and still may (oracle rule A14), or it
    can no longer be made ready.
    """

    def __init__(self) -> None:
        self.vms: dict[str, str] = {}
        self.methods: dict[str, str] = {}
        self.stuck: dict[str, str] = {}
        self._failed: dict[str, int] = {}
        self._hung: dict[str, list[str]] = {}
        self._endless: dict[str, list[str]] = {}

    def heard(self, done: Operation, vm: str, name: str) -> None:
        """Take in an operation about a VM (by moId and name); one that hung sets the VM aside."""
        if not vm or not hung(done.outcome):
            return
        method = done.call.method
        self.vms.setdefault(vm, f"{name} is set aside: {method} (operation {done.op}) was not answered")
        if done.purpose == "read":
            return
        known = self._hung.setdefault(method, [])
        known += [name] if name not in known else []
        if len(known) >= MOST:
            self.methods[method] = f"{method} is not called any more: it was not answered on {', '.join(known)}"

    def stuck_task(self, vm: str, name: str, why: str, never: str = "") -> None:
        """Choose a VM (by moId and name) no more, as a task on it did not end; the first reason stays.

        `never` names the method of the task if none of its tasks has ever been seen to end.
        """
        self.stuck.setdefault(vm, f"{name} is set aside: {why}")
        if not never:
            return
        known = self._endless.setdefault(never, [])
        known += [name] if name not in known else []
        if len(known) >= MOST:
            self.methods[never] = f"{never} is not called any more: its tasks did not end on {', '.join(known)}"

    def beyond_use(self, vm: str, name: str, why: str) -> None:
        """Choose a VM (by moId and name) no more, as it cannot even be made ready."""
        self.stuck[vm] = f"{name} is set aside: {why}"

    def failed(self, vm: str) -> bool:
        """Take in that a VM could not be arranged; True if that came so often in a row that it may be beyond use."""
        self._failed[vm] = self._failed.get(vm, 0) + 1
        return self._failed[vm] % FAILURES == 0

    def served(self, vm: str) -> None:
        """Take in that a VM could be arranged."""
        self._failed.pop(vm, None)

    def why(self, vm: str, method: str = "") -> str:
        """Say why a VM, or a method, is left alone; empty if neither is."""
        return self.vms.get(vm) or self.methods.get(method, "")

    def chosen(self, vm: str) -> bool:
        """Whether a VM may still be chosen."""
        return vm not in self.vms and vm not in self.stuck

    def notes(self) -> list[str]:
        """Say all of it."""
        return [*self.vms.values(), *self.methods.values(), *self.stuck.values()]
