"""Which moves of the catalogue bring a VM from one state into another, and what each costs."""

from __future__ import annotations

from vcontract._model import State
from vcontract._model.moves import MOVES, On
from vcontract._model.state import EXCLUSIVE, HOST_LOST, OFF, ON, SUSPENDED
from vcontract._run.estimates.cost import BEGUN, BOOT, ENDED, LEVER, LOOK, PLAIN, TASK, Cost, sends
from vcontract._testbed.reachability import asks_guest

_BOOTS = {"powerOn", "reset"}
_LEVERS = {"ok": "restoreEngine", "absent": "removeEngine", "broken": "breakEngine"}


def moves_between(now: State, want: State) -> list[str]:
    """Name the moves that arrange a state on a VM that is in another, in their order, as the arrangers make them.

    What runs on the VM now, and a state in which it already stands, are no matter of this.
    """
    moves, ready = _to_ground(now, want)
    if ready:
        tools_down = now.tools == "stopped" and now.power in {ON, SUSPENDED}
        moves += ["powerOn"] * (now.power != ON and "powerOn" not in moves)
        moves += ["reset"] * (tools_down and not now.template)
    power = ON if ready or "powerOn" in moves else now.power
    if (want.tools_up or asks_guest(want)) and want.tools != "never":
        moves += _in_guest(now, want)
    if want.power != power and not want.template:
        moves += ["powerOn"] * (power == SUSPENDED or (power == OFF and want.power == SUSPENDED))
        moves += [{OFF: "powerOff", SUSPENDED: "suspend", ON: "powerOn"}[want.power]]
    if want.pending and not now.pending:
        moves.append("customizeNextBoot")
    if want.template and (not now.template or ready):
        moves += ["powerOff"] * (power != OFF) + ["markAsTemplate"]
    moves += ["stopTools"] * (want.power == ON and want.tools == "stopped")
    moves += ["resetHastily"] * (want.power == ON and want.tools == "starting")
    return [*moves, *["hostLost"] * (want.connection in HOST_LOST)]


def _to_ground(now: State, want: State) -> tuple[list[str], bool]:
    """Name the moves that undo what keeps a VM from being arranged; gives them, and whether it must be made ready."""
    moves = ["removeSnapshot"] * (now.running == EXCLUSIVE) + ["hostBack"] * (now.connection in HOST_LOST)
    moves += ["markAsVirtualMachine"] * (now.template and not want.template)
    undone = (now.template and not want.template) or (now.pending and not want.pending)
    return moves, undone or want.power == ON or asks_guest(want)


def _in_guest(now: State, want: State) -> list[str]:
    """Name what is done inside the guest: engine, lock, what the guest is left as."""
    undefined = want.guest == "undefined" != now.guest
    moves = ["restoreEngine"] * (undefined and now.engine != "ok")
    moves += ["abort"] * (now.orphaned and not want.orphaned)
    moves += ["customize", "abort"] * undefined
    engine = "ok" if undefined else now.engine
    moves += [_LEVERS[want.engine]] * (want.engine != engine)
    return [*moves, *["orphanLock"] * (want.orphaned and not now.orphaned)]


def cost_of_moves(moves: list[str]) -> Cost:
    """Add up what the moves cost; a look is part of every arrangement, another may come before it."""
    total = sends(1, 2)
    for name in moves:
        total += cost_of_move(name)
    return total


def cost_of_move(name: str) -> Cost:
    """Say what one move costs."""
    move = MOVES[name]
    if name == "customize":
        return BEGUN
    if name == "abort":
        return BEGUN + ENDED
    if move.on is On.GUEST:
        return LEVER
    if move.on is On.SESSION or not move.method.endswith("_Task"):
        return PLAIN
    return TASK + LOOK + BOOT if name in _BOOTS else TASK
