"""Disturbances of the system: they strike by calls alone, are healed, and the guard keeps them to what is ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from tests.windows import fitted
from vcontract._client import Guard, Marks, Recorder, Target
from vcontract._client.marks import options
from vcontract._client.properties import list_vms, read
from vcontract._config.config import LOOPBACK
from vcontract._disturbances.planned import Planned, unfired
from vcontract._disturbances.schedule_runner import ScheduleRunner
from vcontract._disturbances.system.catalogue import SYSTEM
from vcontract._disturbances.system.disturbance import NotSentError, NotStruckError, Strike, StrikeContext
from vcontract._disturbances.system.expired_session import Logins
from vcontract._errors import HaltedError
from vcontract._simulator import SimulatorServer
from vcontract._terms import Arguments, Call, Faulted, Json, Ref, Returned, as_ref, unauthenticated
from vcontract._testbed import Tenants
from vcontract._testbed.survey import secrets_of

RNG = Random(1)  # noqa: S311 - no secret
ADMIN = "administrator@vsphere.local"
PROCESSES = Ref("GuestProcessManager", "guestOperationsProcessManager")
AUTH = {
    "_typeName": "NamePasswordAuthentication",
    "interactiveSession": False,
    "username": "root",
    "password": "secret:guest.root",
}


def stop_tools(vm: Ref, actor: str) -> Call:
    """Make the call of the built-in lever."""
    lever = next(each for each in LOOPBACK.lever if each.does == "stopTools")
    spec = {"_typeName": "GuestProgramSpec", "programPath": lever.program, "arguments": lever.arguments}
    return Call(PROCESSES, "StartProgramInGuest", Arguments({"vm": vm.json(), "auth": AUTH, "spec": spec}), actor)


class World:
    """A simulator, a guarded target on it, a client, a disturber, and the VMs by name."""

    def __init__(self, url: str) -> None:
        self.recorder = Recorder()
        self.logins = Logins(self.recorder)
        self.target = Target.open(url, secrets=secrets_of(LOOPBACK), recorder=self.recorder)
        self.target.login("disturber", ADMIN, "account.full")
        methods = {"StartProgramInGuest"}
        guard = Guard(Marks(LOOPBACK.owner), "", hosts=LOOPBACK.hosts, methods=methods, runs={"this-run"})
        guard.look_with(Tenants())
        self.target.guard = guard
        self.target.login("client", ADMIN, "account.full")
        self.vms = {str(each["name"]): ref for ref, each in list_vms(self.target, "client", ["name"]).items()}
        self.context = StrikeContext(self.target, "disturber", (self.vms["linux-1"],), levers={"stopTools": stop_tools})

    def read(self, ref: Ref, path: str) -> Json:
        """Read one property."""
        outcome = read(self.target, "client", ref, [path]).outcome
        return outcome.value.get(path) if isinstance(outcome, Returned) else outcome

    def clone(self, run: str) -> Ref:
        """Make an instant clone that carries the mark of a run."""
        spec = {
            "_typeName": "VirtualMachineInstantCloneSpec",
            "name": f"spare of {run}",
            "location": {"_typeName": "VirtualMachineRelocateSpec"},
            "config": options(owner=LOOPBACK.owner, run=run),
        }
        made = as_ref(self.context.do(self.vms["linux-1"], "InstantClone_Task", spec=spec))
        assert made is not None
        return made

    def strike(self, name: str) -> tuple[Any, Strike, dict[str, Any]]:
        """Strike once."""
        does, strike = SYSTEM[name](), Strike(self.context, RNG)
        return does, strike, does.strike(strike)


@pytest.fixture
def world() -> Iterator[World]:
    """Give a world of its own."""
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.01)) as server:
        made = World(server.url)
        yield made
        made.target.close()


def test_a_clients_session_is_ended_and_no_other(world: World) -> None:
    """The client is told so when it asks next, and its target logs in again; the disturber goes on."""
    world.context.sessions = world.logins
    _, _, facts = world.strike("expired-session")
    assert facts == {"actor": "client"}
    sent = len(world.recorder.operations)
    assert world.read(world.vms["linux-1"], "name") == "linux-1"
    told = world.recorder.operations[sent].outcome
    assert unauthenticated(told)
    assert world.target.renewed == ["client"]


def test_the_guard_lets_no_session_be_ended_that_is_not_ours(world: World) -> None:
    """Another's key, also beside one of ours, does not leave."""
    manager = world.target.manager("sessionManager")
    for keys in (["52-alien"], [world.logins["client"], "52-alien"], []):
        with pytest.raises(HaltedError, match="no login of ours"):
            world.context.do(manager, "TerminateSession", sessionId=keys)


