"""A driver without a target: VMs whose states change as the calls say, and a list of what was called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import takewhile
from math import inf
from types import SimpleNamespace
from typing import Any, cast

from msgspec.structs import replace

from vcontract._contract import load
from vcontract._model import Asked, Facts, GuestAccount, Lever, State, VmFacts
from vcontract._model.state import OFF, ON, SUSPENDED
from vcontract._strategies.calls import Caller
from vcontract._terms import Arguments, Call, Fault, Faulted, Json, Operation, Ref, Returned, subject
from vcontract._testbed import Driver, Lane, NotArrangedError, RefusedError
from vcontract._testbed.levers import Levers
from vcontract._testbed.permits import Permits
from vcontract._testbed.quarantine import Quarantine

MANAGER = "VirtualMachineGuestCustomizationManager"
KINDS = {
    "CustomizeGuest_Task": "customize",
    "StartGuestNetwork_Task": "network",
    "AbortCustomization_Task": "abort",
    "CreateSnapshot_Task": "exclusive",
}
CHANGES: dict[str, dict[str, Any]] = {
    "PowerOnVM_Task": {"power": ON, "tools": "ready"},
    "PowerOffVM_Task": {"power": OFF, "tools": "stopped"},
    "SuspendVM_Task": {"power": SUSPENDED, "tools": "stopped"},
    "ResetVM_Task": {"tools": "ready"},
    "MarkAsTemplate": {"template": True},
    "MarkAsVirtualMachine": {"template": False},
    "CustomizeVM_Task": {"pending": True},
    "Destroy_Task": {"exists": False},
    "CustomizeGuest_Task": {"orphaned": False},
    "AbortCustomization_Task": {"orphaned": False},
}
PULLED: dict[str, dict[str, Any]] = {
    "orphanLock": {"orphaned": True},
    "stopTools": {"tools": "stopped"},
    "removeEngine": {"engine": "absent"},
    "restoreEngine": {"engine": "ok"},
}
LEVERS = tuple(Lever(name, extra_config={name: True}) for name in PULLED)


def vm_facts(name: str, **traits: Any) -> VmFacts:
    """Give a VM; its moId is its name."""
    return VmFacts(Ref("VirtualMachine", name), name, 1, **({"host": f"host-of-{name}", "pool": "pool"} | traits))


class FakeTracker:
    """What is known of the VMs, exactly: every VM is in one state."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.known = {moid: State(engine=vm.engine) for moid, vm in facts.vms.items()}
        self.tasks: dict[str, Any] = {}
        self.readings: dict[str, Mapping[str, Json] | None] = {}
        self.was_template: dict[str, bool] = {}
        self.was_power: dict[str, str] = {}
        self.late: dict[str, float] = {}
        self.clock: Callable[[], float] = lambda: 0.0

    @property
    def latest(self) -> float:
        """The moment of what was heard last: now."""
        return self.clock()

    def lives(self, vm: str) -> list[Any]:
        """List the tasks on a VM."""
        return [life for life in self.tasks.values() if life.vm == vm]

    def settles(self, vm: str) -> float:
        """Say from when on reports of a VM are young: for a long time, unless told."""
        assert vm in self.known
        return self.late.get(vm, float("-inf"))

    def change(self, vm: str, changes: Mapping[str, Any]) -> None:
        """Bring a VM into another state."""
        self.known[vm] = replace(self.known[vm], **changes)


class FakeTasks:
    """Tasks that run until they are followed."""

    def __init__(self, driver: FakeDriver) -> None:
        self.ended: set[str] = set()
        self._driver = driver

    def read(self, task: Ref, actor: str = "full") -> dict[str, Json]:
        """Read a task."""
        assert actor in self._driver.facts.sessions
        life = self._driver.tracker.tasks[task.value]
        self._driver.note(f"read {task.value}", task)
        return {"state": "success" if life.over else "running"}

    def look(self, task: Ref) -> dict[str, Json]:
        """Look at a task."""
        return self.read(task)

    def running(self, task: Ref) -> bool:
        """Whether a task runs. Raises NotArrangedError if it has ended."""
        if self.read(task)["state"] != "running":
            raise NotArrangedError(f"{task.value} ended before it was seen running")
        return True

    def follow(self, task: Ref, actor: str = "full") -> list[Operation]:
        """See a task to its end."""
        assert actor in self._driver.facts.sessions
        self._driver.note(f"follow {task.value}", task)
        self._driver.end(task)
        return []


