"""Brings a VM into a wanted state, using only calls that the target's own API offers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from msgspec.structs import replace

from harness.model import Asked, Cell, State, VmFacts
from harness.model.state import ABORT, CUSTOMIZE, EXCLUSIVE, HOST_LOST, NETWORK, OFF, ON, SUSPENDED
from harness.run.judged import unfinished
from harness.run.stage import NotArrangedError, Stage
from harness.strategies import Caller
from harness.terms import Call, Json, Ref, Returned, as_ref

MISSING_LEVERS = {
    "unusable": "no lever makes a VM orphaned, inaccessible or invalid",
    "question": "no lever makes a VM ask a question",
    "shared": "no lever starts vMotion, quiescing or a vApp operation",
    "toolsOld": "no lever makes Tools too old",
    "pendingPackage": "no lever keeps a package pending on a powered-on VM",
    "privilegeOnVm": "no account has the privilege on the VM only",
    "privilegeOnRoot": "no account has the privilege on the root only",
}
"""Deviations that nothing in the configuration can bring about, and what is missing."""
_CLONE = "-vcontract-"
_KINDS = {CUSTOMIZE: "CustomizeGuest_Task", NETWORK: "StartGuestNetwork_Task", ABORT: "AbortCustomization_Task"}


class Arranger:
    """Chooses VMs and changes their state; `hosts` are the moIds of hosts that may be disconnected."""

    def __init__(self, stage: Stage, caller: Caller, hosts: frozenset[str]) -> None:
        self.stage, self.caller, self.hosts = stage, caller, hosts
        self.clones: list[Ref] = []
        self._forks = 0
        self.standing = ""
        self._restoring = False
        self._gone: Ref | None = None
        self._snapshots: list[Ref] = []

    def unreachable(self, cell: Cell) -> str:
        """Say why a cell cannot be reached on this target; empty if it can."""
        for name in cell.deviations:
            if name in MISSING_LEVERS:
                return MISSING_LEVERS[name]
        if cell.asked.privilege not in self.caller.actors:
            return "no second account is known to lack the privilege"
        try:
            if cell.state.exists:
                self.choose(cell.state)
        except NotArrangedError as error:
            return str(error)
        return self._no_lever(cell.state)

    def _no_lever(self, want: State) -> str:
        given = {each.does for each in self.stage.facts.levers}
        needed = {"stopTools"} if want.tools == "stopped" and want.power == ON else set()
        needed |= {"orphanLock"} if want.orphaned else set()
        needed |= {"breakEngine"} if want.engine == "broken" else set()
        lacking = sorted(needed - given)
        return f"the configuration gives no lever {lacking[0]}" if lacking else ""

    def choose(self, want: State, *, on_host: bool = False, nics: int = 0) -> VmFacts:
        """Pick a VM whose fixed traits fit, if asked on a host that may be lost, with so many NICs (0: any).

        Raises NotArrangedError if there is none.
        """
        for vm in self.stage.facts.vms.values():
            placed = (not on_host or vm.host in self.hosts) and nics in {0, vm.nics}
            if placed and vm.ref not in self.clones and self._fits(vm, want):
                return vm
        raise NotArrangedError(
            f"no marked VM fits (Tools {want.tools}, engine {want.engine}, "
            f"{'template, ' if want.template else ''}host {want.connection})"
        )

    def _fits(self, vm: VmFacts, want: State) -> bool:
        now = next(iter(self.stage.states(vm.ref)))
        levers = {each.does for each in self.stage.facts.levers}
        engine = want.engine if want.engine != "broken" or vm.engine == "ok" else "none"
        if want.engine == "absent" and vm.engine != "absent" and "removeEngine" in levers:
            engine = "absent" if not any(each.engine == "absent" for each in self.stage.facts.vms.values()) else "none"
        return (
            now.exists
            and vm.family == "linux"
            and vm.nics > 0
            and now.template == want.template
            and (now.tools == "never") == (want.tools == "never")
            and (want.connection not in HOST_LOST or vm.host in self.hosts)
            and (
                engine == vm.engine or (engine == "broken" and vm.engine == "ok") or want.template or not want.tools_up
            )
        )

    def bring(self, cell: Cell, *, on_host: bool = False, nics: int = 0) -> Ref | None:
        """Arrange a cell's state; gives the VM (None if the cell needs none). Raises NotArrangedError."""
        want = cell.state
        if not want.exists:
            return self._destroyed()
        vm = self.choose(want, on_host=on_host, nics=nics)
        if cell.asked.vm != "ok" and want == State():
            return None
        stands, self.standing = self.stands(vm, want), ""
        if stands:
            return vm.ref
        self._quiet(vm)
        if want.tools_up or want.running == EXCLUSIVE or (want.tools in {"stopped", "starting"} and want.power == ON):
            self._ready(vm)
            self._guest(vm, want)
        self._power(vm, want)
        if want.connection in HOST_LOST:
            self._disconnect(vm)
        if want.tools != "starting":
            self._let_settle(vm)
        self._start(vm, want)
        return vm.ref

    def _let_settle(self, vm: VmFacts) -> None:
        """Wait until what is reported of the VM cannot be older than its last change (oracle rule A11)."""
        changed = self.stage.tracker.changed(vm.ref.value) + self.stage.facts.staleness
        left = changed - self.stage.target.recorder.now()
        if self.stage.facts.staleness and left > 0:
            time.sleep(left)
            self.stage.read_vm(vm.ref)

    def stands(self, vm: VmFacts, want: State) -> bool:
        """Whether the last cell left the VM, as it was read then, in the wanted state."""
        if self.standing != vm.ref.value or want.running:
            return False
        given = {"network": want.network, "guest": want.guest if want.guest == "undefined" else "before"}
        states = {
            replace(each, network=want.network, guest=each.guest if want.guest == "undefined" else "before")
            for each in self.stage.states(vm.ref)
        }
        if not want.tools_up:  # what only a guest that can be asked shows does not count
            states = {replace(each, orphaned=want.orphaned, engine=want.engine) for each in states}
        return states == {replace(want, **given)} and not unfinished(self.stage, vm.ref)

    def now(self, vm: VmFacts) -> State:
        """Read a VM and give one of the states that it may be in; what was read is the same in all."""
        self.stage.read_vm(vm.ref)
        return next(iter(self.stage.states(vm.ref)))

    def _quiet(self, vm: VmFacts) -> None:
        """Wait for what still runs on the VM, and bring its host back."""
        for life in self.stage.tracker.lives(vm.ref.value):
            if not life.over:
                self.stage.follow(life.ref)
        for snapshot in self._snapshots:
            self.stage.done(snapshot, "RemoveSnapshot_Task", {"removeChildren": False})
        self._snapshots.clear()
        if self.now(vm).connection in HOST_LOST:
            self.reconnect(vm.host)

    def _ready(self, vm: VmFacts) -> None:
        """Power the VM on and wait for Tools."""
        now = self.now(vm)
        if now.power != ON:
            self.stage.done(vm.ref, "PowerOnVM_Task")
        elif now.tools == "stopped":
            self.stage.done(vm.ref, "ResetVM_Task")
        if now.tools != "never":
            self.stage.until(f"Tools of {vm.name}", lambda: self.now(vm).tools in {"ready", "old"})

    def _guest(self, vm: VmFacts, want: State) -> None:
        """Set the engine, the lock and the guest's configuration, where they can be known."""
        if not want.tools_up or want.tools == "never":
            return
        engines = {each.engine for each in self.stage.states(vm.ref)}
        if engines != {want.engine}:
            lever = {"ok": "restoreEngine", "absent": "removeEngine", "broken": "breakEngine"}[want.engine]
            self.stage.pull(vm.ref, lever)
        orphaned = {each.orphaned for each in self.stage.states(vm.ref)}
        if want.orphaned and orphaned != {True}:
            self.stage.pull(vm.ref, "orphanLock")
        elif not want.orphaned and orphaned != {False} and want.engine == "ok":
            self._free(vm.ref)
        if want.guest == "undefined":
            self.began(vm.ref, CUSTOMIZE)
            self._contract_call(vm.ref, ABORT)
            self._quiet(vm)

    def _free(self, vm: Ref) -> None:
        """Free the lock: by an abort, or, as one with nothing to abort may be refused, by a customization."""
        with suppress(NotArrangedError):
            self._contract_call(vm, ABORT)
        if any(each.orphaned for each in self.stage.states(vm)):
            self._contract_call(vm, CUSTOMIZE)

    def _power(self, vm: VmFacts, want: State) -> None:
        now = self.now(vm)
        if want.power == ON and now.power != ON:
            self._ready(vm)
        elif want.power != now.power and not want.template:
            if now.power == SUSPENDED or (now.power == OFF and want.power == SUSPENDED):
                self._ready(vm)
            self.stage.done(vm.ref, {OFF: "PowerOffVM_Task", SUSPENDED: "SuspendVM_Task"}[want.power])
        if want.power == ON and want.tools == "stopped":
            self.stage.pull(vm.ref, "stopTools")
            self.stage.until(f"the stop of Tools of {vm.name}", lambda: self.now(vm).tools == "stopped")
        if want.tools == "starting":
            self._starting(vm)
        self.stage.read_vm(vm.ref)

    def _starting(self, vm: VmFacts) -> None:
        """Reset the VM and see its Tools starting. Raises NotArrangedError if they came up unseen."""
        before = (self.stage.tracker.readings[vm.ref.value] or {}).get("runtime.bootTime")
        self.stage.done(vm.ref, "ResetVM_Task")

        def booted() -> bool:
            tools = self.now(vm).tools
            again = (self.stage.tracker.readings[vm.ref.value] or {}).get("runtime.bootTime") != before
            return tools == "starting" or (again and tools in {"ready", "old"})

        self.stage.until(f"the start of Tools of {vm.name}", booted)
        if any(each.tools != "starting" for each in self.stage.states(vm.ref)):
            raise NotArrangedError(f"Tools of {vm.name} came up before they were seen starting")

    def _disconnect(self, vm: VmFacts) -> None:
        self.stage.done(Ref("HostSystem", vm.host), "DisconnectHost_Task")
        self.stage.until(f"the loss of {vm.name}'s host", lambda: self.now(vm).connection in HOST_LOST)

    def reconnect(self, host: str) -> None:
        """Bring a host back."""
        self.stage.done(Ref("HostSystem", host), "ReconnectHost_Task")
        there = [vm for vm in self.stage.facts.vms.values() if vm.host == host]
        back = [vm for vm in there if any(each.exists for each in self.stage.states(vm.ref))]
        self.stage.until("the host's return", lambda: all(self.now(vm).connection not in HOST_LOST for vm in back))

    def _start(self, vm: VmFacts, want: State) -> None:
        """Start the work that must run during the call, and see it running."""
        if want.running in _KINDS:
            self.began(vm.ref, want.running)
        elif want.running == EXCLUSIVE:
            arguments = {"name": "vcontract", "description": "", "memory": False, "quiesce": False}
            task = self.stage.begun(vm.ref, "CreateSnapshot_Task", arguments)
            if task is not None:
                self.stage.until("the running snapshot task", lambda: self.stage.running(task))

    def note_snapshots(self, infos: list[Mapping[str, Json]]) -> None:
        """Remember snapshots that were made, so that they are removed."""
        for each in infos:
            made = as_ref(each.get("result"))
            if made is not None and made.type == "VirtualMachineSnapshot":
                self._snapshots.append(made)

    def began(self, vm: Ref, kind: str) -> Ref:
        """Begin work of a kind and see it running. Raises NotArrangedError."""
        task = self._contract_call(vm, kind, follow=False)
        self.stage.until(f"the running {_KINDS[kind]}", lambda: self.stage.running(task))
        return task

    def _contract_call(self, vm: Ref, kind: str, *, follow: bool = True) -> Ref:
        """Make a valid call of the contract under test; it is judged like any other."""
        call: Call = self.caller.call(Asked(_KINDS[kind]), vm)
        sent = self.stage.target.send(call, "arrange") if self._restoring else self.stage.judged(call)
        outcome = sent.outcome
        task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        if task is None:
            raise NotArrangedError(f"{call.method} was refused")
        if follow:
            self.stage.follow(task)
            self.stage.read_vm(vm)
        return task

    def abort(self, vm: Ref) -> None:
        """Abort whatever customization runs on the VM. Raises NotArrangedError if that is refused."""
        self._contract_call(vm, ABORT)

    def can_clone(self, vm: VmFacts) -> bool:
        """Whether a VM can be cloned instantly: it must be running, so a template cannot."""
        return not any(each.template or not each.exists for each in self.stage.states(vm.ref))

    def reconnect_all(self) -> None:
        """Bring back every host that is lost."""
        for vm in list(self.stage.facts.vms.values()):
            if any(each.connection in HOST_LOST for each in self.stage.states(vm.ref)):
                self.reconnect(vm.host)

    def clone(self, parent: VmFacts | None = None) -> VmFacts:
        """Make a VM that may be destroyed, like the parent."""
        parent = parent or self.choose(State())
        self._quiet(parent)
        self._ready(parent)
        if any(each.orphaned for each in self.stage.states(parent.ref)) and parent.engine == "ok":
            self._guest(parent, State(tools=next(iter(self.stage.states(parent.ref))).tools))
        made = self.fork(parent)
        if next(iter(self.stage.states(parent.ref))).tools != "never":
            self.stage.until(f"Tools of {made.name}", lambda: self.now(made).tools == "ready")
        return made

    def fork(self, parent: VmFacts) -> VmFacts:
        """Clone a VM as it is now, whatever runs on it."""
        self._forks += 1
        name = f"{parent.name.partition(_CLONE)[0]}{_CLONE}{self._forks}"
        spec = {
            "_typeName": "VirtualMachineInstantCloneSpec",
            "name": name,
            "location": {"_typeName": "VirtualMachineRelocateSpec"},
        }
        child = as_ref(self.stage.done(parent.ref, "InstantClone_Task", {"spec": spec}))
        if child is None:
            raise NotArrangedError("InstantClone_Task gave no VM")
        self.clones.append(child)
        return self.stage.facts.vms[child.value]

    def origin(self, vm: VmFacts) -> VmFacts:
        """Give the VM of which one was made here by cloning, over however many others; itself if it was not."""
        name = vm.name.partition(_CLONE)[0]
        return next((each for each in self.stage.facts.vms.values() if each.name == name), vm)

    def destroy(self, vm: Ref) -> None:
        """Power off and destroy a VM that was made here."""
        if vm in self.clones:
            power = next(iter(self.stage.states(vm))).power
            if power == SUSPENDED:
                self.stage.done(vm, "PowerOnVM_Task")
            if power != OFF:
                self.stage.done(vm, "PowerOffVM_Task")
            self.stage.done(vm, "Destroy_Task")
            self.clones.remove(vm)
            self.stage.read_vm(vm)

    def _destroyed(self) -> Ref:
        """Give a VM that is gone; one serves for every cell that needs it."""
        if self._gone is None:
            made = self.clone()
            self.destroy(made.ref)
            self._gone = made.ref
        return self._gone

    def restore(self) -> list[str]:
        """Put everything back: hosts connected, clones destroyed, VMs on and their engines whole; gives what failed."""
        failed = []
        self._restoring = True
        with suppress(NotArrangedError):  # said below, by each VM that it keeps from being restored
            self.reconnect_all()
        for vm in list(self.stage.facts.vms.values()):
            try:
                if vm.ref in self.clones:
                    self.destroy(vm.ref)
                elif self._touched(vm):
                    self._quiet(vm)
                    if not next(iter(self.stage.states(vm.ref))).template:
                        self._ready(vm)
                        self._guest(vm, State(engine=vm.engine, tools=next(iter(self.stage.states(vm.ref))).tools))
            except NotArrangedError as error:
                failed.append(f"{vm.name}: {error}")
        return failed

    def _touched(self, vm: VmFacts) -> bool:
        return vm.ref.value in self.stage.tracker.readings and next(iter(self.stage.states(vm.ref))).exists
