"""The catalogue of moves: each way to change a VM or its environment is declared here, once.

To add a way to disturb a VM while a task runs on it: an entry with `disturbance` and `happens`; and, if it is neither a plain
call nor a lever, how it is made, in `testbed/perform_move.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from vcontract._model.state import CONNECTED, CUSTOMIZE, EXCLUSIVE, OFF, ON, SUSPENDED, State

_INTERACT, _SNAPSHOT, _PROVISION = "VirtualMachine.Interact.", "VirtualMachine.State.", "VirtualMachine.Provisioning."
_CUSTOMIZES = (f"{_PROVISION}Customize",)
_HOST_PRIVILEGES = ("Host.Config.Connection",)


class On(StrEnum):
    """What the call of a move is about: a VM, the inside of its guest (by a lever), its host, a task on it, who is let in."""

    VM = "vm"
    GUEST = "guest"
    HOST = "host"
    SNAPSHOT = "snapshot"
    TASK = "task"
    SESSION = "session"
    ACCOUNT = "account"


def _exists(state: State) -> bool:
    return state.exists


def _connected(state: State) -> bool:
    return state.exists and state.connection == CONNECTED


def _can_power_on(state: State) -> bool:
    return _connected(state) and state.power != ON


def _is_on(state: State) -> bool:
    return state.reachable


def _is_idle(state: State) -> bool:
    return state.reachable and not state.running


def _guest_answers(state: State) -> bool:
    """Whether a program can be run in the guest: no other task has the VM to itself."""
    return state.reachable and state.tools == "ready" and state.running != EXCLUSIVE


def _idle_guest_answers(state: State) -> bool:
    return _guest_answers(state) and not state.running


class Move(msgspec.Struct, frozen=True):
    """One way to change a VM or its environment.

    `method` is its call (of a lever: the one that runs its command line), `on` what that is about. `made` says in which
    states of a VM it is made, `sets` what it then makes of the state. `ends_boot`: what ran in the guest is over;
    `begins_boot`: its Tools come up anew; `reverts`: the VM is again what a snapshot kept; `orphans`: the lock of a
    customization that runs is left behind.
    `mid` is what it adds to `State.mid` of the tasks that run on the VM, `happens` the condition that then holds, and
    `disturbance` the name under which a plan makes it in mid-task (empty: no plan does).
    `needs` is what the operator must allow (power, tools, host or account; empty: nothing), `undone_by` the move by which
    alone it can be undone, so that this must be allowed too. `privileges` are those of vCenter (the vendor's metadata: privId
    of the method; for Destroy_Task, MigrateVM_Task and the guest operations their page).
    """

    name: str
    method: str
    on: On = On.VM
    made: Callable[[State], bool] = _exists
    sets: dict[str, object] = {}
    ends_boot: bool = False
    begins_boot: bool = False
    reverts: bool = False
    orphans: bool = False
    mid: frozenset[str] = frozenset()
    happens: str = ""
    disturbance: str = ""
    needs: str = ""
    undone_by: str = ""
    privileges: tuple[str, ...] = ()

    def follows(self, state: State) -> State:
        """Give the state that it leads to, not settled; Tools that were never there are not there after it either."""
        changes = {name: value for name, value in self.sets.items() if name != "tools" or state.tools != "never"}
        if self.orphans and state.running == CUSTOMIZE:
            changes["orphaned"] = True
        return replace(state, **changes)

    @property
    def lever(self) -> str:
        """The lever that it needs; empty if it needs none."""
        return self.name if self.on is On.GUEST else ""

    @property
    def ends_vm(self) -> bool:
        """Whether the VM is gone after it, so that it is made to a clone alone."""
        return not self.sets.get("exists", True)


def _power(name: str, method: str, privilege: str, **more: object) -> Move:
    return replace(Move(name, method, needs="power", privileges=(f"{_INTERACT}{privilege}",)), **more)


def _lever(name: str, made: Callable[[State], bool], **more: object) -> Move:
    plain = Move(name, "StartProgramInGuest", On.GUEST, made, needs="tools")
    return replace(plain, privileges=("VirtualMachine.GuestOperations.Execute",), **more)


_HALTS = frozenset({"power", "off"})
_POWER: tuple[Move, ...] = (
    _power("powerOn", "PowerOnVM_Task", "PowerOn", made=_can_power_on, sets={"power": ON, "tools": "ready"},
           begins_boot=True),
    _power("powerOff", "PowerOffVM_Task", "PowerOff", made=_is_on, sets={"power": OFF}, ends_boot=True,
           mid=_HALTS, happens="mid.power", disturbance="midPowerOff"),
    _power("suspend", "SuspendVM_Task", "Suspend", made=_is_on, sets={"power": SUSPENDED},
           mid=_HALTS, happens="mid.power", disturbance="midSuspend"),
    _power("reset", "ResetVM_Task", "Reset", made=_is_on, sets={"running": "", "tools": "ready"}, ends_boot=True,
           begins_boot=True, mid=frozenset({"power"}), happens="mid.power", disturbance="midReset"),
    _power("resetHastily", "ResetVM_Task", "Reset", made=_is_idle, sets={"running": "", "tools": "starting"},
           ends_boot=True, begins_boot=True, mid=frozenset({"power"})),  # a reset after which nobody waits for Tools
    _power("shutDownGuest", "ShutdownGuest", "PowerOff", made=_guest_answers, sets={"power": OFF}, ends_boot=True,
           mid=_HALTS),
    _power("rebootGuest", "RebootGuest", "Reset", made=_guest_answers, sets={"running": "", "tools": "starting"},
           ends_boot=True, begins_boot=True, mid=frozenset({"power"})),
    _power("standByGuest", "StandbyGuest", "Suspend", made=_guest_answers, sets={"power": SUSPENDED}, mid=_HALTS),
    _power("terminate", "TerminateVM", "PowerOff", made=_is_on, sets={"power": OFF}, ends_boot=True, mid=_HALTS),
)  # fmt: skip
_GUEST: tuple[Move, ...] = (
    _lever("stopTools", _guest_answers, sets={"tools": "stopped", "running": ""}, mid=frozenset({"tools"}),
           happens="mid.tools", disturbance="midToolsStop", undone_by="reset"),  # only a boot brings them back
    _lever("startTools", _is_on, sets={"tools": "starting"}),
    _lever("orphanLock", lambda state: _idle_guest_answers(state) and not state.orphaned, sets={"orphaned": True}),
    _lever("removeEngine", lambda state: _idle_guest_answers(state) and state.engine == "ok", sets={"engine": "absent"},
           mid=frozenset({"engine"})),
    _lever("breakEngine", lambda state: _idle_guest_answers(state) and state.engine == "ok", sets={"engine": "broken"}),
    _lever("restoreEngine", lambda state: _idle_guest_answers(state) and state.engine != "ok", sets={"engine": "ok"}),
)  # fmt: skip
_ENVIRONMENT: tuple[Move, ...] = (
    Move("hostLost", "DisconnectHost_Task", On.HOST, _connected, {"connection": "disconnected"}, needs="host",
         mid=frozenset({"host"}), happens="mid.host", disturbance="midHostLost", undone_by="hostBack",
         privileges=_HOST_PRIVILEGES),
    Move("hostBack", "ReconnectHost_Task", On.HOST, lambda state: state.exists and state.connection != CONNECTED,
         {"connection": CONNECTED}, privileges=_HOST_PRIVILEGES),
    Move("migrate", "MigrateVM_Task", made=_connected, mid=frozenset({"moved"}), privileges=("Resource.HotMigrate",)),
    Move("changeAccount", "SetEntityPermissions", On.ACCOUNT, mid=frozenset({"account"}), needs="account",
         privileges=("Authorization.ModifyPermissions",)),
)  # fmt: skip
_COPIES: tuple[Move, ...] = (
    Move("snapshot", "CreateSnapshot_Task", made=_idle_guest_answers, undone_by="removeSnapshot",
         privileges=(f"{_SNAPSHOT}CreateSnapshot",)),
    Move("removeSnapshot", "RemoveSnapshot_Task", On.SNAPSHOT, privileges=(f"{_SNAPSHOT}RemoveSnapshot",)),
    Move("revert", "RevertToCurrentSnapshot_Task", made=lambda state: _connected(state) and not state.running,
         reverts=True, privileges=(f"{_SNAPSHOT}RevertToSnapshot",)),
    Move("revertToSnapshot", "RevertToSnapshot_Task", On.SNAPSHOT, reverts=True,
         privileges=(f"{_SNAPSHOT}RevertToSnapshot",)),
    Move("fork", "InstantClone_Task", made=_guest_answers, needs="power",  # to destroy a clone it must be powered off
         privileges=(f"{_PROVISION}Clone",)),
    Move("destroy", "Destroy_Task", made=lambda state: _connected(state) and state.power != SUSPENDED,
         sets={"exists": False}, mid=frozenset({"gone"}), happens="mid.gone", disturbance="midGone",
         privileges=("VirtualMachine.Inventory.Delete",)),
    Move("unregister", "UnregisterVM", made=lambda state: _connected(state) and state.power != SUSPENDED,
         sets={"exists": False}, mid=frozenset({"gone"}), privileges=("VirtualMachine.Inventory.Unregister",)),
)  # fmt: skip
_WORK: tuple[Move, ...] = (
    Move("cancel", "CancelTask", On.TASK, lambda state: bool(state.running), mid=frozenset({"cancel"}),
         happens="mid.cancel", disturbance="midCancel"),
    Move("abort", "AbortCustomization_Task", made=_guest_answers, mid=frozenset({"abort"}), happens="mid.abort",
         disturbance="midAbort", privileges=_CUSTOMIZES),
    Move("logIn", "Login", On.SESSION),
    Move("logOut", "Logout", On.SESSION, mid=frozenset({"session"}), happens="mid.session", disturbance="midLogout"),
    _lever("crashEngine", _guest_answers, sets={"running": ""}, orphans=True, mid=frozenset({"engine"}),
           happens="engine.unusable", disturbance="midEngineCrash"),
    Move("customize", "CustomizeGuest_Task", made=_guest_answers, privileges=_CUSTOMIZES),
    Move("startNetwork", "StartGuestNetwork_Task", made=_guest_answers, privileges=_CUSTOMIZES),
)  # fmt: skip
_SETTINGS: tuple[Move, ...] = (
    Move("customizeNextBoot", "CustomizeVM_Task", made=lambda state: _connected(state) and state.power == OFF,
         sets={"pending": True}, privileges=_CUSTOMIZES),
    Move("markAsTemplate", "MarkAsTemplate", made=lambda state: _connected(state) and state.power == OFF,
         sets={"template": True}, privileges=(f"{_PROVISION}MarkAsTemplate",)),
    Move("markAsVirtualMachine", "MarkAsVirtualMachine", made=lambda state: _connected(state) and state.template,
         sets={"template": False}, privileges=(f"{_PROVISION}MarkAsVM",)),
    Move("reconfigure", "ReconfigVM_Task", made=_connected, privileges=("VirtualMachine.Config.AdvancedConfig",)),
)  # fmt: skip
MOVES: dict[str, Move] = {move.name: move for move in (*_POWER, *_GUEST, *_ENVIRONMENT, *_COPIES, *_WORK, *_SETTINGS)}
"""Every move by its name."""
DISTURBANCES: dict[str, Move] = {move.disturbance: move for move in MOVES.values() if move.disturbance}
"""The moves that a plan makes while a task runs, by the names that they have there, in the order in which it makes them."""
LEVERS: tuple[str, ...] = tuple(move.name for move in MOVES.values() if move.lever)
"""The moves that are made in the guest, each by the lever of its name."""
LEVER_CALLS = frozenset({MOVES["stopTools"].method, MOVES["reconfigure"].method})
"""The calls by which a lever is pulled: its command line, or values that are set from outside."""
BY_METHOD: dict[str, Move] = {move.method: move for move in reversed(MOVES.values())}
"""The first move that each method makes; what it needs and what it is about is the same for all."""


def methods_where(chosen: Callable[[Move], bool]) -> frozenset[str]:
    """Give the methods of the moves that are chosen."""
    return frozenset(move.method for move in MOVES.values() if chosen(move))


def privileges_for(moves: Iterable[Move]) -> tuple[str, ...]:
    """Give the privileges that some moves need, each once."""
    return tuple(dict.fromkeys(privilege for move in moves for privilege in move.privileges))


def pulled(state: State, lever: str) -> frozenset[State]:
    """Apply a lever when it is not known whether a customization runs; Tools and work are left to reads."""
    move = MOVES.get(lever)
    if move is None:
        return frozenset({state})
    ends = (move.follows(replace(state, running=running)) for running in ("", CUSTOMIZE))
    return frozenset(replace(end, tools=state.tools, running=state.running) for end in ends)
