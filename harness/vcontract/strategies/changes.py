"""How a VM may be changed in a program: when the model allows it, and the state that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from vcontract.model import State, settle
from vcontract.model.state import CONNECTED, CUSTOMIZE, EXCLUSIVE, OFF, ON, SUSPENDED

PLAIN, ON_HOST, NO_TOOLS, NO_ENGINE = "plain", "onHost", "noTools", "noEngine"
CAST: dict[str, State] = {
    PLAIN: State(),
    ON_HOST: State(),
    NO_TOOLS: State(tools="never"),
    NO_ENGINE: State(engine="absent"),
}
"""The kinds of VM with which a program may begin: ready, on a host that may be lost, without Tools, without the engine."""
LEVERS = ("stopTools", "crashEngine", "orphanLock", "removeEngine", "breakEngine", "restoreEngine")
DISTURB = ("powerOff", "suspend", "reset", "stopTools", "crashEngine", "hostLost", "destroy", "fork")
"""What may happen to a VM while its task runs."""


@dataclass
class Machine:
    """A VM as the walk sees it; `quiet`: its Tools were stopped since it booted; `kept` is its current snapshot."""

    state: State
    kind: str
    quiet: bool = False
    kept: tuple[State, bool] | None = None
    past: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Change:
    """When a VM can be changed so, and the state that follows."""

    able: Callable[[Machine], bool]
    after: Callable[[Machine], State]


def changed(name: str, vm: Machine) -> Machine:
    """Give the VM as it is after a change."""
    cut = vm.state.running == CUSTOMIZE and name in DISTURB and name != "fork"
    state = settle(CHANGES[name].after(vm))
    if cut and state.exists:
        state = replace(state, running="", guest="undefined")
    boots = name in {"powerOff", "reset", "resetHastily"}
    kept = (vm.state, vm.quiet) if name == "snapshot" else vm.kept
    quiet = vm.kept[1] if name == "revert" and vm.kept else (vm.quiet or name == "stopTools") and not boots
    return Machine(state, vm.kind, quiet, kept if state.exists else None, vm.past)


def _on(vm: Machine) -> bool:
    return vm.state.reachable


def _idle(vm: Machine) -> bool:
    return vm.state.reachable and not vm.state.running


def _asks(vm: Machine) -> bool:
    return vm.state.reachable and vm.state.tools == "ready" and vm.state.running != EXCLUSIVE


def _asks_idle(vm: Machine) -> bool:
    return _asks(vm) and not vm.state.running


def _connected(vm: Machine) -> bool:
    return vm.state.exists and vm.state.connection == CONNECTED


def _up(vm: Machine) -> State:
    """Give the state after power came back: Tools start, unless they were stopped in a memory that was kept."""
    stays = vm.state.power == SUSPENDED and vm.quiet
    tools = "never" if vm.state.tools == "never" else "stopped" if stays else "ready"
    return replace(vm.state, power=ON, tools=tools)


def _booted(vm: Machine, tools: str = "ready") -> State:
    return replace(vm.state, running="", tools=vm.state.tools if vm.state.tools == "never" else tools)


CHANGES: dict[str, _Change] = {
    "powerOff": _Change(_on, lambda vm: replace(vm.state, power=OFF)),
    "suspend": _Change(_on, lambda vm: replace(vm.state, power=SUSPENDED)),
    "powerOn": _Change(lambda vm: _connected(vm) and vm.state.power != ON, _up),
    "reset": _Change(_on, _booted),
    "resetHastily": _Change(_idle, lambda vm: _booted(vm, "starting")),
    "stopTools": _Change(_asks, lambda vm: replace(vm.state, tools="stopped", running="")),
    "crashEngine": _Change(
        _asks, lambda vm: replace(vm.state, orphaned=vm.state.orphaned or vm.state.running == CUSTOMIZE, running="")
    ),
    "orphanLock": _Change(
        lambda vm: _asks_idle(vm) and not vm.state.orphaned, lambda vm: replace(vm.state, orphaned=True)
    ),
    "removeEngine": _Change(
        lambda vm: _asks_idle(vm) and vm.state.engine == "ok", lambda vm: replace(vm.state, engine="absent")
    ),
    "breakEngine": _Change(
        lambda vm: _asks_idle(vm) and vm.state.engine == "ok", lambda vm: replace(vm.state, engine="broken")
    ),
    "restoreEngine": _Change(
        lambda vm: _asks_idle(vm) and vm.state.engine != "ok", lambda vm: replace(vm.state, engine="ok")
    ),
    "hostLost": _Change(
        lambda vm: vm.kind == ON_HOST and _connected(vm), lambda vm: replace(vm.state, connection="disconnected")
    ),
    "hostBack": _Change(
        lambda vm: vm.state.exists and vm.state.connection != CONNECTED,
        lambda vm: replace(vm.state, connection=CONNECTED),
    ),
    "snapshot": _Change(_asks_idle, lambda vm: vm.state),
    "revert": _Change(
        lambda vm: vm.kept is not None and _connected(vm) and not vm.state.running,
        lambda vm: vm.kept[0] if vm.kept else vm.state,
    ),
    "fork": _Change(_asks, lambda vm: vm.state),
    "destroy": _Change(lambda vm: _connected(vm) and vm.state.power != SUSPENDED, lambda _: State(exists=False)),
}
