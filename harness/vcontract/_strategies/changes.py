"""Defines the moves by which a program changes a VM, and what a program tracks of a VM beside its state."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from vcontract._model import State, settle
from vcontract._model.moves import MOVES
from vcontract._model.state import CUSTOMIZE, SUSPENDED

PLAIN, ON_HOST, NO_TOOLS, NO_ENGINE = "plain", "onHost", "noTools", "noEngine"
CAST: dict[str, State] = {
    PLAIN: State(),
    ON_HOST: State(),
    NO_TOOLS: State(tools="never"),
    NO_ENGINE: State(engine="absent"),
}
"""The kinds of VM with which a program may begin: ready, on a host that may be lost, without Tools, without the engine."""
CHANGES = (
    "powerOff",
    "suspend",
    "powerOn",
    "reset",
    "resetHastily",
    "stopTools",
    "crashEngine",
    "orphanLock",
    "removeEngine",
    "breakEngine",
    "restoreEngine",
    "hostLost",
    "hostBack",
    "snapshot",
    "revert",
    "fork",
    "destroy",
)
"""The moves by which a program changes a VM; their order is part of what a seed draws."""
LEVERS = tuple(name for name in CHANGES if MOVES[name].lever)
DISTURB = tuple(
    sorted(
        (name for name in CHANGES if MOVES[name].made(State(running=CUSTOMIZE))), key=lambda name: not MOVES[name].mid
    )
)
"""What may happen to a VM while its task runs, first what means something to the task."""


@dataclass
class ModelVm:
    """A VM in a walk; `quiet`: its Tools were stopped since it booted; `kept` is the state in its current snapshot."""

    state: State
    kind: str
    quiet: bool = False
    kept: tuple[State, bool] | None = None
    past: tuple[str, ...] = ()


def able(name: str, vm: ModelVm) -> bool:
    """Whether a change is possible: only VMs of some kinds may lose their host, and a revert needs a snapshot."""
    here = {"hostLost": vm.kind == ON_HOST, "revert": vm.kept is not None}
    return here.get(name, True) and MOVES[name].made(vm.state)


def changed(name: str, vm: ModelVm) -> ModelVm:
    """Give the VM as it is after a change."""
    move = MOVES[name]
    state = settle(_after(name, vm))
    if vm.state.running == CUSTOMIZE and move.mid and state.exists:
        state = replace(state, running="", guest="undefined")
    kept = (vm.state, vm.quiet) if name == "snapshot" else vm.kept
    quiet = vm.kept[1] if name == "revert" and vm.kept else (vm.quiet or name == "stopTools") and not move.ends_boot
    return ModelVm(state, vm.kind, quiet, kept if state.exists else None, vm.past)


def _after(name: str, vm: ModelVm) -> State:
    """Compute the state after a change; a revert and a resume depend on the VM's past, the rest on the catalogue of moves."""
    if name == "revert" and vm.kept is not None:
        return vm.kept[0]
    after = MOVES[name].follows(vm.state)
    stays = name == "powerOn" and vm.state.power == SUSPENDED and vm.quiet and after.tools != "never"
    return replace(after, tools="stopped") if stays else after