class FakeDriver:
    """Makes the calls of a lane on states alone.

    `calls` lists what changes something, as `METHOD OBJECT`, `log` the reads too. `refused` are methods that are refused.
    A task that is begun runs until it is followed. `time` passes only while reports settle; `meanwhile` comes about then.
    """

    def __init__(
        self, *vms: VmFacts, refused: Collection[str] = (), allow: Collection[str] | None = None, levers: bool = True
    ) -> None:
        facts = Facts(
            MANAGER,
            Ref(MANAGER, "manager"),
            "9.0.0.0",
            vms={vm.ref.value: vm for vm in vms},
            levers=LEVERS if levers else (),
            sessions={"full": "root"},
        )
        self.tracker = FakeTracker(facts)
        self.permits = Permits(frozenset(allow)) if allow is not None else Permits()
        self.quarantine = Quarantine()
        self.tasks = FakeTasks(self)
        self.wait = SimpleNamespace(until=self._until, looks=self._looks, left=inf)
        self.time, self.meanwhile = 0.0, list[Callable[[], None]]()
        self.tracker.clock = lambda: self.time
        self.marks: list[Json] = []
        self.refused = set(refused)
        self.calls: list[str] = []
        self.log: list[str] = []
        self.cells: list[tuple[str, str]] = []
        self.recorder = SimpleNamespace(operations=[], now=lambda: self.time, sleep=lambda _: None)
        self.target = SimpleNamespace(
            recorder=self.recorder, guard=None, ends=inf, patience=inf, late="", end_at=lambda *_: None
        )
        self.judge = SimpleNamespace(
            doubtful=lambda: False, waiting=lambda: False, in_vain=False, to_repeat=None, judgements=[]
        )

    @property
    def facts(self) -> Facts:
        """What is known before anything is done, and the clones."""
        return self.tracker.facts

    def toolless(self, vm: Ref) -> bool:
        """Every VM tells of its Tools."""
        del vm
        return False

    def enter(self, cell: str, block: str = "") -> None:
        """Begin a cell."""
        self.cells.append((cell, block))

    def states(self, vm: Ref) -> frozenset[State]:
        """Give the one state of a VM."""
        return frozenset({self.tracker.known[vm.value]})

    def now(self, vm: VmFacts) -> State:
        """Look at a VM and give its state."""
        self.look(vm.ref)
        return self.tracker.known[vm.ref.value]

    def look(self, vm: Ref) -> None:
        """Read a VM unless nothing was done since it was read."""
        done = takewhile(lambda line: line.startswith(("look ", "read ")), reversed(self.log))
        if f"look {vm.value}" not in done:
            self.read_vm(vm)

    def read_vm(self, vm: Ref) -> Mapping[str, Json] | None:
        """Read a VM."""
        if why := self.quarantine.why(vm.value):
            raise NotArrangedError(why)
        state = self.tracker.known[vm.value]
        self.note(f"look {vm.value}", vm)
        self.tracker.readings[vm.value] = {"runtime.powerState": state.power}
        self.tracker.was_template.setdefault(vm.value, state.template)
        self.tracker.was_power.setdefault(vm.value, state.power)
        return self.tracker.readings[vm.value]

    def let_settle(self, vm: Ref) -> None:
        """Wait for the reports of a VM, as every driver does."""
        Driver.let_settle(cast("Driver", self), vm)

    def note(self, what: str, about: Ref) -> None:
        """Keep that an object was read, as an operation too."""
        self.log.append(what)
        asked: dict[str, Json] = {"specSet": [{"objectSet": [{"obj": about.json()}]}]}
        call = Call(Ref("PropertyCollector", ""), "RetrievePropertiesEx", Arguments(asked), "full")
        self.recorder.operations.append(Operation(len(self.log), call, 0, 0, Returned({})))

    def complete(self, ref: Ref, method: str, arguments: dict[str, Json] | None = None) -> Json:
        """Make a call and see it to its end. Raises RefusedError."""
        self._say(ref, method)
        about = subject(Call(ref, method, Arguments(arguments or {}), "full")) or ref.value
        if method == "InstantClone_Task" and arguments:
            return self._cloned(ref, str(arguments["spec"]["name"]))
        if ref.type == "HostSystem":
            there = [moid for moid, vm in self.facts.vms.items() if vm.host == ref.value]
            for moid in there:
                connection = "disconnected" if method == "DisconnectHost_Task" else "connected"
                self.tracker.change(moid, {"connection": connection})
        elif method == "ReconfigVM_Task" and arguments:
            lever = self.facts.lever(arguments)
            self.calls[-1] = self.log[-1] = f"{lever} {ref.value}"
            self.tracker.change(about, PULLED[lever])
        elif about in self.tracker.known:
            self.tracker.change(about, CHANGES.get(method, {}))
        return None

    def begin(self, ref: Ref, method: str, arguments: dict[str, Json] | None = None) -> Ref | None:
        """Begin a task. Raises RefusedError."""
        self._say(ref, method)
        return self._task(Call(ref, method, Arguments(arguments or {}), "full"), ref.value)

    def send(self, call: Call, purpose: str = "arrange") -> Operation:
        """Begin what a call of the contract begins, or have it refused."""
        vm = subject(call)
        name = f"{call.method} {vm}" if purpose == "judge" else f"({call.method} {vm})"
        self.log.append(name)
        self.calls.append(name)
        refused = call.method in self.refused
        outcome = Faulted(Fault("TaskInProgress", {}, ""), "call") if refused else Returned(self._task(call, vm).json())
        done = Operation(len(self.log), call, 0, 0, outcome, purpose=purpose)
        self.recorder.operations.append(done)
        return done

    def send_judged(self, call: Call) -> Operation:
        """Make a call that is judged."""
        return self.send(call, "judge")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Let calls be made."""
        yield

    def snapshot_arguments(self, *, memory: bool) -> dict[str, Json]:
        """Give the arguments of a snapshot."""
        return {"memory": memory}

    def end(self, task: Ref) -> None:
        """Let a task end, with what follows."""
        life = self.tracker.tasks[task.value]
        if not life.over:
            life.over, life.final = True, (None, {"state": "success"})
            self.tracker.change(life.vm, CHANGES.get(life.accepted.call.method, {}))

    def _say(self, ref: Ref, method: str) -> None:
        self.permits.check(method)
        self.log.append(f"{method} {ref.value}")
        self.calls.append(f"{method} {ref.value}")
        if method in self.refused:
            raise RefusedError(f"the target refuses {method}")

    def _task(self, call: Call, vm: str) -> Ref:
        task = Ref("Task", f"task-{len(self.tracker.tasks) + 1}")
        accepted = Operation(0, call, 0, 0, Returned(task.json()))
        self.tracker.tasks[task.value] = SimpleNamespace(
            ref=task, vm=vm, kind=KINDS[call.method], over=False, final=None, reads=[], accepted=accepted
        )
        return task

    def _cloned(self, parent: Ref, name: str) -> Json:
        made = replace(self.facts.vms[parent.value], ref=Ref("VirtualMachine", name), name=name)
        self.tracker.facts = replace(self.facts, vms={**self.facts.vms, name: made})
        self.tracker.known[name] = self.tracker.known[parent.value]
        return made.ref.json()

    def _looks(self, deadline: float) -> SimpleNamespace:
        """Give rests of a second; in each one thing of `meanwhile` comes about."""

        def rest() -> None:
            self.time = min(self.time + 1.0, deadline)
            if self.meanwhile:
                self.meanwhile.pop(0)()

        return SimpleNamespace(rest=rest)

    @staticmethod
    def _until(what: str, reached: Callable[[], bool], **_: object) -> None:
        """Look once: here everything comes about at once, or never."""
        if not reached():
            raise NotArrangedError(f"{what} did not come about")


class FakeCaller:
    """Makes plain calls of the methods that work in the guest."""

    def __init__(self) -> None:
        self.contract = load(MANAGER)
        self.facts = Facts(
            MANAGER, Ref(MANAGER, "manager"), "9.0.0.0", guests=(GuestAccount("root", "secret:x", may_customize=True),)
        )
        self.known: list[Collection[str]] = []
        self.drawn_for: list[str] = []

    def drawing_for(self, step: str) -> AbstractContextManager[None]:
        """Hear for which step is drawn."""
        self.drawn_for.append(step)
        return nullcontext()

    def call(self, asked: Asked, vm: Ref | None, vms: Mapping[str, VmFacts]) -> Call:
        """Make a call about a VM."""
        self.known.append(tuple(vms))
        return Call(
            Ref(MANAGER, "manager"), asked.method, Arguments({"vm": vm.json(), "spec": {}} if vm else {}), "full"
        )

    def actor(self, asked: Asked) -> str:
        """Name the session that makes a call."""
        assert asked.session == "valid"
        return "full"

    def start(self, method: str) -> State:
        """Give the state in which a call is valid: the VM is ready."""
        assert self.contract.method(method)
        return State()


def lane_of(driver: FakeDriver, *hosts: str) -> Lane:
    """Make a lane that is driven by a fake; these hosts may be disconnected."""
    driven = cast("Driver", driver)
    return Lane(driven, Levers(driven), cast("Caller", FakeCaller()), frozenset(hosts))