def test_power_is_pulled_and_comes_back(world: World) -> None:
    """The VM is off, then on."""
    does, strike, facts = world.strike("power-pulled")
    assert facts == {"vm": world.vms["linux-1"].value}
    assert world.read(world.vms["linux-1"], "runtime.powerState") == "poweredOff"
    does.heal(strike)
    assert world.read(world.vms["linux-1"], "runtime.powerState") == "poweredOn"
    assert does.heal(strike) == {}


def test_what_is_well_again_is_not_healed(world: World) -> None:
    """Another client has powered the VM on meanwhile: then nothing is done to it."""
    does, strike, _ = world.strike("power-pulled")
    world.context.do(world.vms["linux-1"], "PowerOnVM_Task")
    sent = len(world.recorder.operations)
    does.heal(strike)
    assert {each.purpose for each in world.recorder.operations[sent:]} == {"read"}
    assert strike.struck is None


def test_tools_stop_and_start(world: World) -> None:
    """By the lever; without one that starts them the VM is reset."""
    vm = world.vms["linux-1"]
    does, strike, _ = world.strike("tools-stopped")
    assert world.read(vm, "guest.toolsRunningStatus") == "guestToolsNotRunning"
    does.heal(strike)
    assert world.recorder.operations[-2].call.method != "StartProgramInGuest"
    assert any(each.call.method == "ResetVM_Task" for each in world.recorder.operations)


def test_a_host_is_lost_and_found(world: World) -> None:
    """Only one that the configuration names; another is kept by the guard."""
    hosts = {}
    for ref in world.vms.values():
        host = as_ref(world.read(ref, "runtime.host"))
        assert host is not None
        hosts[world.read(host, "name")] = (host, ref)
    mine, vm = hosts[LOOPBACK.hosts[0]]
    world.context.hosts = (mine,)
    does, strike, facts = world.strike("host-lost")
    assert facts == {"host": mine.value}
    assert world.read(vm, "runtime.connectionState") == "disconnected"
    does.heal(strike)
    assert world.read(vm, "runtime.connectionState") == "connected"
    assert world.target.guard is not None
    world.target.guard.marks = Marks("somebody")
    kept = Strike(world.context, RNG)
    with pytest.raises(NotSentError, match="is on host esx-2 too: its mark"):
        does.strike(kept)
    assert (kept.struck, does.heal(kept)) == (None, {})
    world.context.hosts = tuple(host for name, (host, _) in hosts.items() if name not in LOOPBACK.hosts)
    with pytest.raises(HaltedError, match="names no host"):
        world.strike("host-lost")


def test_only_a_clone_of_this_run_is_destroyed(world: World) -> None:
    """It is gone and no more spare; a VM that the run did not make stays."""
    spare = world.clone("this-run")
    world.context.spare = (spare,)
    _, _, facts = world.strike("vm-destroyed")
    assert facts == {"vm": spare.value}
    gone = world.read(spare, "name")
    assert isinstance(gone, Faulted)
    assert not world.context.spare
    with pytest.raises(NotStruckError, match="no clone"):
        world.strike("vm-destroyed")
    world.context.spare = (world.vms["linux-2"],)
    with pytest.raises(HaltedError, match="no run of ours made this VM"):
        world.strike("vm-destroyed")
    assert world.read(world.vms["linux-2"], "name") == "linux-2"


