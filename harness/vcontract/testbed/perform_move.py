"""How a move of the catalogue is made on a target: the one place that turns a move into calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vcontract.model.moves import MOVES, On
from vcontract.terms import Json, Ref
from vcontract.testbed.driver import FULL, NotArrangedError, Stage

if TYPE_CHECKING:
    from vcontract.testbed.arranger import Arranger


def make_call(stage: Stage, name: str, ref: Ref, arguments: dict[str, Json] | None = None) -> Json:
    """Make the call of a move on an object, wait for its task if it has one, and give the result.

    Raises NotArrangedError if it is refused or not allowed.
    """
    return stage.done(ref, MOVES[name].method, arguments)


def perform(arranger: Arranger, name: str, vm: Ref, *, task: Ref | None = None, actor: str = FULL) -> Json:
    """Make a move, and wait for its own task, but not for what comes of it later; gives its result, if it has one.

    `vm` is the VM that is changed, or whose host, guest or task is; `task` the one to cancel, `actor` the session that comes
    or goes. Raises NotArrangedError if the move is refused, is not allowed, or has no lever.
    """
    stage, move = arranger.stage, MOVES[name]
    if move.on is On.GUEST:
        stage.pull(vm, name)
        return None
    if move.on is On.TASK:
        if task is None:
            raise NotArrangedError("nothing runs that could be cancelled")
        stage.call(task, move.method, {})
        return None
    host = Ref("HostSystem", stage.facts.vms[vm.value].host) if vm.value in stage.facts.vms else vm
    whole: dict[str, Callable[[], object]] = {
        "hostLost": lambda: make_call(stage, name, host),
        "hostBack": lambda: arranger.reconnect(host.value),
        "destroy": lambda: arranger.destroy(vm),
        "abort": lambda: arranger.abort(vm),
        "logIn": lambda: stage.log_in(actor),
        "logOut": lambda: stage.target.logout(actor),
        "snapshot": lambda: make_call(stage, name, vm, stage.snapshot(memory=True)),
        "fork": lambda: arranger.fork(stage.facts.vms[vm.value]),
    }
    return whole[name]() if name in whole else make_call(stage, name, vm)
