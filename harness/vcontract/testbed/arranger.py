"""Brings a VM into a wanted state, using only calls that the target's own API offers."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from msgspec.structs import replace

from vcontract.errors import HaltedError
from vcontract.model import Asked, Cell, State, VmFacts, ground, recent_tasks
from vcontract.model.state import ABORT, CUSTOMIZE, EXCLUSIVE, HOST_LOST, NETWORK, OFF, ON, SUSPENDED
from vcontract.strategies import Caller
from vcontract.terms import Call, Ref, Returned, as_ref
from vcontract.testbed.cloner import Cloner
from vcontract.testbed.driver import Driver, NotArrangedError, RefusedError
from vcontract.testbed.judged_call import unfinished
from vcontract.testbed.reachability import MISSING_LEVERS, asks_guest, lacking, uncallable
from vcontract.testbed.vm_selection import ENGINES

_KINDS = {CUSTOMIZE: "CustomizeGuest_Task", NETWORK: "StartGuestNetwork_Task", ABORT: "AbortCustomization_Task"}


class Arranger(Cloner):
    """Chooses VMs and changes their state; `hosts` are the moIds of hosts that may be disconnected.

    `helper` makes the calls that work in the guest, where they are not those of the contract under test.
    """

    def __init__(self, driver: Driver, caller: Caller, hosts: frozenset[str], helper: Caller | None = None) -> None:
        super().__init__(driver, hosts)
        self.caller, self.helper = caller, helper
        self.standing = ""
        self.arranged = 0
        self._restoring = False
        self._gone: Ref | None = None

    def unreachable(self, cell: Cell) -> str:
        """Say why a cell cannot be reached on this target; empty if it can."""
        for name in cell.deviations:
            if name in MISSING_LEVERS:
                return MISSING_LEVERS[name]
        if reason := uncallable(cell.asked, self.caller, self.driver.allow):
            return reason
        levers = {each.does for each in self.driver.facts.levers}
        if reason := lacking(cell.state, levers, self.driver.allow, guest=self._guest_caller() is not None):
            return reason
        try:
            if cell.state.exists:
                self.choose(cell.state)
        except NotArrangedError as error:
            return str(error)
        return ""

    def bring(self, cell: Cell, *, on_host: bool = False, nics: int = 0) -> Ref | None:
        """Arrange a cell's state; gives the VM (None if the cell needs none). Raises NotArrangedError.

        `arranged` counts how often that took more than a look.
        """
        want = cell.state
        if not want.exists:
            return self._destroyed()
        vm = self.choose(want, on_host=on_host, nics=nics)
        if cell.asked.vm != "ok" and want == State():
            return None
        stands, self.standing = self.stands(vm, want), ""
        if stands:
            return vm.ref
        self.arranged += 1
        try:
            self._arrange(vm, want)
        except NotArrangedError as error:
            if self.driver.quarantine.failed(vm.ref.value) and not self._serves(vm):
                self.driver.quarantine.stuck[vm.ref.value] = f"{vm.name} is set aside: {error}"
            raise
        self.driver.quarantine.served(vm.ref.value)
        return vm.ref

    def _serves(self, vm: VmFacts) -> bool:
        """Whether a VM that could not be arranged can at least be made ready."""
        try:
            self._arrange(vm, State())
        except NotArrangedError:
            return False
        return True

    def _arrange(self, vm: VmFacts, want: State) -> None:
        self._quiet(vm)
        self._emptied(vm, want)
        if want.power == ON or asks_guest(want):
            self._ready(vm)
        if want.tools_up or asks_guest(want):
            self._guest(vm, want)
        self._power(vm, want)
        if want.connection in HOST_LOST:
            self._disconnect(vm)
        if want.tools != "starting":
            self.let_settle(vm)
        self._start(vm, want)

    def let_settle(self, vm: VmFacts) -> None:
        """Wait until what is reported of the VM cannot be older than its last change (oracle rule A11)."""
        changed = self.driver.tracker.changed(vm.ref.value) + self.driver.facts.staleness
        left = changed - self.driver.target.recorder.now()
        if self.driver.facts.staleness and left > 0:
            self.driver.target.recorder.sleep(left)
            self.driver.read_vm(vm.ref)

    def stands(self, vm: VmFacts, want: State) -> bool:
        """Whether the last cell left the VM, as it was read then, in the wanted state."""
        if self.standing != vm.ref.value or want.running:
            return False
        return self._fits_ground(vm.ref, want) and not unfinished(self.driver, vm.ref)

    def runs(self, vm: Ref, want: State) -> bool:
        """Whether the work that a wanted state needs still runs on a VM, and the rest is as wanted; reads the work."""
        lives = [life for life in self.driver.tracker.lives(vm.value) if not life.over]
        if [life.kind for life in lives] != [want.running]:
            return False
        if not self._fits_ground(vm, replace(want, running="")):
            return False
        return self.driver.read_task(lives[0].ref).get("state") == "running"

    def _fits_ground(self, vm: Ref, want: State) -> bool:
        """Whether a VM, as it was last read, is as wanted; a guest that an abort left undefined serves as well as any."""
        states = {ground(each) for each in self.driver.states(vm)}
        if want.guest != "undefined":
            states = {replace(each, guest="before") for each in states}
        if not want.tools_up or want.tools == "starting":
            # a boot may have freed the lock; and what only a guest that can be asked shows counts only if it is wanted
            states = {replace(each, orphaned=want.orphaned) for each in states if each.orphaned or not want.orphaned}
            states = {replace(each, engine="ok") for each in states} if want.engine == "ok" else states
        elif self.driver.facts.vms[vm.value].engine != "ok":  # there its lock cannot be freed
            states = {replace(each, orphaned=want.orphaned) for each in states}
        return states == {ground(want)}

    def _quiet(self, vm: VmFacts) -> None:
        """Wait for what still runs on the VM, and bring its host back."""
        for life in self.driver.tracker.lives(vm.ref.value):
            if not life.over:
                self.driver.follow(life.ref)
        self.remove_snapshots()
        if self.now(vm).connection in HOST_LOST:
            self.reconnect(vm.host)

    def _ready(self, vm: VmFacts) -> None:
        """Power the VM on and wait for Tools; Tools that were stopped before a suspension come up by a reset only."""
        now = self.now(vm)
        if now.template:
            self.driver.done(vm.ref, "MarkAsVirtualMachine", {"pool": self.caller.pool(vm.ref).json()})
        before = now.power
        if before != ON:
            self.driver.done(vm.ref, "PowerOnVM_Task")
            now = self.now(vm)
        if before != OFF and now.tools == "stopped":
            self.driver.done(vm.ref, "ResetVM_Task")
        if now.tools == "stopped" and any(
            each.does == "startTools" and each.extra_config for each in self.driver.facts.levers
        ):
            self.driver.pull(vm.ref, "startTools")
        if now.tools != "never":
            self.driver.until(f"Tools of {vm.name}", lambda: self.now(vm).tools in {"ready", "old"})

    def _emptied(self, vm: VmFacts, want: State) -> None:
        """Have a package that must not be pending deployed by a boot, and make a template that must be none a VM again."""
        now = self.now(vm)
        if now.template and not want.template:
            self._ready(vm)
        if now.pending and not want.pending:
            self._ready(vm)
            self.driver.until(f"the package of {vm.name}", lambda: not self.now(vm).pending)

    def _guest(self, vm: VmFacts, want: State) -> None:
        """Set the guest's configuration, then the engine, then the lock: each can be set only while the next is as usual."""
        if want.tools == "never" or self._guest_caller() is None:  # then no guest has a lock, and no engine is asked
            return
        states = self.driver.states(vm.ref)
        undefined = want.guest == "undefined" and {each.guest for each in states} != {"undefined"}
        held = (undefined or not want.orphaned) and {each.orphaned for each in states} != {False}
        if vm.engine == "ok" and (undefined or held):
            self._engine(vm, "ok")
            if held:
                self._free(vm.ref)
            if undefined:
                self.began(vm.ref, CUSTOMIZE)
                self._contract_call(vm.ref, ABORT)
                self._quiet(vm)
        self._engine(vm, want.engine)
        if want.orphaned and {each.orphaned for each in self.driver.states(vm.ref)} != {True}:
            self.driver.pull(vm.ref, "orphanLock")

    def _engine(self, vm: VmFacts, want: str) -> None:
        if {each.engine for each in self.driver.states(vm.ref)} != {want}:
            self.driver.pull(vm.ref, ENGINES[want])

    def _free(self, vm: Ref) -> None:
        """Free the lock: by an abort, or, as one with nothing to abort may be refused, by a customization."""
        with suppress(NotArrangedError):
            self._contract_call(vm, ABORT)
        if any(each.orphaned for each in self.driver.states(vm)):
            self._contract_call(vm, CUSTOMIZE)

    def _power(self, vm: VmFacts, want: State) -> None:
        now = self.now(vm)
        if want.power == ON and now.power != ON:
            self._ready(vm)
        elif want.power != now.power and not want.template:
            if now.power == SUSPENDED or (now.power == OFF and want.power == SUSPENDED):
                self._ready(vm)
            self.driver.done(vm.ref, {OFF: "PowerOffVM_Task", SUSPENDED: "SuspendVM_Task"}[want.power])
        if want.pending and not now.pending:
            self._package(vm)
        if want.template and not now.template:
            self._template(vm)
        if want.power == ON and want.tools == "stopped":
            self.driver.pull(vm.ref, "stopTools")
            self.driver.until(f"the stop of Tools of {vm.name}", lambda: self.now(vm).tools == "stopped")
        if want.tools == "starting":
            self._starting(vm)
        self.driver.read_vm(vm.ref)

    def _package(self, vm: VmFacts) -> None:
        helper = self._guest_caller()
        if helper is None:
            raise NotArrangedError("no specification is known")
        spec = helper.call(Asked(_KINDS[CUSTOMIZE]), vm.ref).arguments["spec"]
        self.driver.done(vm.ref, "CustomizeVM_Task", {"spec": spec})

    def _template(self, vm: VmFacts) -> None:
        """Make a VM, which may be on, a template again."""
        if self.now(vm).power != OFF:
            self._ready(vm)
            self.driver.done(vm.ref, "PowerOffVM_Task")
        self.driver.done(vm.ref, "MarkAsTemplate")

    def _starting(self, vm: VmFacts) -> None:
        """Reset the VM and see its Tools starting. Raises NotArrangedError if they came up unseen."""
        before = (self.driver.tracker.readings[vm.ref.value] or {}).get("runtime.bootTime")
        self.driver.done(vm.ref, "ResetVM_Task")

        def booted() -> bool:
            tools = self.now(vm).tools
            now = (self.driver.tracker.readings[vm.ref.value] or {}).get("runtime.bootTime")
            again = now != before or now is None  # a server that tells of no boot leaves nothing to wait for
            return tools == "starting" or (again and tools in {"ready", "old"})

        self.driver.until(f"the start of Tools of {vm.name}", booted)
        if any(each.tools != "starting" for each in self.driver.states(vm.ref)):
            raise NotArrangedError(f"Tools of {vm.name} came up before they were seen starting")

    def _disconnect(self, vm: VmFacts) -> None:
        self.driver.done(Ref("HostSystem", vm.host), "DisconnectHost_Task")
        self.driver.until(f"the loss of {vm.name}'s host", lambda: self.now(vm).connection in HOST_LOST)

    def reconnect(self, host: str) -> None:
        """Bring a host back."""
        self.driver.done(Ref("HostSystem", host), "ReconnectHost_Task")
        there = [vm for vm in self.driver.facts.vms.values() if vm.host == host]
        back = [
            vm
            for vm in there
            if any(each.exists for each in self.driver.states(vm.ref)) and not self.driver.quarantine.why(vm.ref.value)
        ]
        self.driver.until("the host's return", lambda: all(self.now(vm).connection not in HOST_LOST for vm in back))

    def _start(self, vm: VmFacts, want: State) -> None:
        """Start the work that must run during the call, and see it running."""
        if want.running in _KINDS:
            self.began(vm.ref, want.running)
        elif want.running == EXCLUSIVE:
            task = self.driver.begun(vm.ref, "CreateSnapshot_Task", self.driver.snapshot(memory=False))
            if task is not None:
                self.driver.until("the running snapshot task", lambda: self.driver.running(task))

    def began(self, vm: Ref, kind: str) -> Ref:
        """Begin work of a kind and see it running. Raises NotArrangedError."""
        task = self._contract_call(vm, kind, follow=False)
        self.driver.until(f"the running {_KINDS[kind]}", lambda: self.driver.running(task))
        return task

    def _contract_call(self, vm: Ref, kind: str, *, follow: bool = True) -> Ref:
        """Make a valid call that works in the guest; if its contract is under test it is judged like any other."""
        caller = self._guest_caller()
        if caller is None:
            raise NotArrangedError(f"the target has no {_KINDS[kind]}")
        caller.facts = replace(caller.facts, vms=self.driver.facts.vms)
        call: Call = caller.call(Asked(_KINDS[kind]), vm)
        unjudged = self._restoring or caller is not self.caller
        sent = self.driver.said(call) if unjudged else self.driver.judged(call)
        outcome = sent.outcome
        task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        if task is None:
            raise RefusedError(f"the target refuses {call.method}")
        if follow:
            self.driver.follow(task)
            self.driver.read_vm(vm)
        return task

    def _guest_caller(self) -> Caller | None:
        """Give the caller of the methods that work in the guest: the one under test, or the helper."""
        own = {each.name for each in self.caller.contract.methods}
        return self.caller if own >= set(_KINDS.values()) else self.helper

    def abort(self, vm: Ref) -> None:
        """Abort whatever customization runs on the VM. Raises NotArrangedError if that is refused."""
        self._contract_call(vm, ABORT)

    def take_over(self, before: frozenset[str]) -> None:
        """Wait for all that runs on the VMs, and own the clones that a run made before it was cut; `before` are the others."""
        for vm in list(self.driver.facts.vms.values()):
            reading = self.driver.read_vm(vm.ref)
            for task in recent_tasks(reading or {}):
                if self.driver.read_task(Ref("Task", task)).get("state") in {"queued", "running"}:
                    self.driver.follow(Ref("Task", task))
            if reading is not None and vm.ref.value not in before:
                self.clones.append(vm.ref)
        self.reconnect_all()

    def reconnect_all(self) -> None:
        """Bring back every host that is lost."""
        for vm in list(self.driver.facts.vms.values()):
            if any(each.connection in HOST_LOST for each in self.driver.states(vm.ref)):
                self.reconnect(vm.host)

    def clone(self, parent: VmFacts | None = None, name: str = "") -> VmFacts:
        """Make a VM that may be destroyed, like the parent."""
        parent = parent or self.choose(State())
        self._quiet(parent)
        self._ready(parent)
        if any(each.orphaned for each in self.driver.states(parent.ref)) and parent.engine == "ok":
            self._guest(parent, State(tools=next(iter(self.driver.states(parent.ref))).tools))
        made = self.fork(parent, name)
        if next(iter(self.driver.states(parent.ref))).tools != "never":
            self.driver.until(f"Tools of {made.name}", lambda: self.now(made).tools == "ready")
        return made

    def _destroyed(self) -> Ref:
        """Give a VM that is gone; one serves for every cell that needs it."""
        if self._gone is None:
            made = self.clone()
            self.destroy(made.ref)
            self._gone = made.ref
        return self._gone

    def restore(self, only: Collection[str] | None = None, *, hosts: bool = True) -> list[str]:
        """Put back the VMs that were touched here, or `only` some, and `hosts`; clones are destroyed; gives what failed."""
        failed: dict[str, list[str]] = {}
        self._restoring = True
        if hosts:
            with suppress(NotArrangedError, HaltedError):  # said below, by each VM that it keeps from being restored
                self.reconnect_all()
        for vm in list(self.driver.facts.vms.values()):
            try:
                if vm.ref in self.clones:
                    self.destroy(vm.ref)
                elif self.touched(vm) if only is None else vm.ref.value in only and self._there(vm):
                    self._put_back(vm)
            except (NotArrangedError, HaltedError, LookupError) as error:
                failed.setdefault(str(error), []).append(vm.name)
        self._restoring = False
        return [f"{', '.join(names)}: {why}" for why, names in failed.items()]

    def _put_back(self, vm: VmFacts) -> None:
        """Make a VM what it was when it was first read: a template, on, off or suspended, with a whole engine if it runs."""
        tracker = self.driver.tracker
        self._quiet(vm)
        if tracker.was_template.get(vm.ref.value):
            self._power(vm, State(template=True, power=OFF))
            return
        self._emptied(vm, State())
        was = tracker.was_power.get(vm.ref.value, ON)
        if was == ON or any(each.engine != vm.engine or each.template for each in self.driver.states(vm.ref)):
            self._ready(vm)
            self._guest(vm, State(engine=vm.engine, tools=next(iter(self.driver.states(vm.ref))).tools))
        if was != ON:
            self._power(vm, State(power=was))

    def touched(self, vm: VmFacts) -> bool:
        """Whether anything was done to a VM that is still there."""
        guard = self.driver.target.guard
        if guard is not None and vm.ref.value not in guard.touched:
            return False
        return self._there(vm)

    def _there(self, vm: VmFacts) -> bool:
        return vm.ref.value in self.driver.tracker.readings and next(iter(self.driver.states(vm.ref))).exists