def test_a_server_of_ours_is_restarted(world: World) -> None:
    """By what the caller gives; without it there is nothing to do it with."""
    with pytest.raises(NotStruckError, match="only a server that vcontract started"):
        world.strike("server-restart")
    called = []
    world.context.restart = lambda: called.append(1)
    world.strike("server-restart")
    assert called == [1]


@pytest.mark.parametrize("name", SYSTEM)
def test_a_disturbance_says_what_it_lacks(name: str, world: World) -> None:
    """Before the load begins, in a line; and with all that it needs it lacks nothing."""
    does = SYSTEM[name]()
    bare = StrikeContext(world.target, "disturber")
    assert does.lacks(bare)
    with pytest.raises(NotStruckError, match=does.lacks(bare)[:20]):
        does.strike(Strike(bare, RNG))
    full = StrikeContext(
        world.target,
        "disturber",
        vms=(world.vms["linux-1"],),
        hosts=(Ref("HostSystem", "host-1"),),
        spare=(world.vms["linux-2"],),
        sessions=world.logins,
        levers={"stopTools": stop_tools},
        restart=lambda: None,
    )
    assert does.lacks(full) == ""


def test_a_driver_strikes_and_heals_on_time(world: World, until: Any) -> None:
    """Begin and end of all that is planned are told, those of the path too; what was refused at first is tried again."""
    planned = (
        Planned("latency", 0.0, 0.1, {"seconds": 0.1}),
        Planned("power-pulled", 0.05, 0.15),
        Planned("expired-session", 0.1, 0.1),
        Planned("vm-destroyed", 0.1, 0.1),
    )
    world.context.sessions, world.context.patience = world.logins, 60.0
    told: list[dict[str, Json]] = []
    runner = ScheduleRunner(planned, world.context, 1, told.append)
    runner.begin()
    assert until(lambda: sum(each["what"] == "end" for each in told) == 3)
    runner.stop()
    by_place = [[each["what"] for each in told if each["place"] == place] for place in range(len(planned))]
    assert by_place == [["start", "end"], ["start", "struck", "end"], ["start", "struck", "end"], ["start"]]
    assert unfired(planned, runner.events()) == (planned[0], planned[3])
    assert world.read(world.vms["linux-1"], "runtime.powerState") == "poweredOn"
    assert runner.unhealed == []
    pulled = [each for each in world.recorder.operations if each.call.method.startswith("Power")]
    assert [each.call.method for each in pulled] == ["PowerOffVM_Task", "PowerOnVM_Task"]
    assert {each.call.actor for each in pulled} == {"disturber"}


def test_a_driver_that_is_stopped_early_heals(world: World, until: Any) -> None:
    """What would have been healed later is healed at the end of the load."""
    told: list[dict[str, Json]] = []
    with (
        suppress(KeyboardInterrupt),
        ScheduleRunner([Planned("power-pulled", 0.0, 3600.0)], world.context, 1, told.append),
    ):
        assert until(lambda: any(each["what"] == "struck" for each in told))
        raise KeyboardInterrupt
    assert [each["what"] for each in told] == ["start", "struck", "end"]
    assert world.read(world.vms["linux-1"], "runtime.powerState") == "poweredOn"


def test_a_disturbance_that_is_refused_is_tried_again(world: World, until: Any) -> None:
    """A VM that is off cannot lose its power; once it is on, it does."""
    vm = world.vms["linux-1"]
    world.context.do(vm, "PowerOffVM_Task")
    told: list[dict[str, Json]] = []
    with ScheduleRunner([Planned("power-pulled", 0.0, 0.0)], world.context, 1, told.append) as runner:
        assert until(lambda: _refusals(world) > 1)
        on = Call(vm, "PowerOnVM_Task", Arguments({}), "client")
        assert until(
            lambda: isinstance(world.target.send(on, "arrange").outcome, Returned)
        )  # the power-offs are in its way
        assert until(lambda: any(each["what"] == "end" for each in told))
        assert len(runner.events()) == 1
    assert world.read(vm, "runtime.powerState") == "poweredOn"


def _refusals(world: World) -> int:
    """Count the power-offs that were sent."""
    return sum(each.call.method == "PowerOffVM_Task" for each in list(world.recorder.operations))
