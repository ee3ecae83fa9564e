"""The leak audit that ends a run: it looks for what the run made and left."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract.client import Guard
from vcontract.errors import HaltedError, TargetError
from vcontract.model import VmFacts
from vcontract.terms import Ended
from vcontract.testbed.lane import Lane
from vcontract.testbed.not_arranged import NotArrangedError
from vcontract.testbed.ownership import Seen, look_round


def audit(lane: Lane, guard: Guard, run: str) -> tuple[list[str], list[str]]:
    """Find the VMs that carry the mark of a run, and destroy those that nobody knew of: an answer may have been lost.

    Gives the names of those that are still there, and what to say.
    """
    target, notes = lane.driver.target, []
    try:
        for vm in _left(lane, guard, run):
            if vm.ref not in lane.cloner.clones:
                try:
                    adopted(lane, vm)
                    lane.cloner.destroy(vm.ref)
                    notes.append(f"{vm.name} was made by a call whose answer was lost; it was destroyed")
                except (NotArrangedError, HaltedError) as error:
                    notes.append(Ended.NOT_RESTORED.note(f"{vm.name}: {error}"))
        left = sorted(vm.name for vm in _left(lane, guard, run))
    except TargetError as error:
        return [], [*notes, f"what the run made could not be looked for: {error}"]
    if left:
        notes.append(f"left behind on {target.url}: {', '.join(left)}; `vcontract cleanup` takes them away")
    return left, notes


def _left(lane: Lane, guard: Guard, run: str) -> list[Seen]:
    return [vm for vm in look_round(lane.driver.target, guard.marks) if vm.run and vm.run == run]


def adopted(lane: Lane, seen: Seen) -> None:
    """Take in a VM of which no answer told."""
    known = lane.driver.facts.vms
    like = next(iter(known.values()), VmFacts(seen.ref, seen.name, 0))
    lane.driver.tracker.add_vm(replace(like, ref=seen.ref, name=seen.name))
    lane.cloner.own(seen.ref)
