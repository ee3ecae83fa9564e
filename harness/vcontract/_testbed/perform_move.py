"""How a move of the catalogue is made on a target: the one place that turns a move into calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vcontract._model.moves import MOVES, On
from vcontract._terms import Json, Ref
from vcontract._testbed.actors import FULL
from vcontract._testbed.driver import Driver
from vcontract._testbed.not_arranged import NotArrangedError

if TYPE_CHECKING:
    from vcontract._testbed.lane import Lane


def make_call(driver: Driver, name: str, ref: Ref, arguments: dict[str, Json] | None = None) -> Json:
    """Make the call of a move on an object, wait for its task if it has one, and give the result.

    Raises NotArrangedError if it is refused or not allowed.
    """
    return driver.complete(ref, MOVES[name].method, arguments)


def perform(lane: Lane, name: str, vm: Ref, *, task: Ref | None = None, actor: str = FULL) -> Json:
    """Make a move, and wait for its own task, but not for what comes of it later; gives its result, if it has one.

    `vm` is the VM that is changed, or whose host, guest or task is; `task` the one to cancel, `actor` the session that comes
    or goes. Raises NotArrangedError if the move is refused, is not allowed, or has no lever.
    """
    driver, move = lane.driver, MOVES[name]
    if move.on is On.GUEST:
        lane.levers.pull(vm, name)
        return None
    if move.on is On.TASK:
        if task is None:
            raise NotArrangedError("nothing runs that could be cancelled")
        driver.call(task, move.method, {})
        return None
    whole: dict[str, Callable[[], object]] = {
        "hostLost": lambda: make_call(driver, name, Ref("HostSystem", driver.facts.vms[vm.value].host)),
        "hostBack": lambda: lane.host.reconnect(driver.facts.vms[vm.value].host),
        "destroy": lambda: lane.cloner.destroy(vm),
        "abort": lambda: lane.guest.abort(vm),
        "logIn": lambda: driver.log_in(actor),
        "logOut": lambda: driver.target.logout(actor),
        "snapshot": lambda: make_call(driver, name, vm, driver.snapshot_arguments(memory=True)),
        "fork": lambda: lane.cloner.fork(driver.facts.vms[vm.value]),
    }
    return whole[name]() if name in whole else make_call(driver, name, vm)
