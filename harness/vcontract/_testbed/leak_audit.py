"""The leak audit that ends a run: it looks for what the run made and left."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from vcontract._client import Guard, SpentError
from vcontract._config.printed_command import command
from vcontract._errors import HaltedError, TargetError
from vcontract._model import VmFacts, recent_tasks
from vcontract._model.moves import MOVES
from vcontract._terms import Ended, Lost, Ref
from vcontract._testbed.driver import Driver
from vcontract._testbed.lane import Lane
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.ownership import Seen, look_round


def audit(lane: Lane, guard: Guard, run: str) -> tuple[list[str], list[str]]:
    """Find the VMs that carry the mark of a run, and destroy those that nobody knew of: an answer may have been lost.

    Gives the names of those that are still there, and what to say.
    """
    target, notes = lane.driver.target, []
    try:
        _await_lost_clones(lane.driver)
        for vm in _left(lane, guard, run):
            if vm.ref not in lane.cloner.clones:
                try:
                    adopted(lane, vm)
                    lane.cloner.destroy(vm.ref)
                    notes.append(f"{vm.name} was made by a call whose answer was lost; it was destroyed")
                except (NotArrangedError, HaltedError, SpentError) as error:
                    notes.append(Ended.NOT_RESTORED.note(f"{vm.name}: {error}"))
        left = sorted(vm.name for vm in _left(lane, guard, run))
    except TargetError as error:
        return [], [*notes, f"what the run made could not be looked for: {error}"]
    if left:
        away = command("cleanup", {"target": (target.url,)})
        notes.append(f"left behind on {target.url}: {', '.join(left)}; `{away}` takes them away")
    return left, notes


def _await_lost_clones(driver: Driver) -> None:
    """Follow the clonings whose answers were lost to their ends: a clone that is still being made cannot be found yet."""
    lost = {
        operation.call.object
        for operation in driver.target.recorder.operations
        if operation.call.method == MOVES["fork"].method and isinstance(operation.outcome, Lost)
    }
    for parent in sorted(lost):
        with suppress(NotArrangedError):
            driver.read_vm(parent)
            for moid in recent_tasks(driver.tracker.readings.get(parent.value) or {}):
                task = Ref("Task", moid)
                if moid not in driver.tracker.tasks and driver.tasks.read(task).get("name") == MOVES["fork"].method:
                    driver.tasks.follow(task)


def _left(lane: Lane, guard: Guard, run: str) -> list[Seen]:
    return [vm for vm in look_round(lane.driver.target, guard.marks) if vm.run and vm.run == run]


def adopted(lane: Lane, seen: Seen) -> None:
    """Take in a VM of which no answer told."""
    known = lane.driver.facts.vms
    like = next(iter(known.values()), VmFacts(seen.ref, seen.name, 0))
    lane.driver.tracker.add_vm(replace(like, ref=seen.ref, name=seen.name))
    lane.cloner.own(seen.ref)
