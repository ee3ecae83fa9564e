"""The leak audit that ends a run: it looks for what the run made and left."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract.client import Guard
from vcontract.errors import HaltedError, TargetError
from vcontract.model import VmFacts
from vcontract.testbed.arranger import Arranger
from vcontract.testbed.driver import NotArrangedError
from vcontract.testbed.ownership import Seen, look_round


def audit(arranger: Arranger, guard: Guard, run: str) -> tuple[list[str], list[str]]:
    """Find the VMs that carry the mark of a run, and destroy those that nobody knew of: an answer may have been lost.

    Gives the names of those that are still there, and what to say.
    """
    target, told = arranger.driver.target, []
    try:
        for each in _left(arranger, guard, run):
            if each.ref not in arranger.clones:
                try:
                    adopted(arranger, each)
                    arranger.destroy(each.ref)
                    told.append(f"{each.name} was made by a call whose answer was lost; it was destroyed")
                except (NotArrangedError, HaltedError) as error:
                    told.append(f"not restored: {each.name}: {error}")
        left = sorted(each.name for each in _left(arranger, guard, run))
    except TargetError as error:
        return [], [*told, f"what the run made could not be looked for: {error}"]
    if left:
        told.append(f"left behind on {target.url}: {', '.join(left)}; `vcontract cleanup` takes them away")
    return left, told


def _left(arranger: Arranger, guard: Guard, run: str) -> list[Seen]:
    return [each for each in look_round(arranger.driver.target, guard.marks) if each.run and each.run == run]


def adopted(arranger: Arranger, seen: Seen) -> None:
    """Take in a VM of which no answer told."""
    known = arranger.driver.facts.vms
    like = next(iter(known.values()), VmFacts(seen.ref, seen.name, 0))
    arranger.driver.tracker.add_vm(replace(like, ref=seen.ref, name=seen.name))
    arranger.clones.append(seen.ref)
