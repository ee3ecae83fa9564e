"""A lane holds all that changes with its VMs: two of them on different VMs share nothing but their inputs."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from tests.testbed.fake_driver import MANAGER, FakeCaller, vm_facts
from vcontract._check import Judge
from vcontract._client import Recorder, Target
from vcontract._contract import load
from vcontract._model import Facts, State
from vcontract._strategies.calls import Caller
from vcontract._terms import Arguments, Call, Operation, Ref, Returned
from vcontract._testbed import Driver, Lane
from vcontract._testbed.levers import Levers

CONTRACT = load(MANAGER)
FACTS = Facts(MANAGER, Ref(MANAGER, "manager"), "9.0.0.0", vms={name: vm_facts(name) for name in ("one", "two")})
BASES: dict[str, str] = {}
TARGET = cast("Target", SimpleNamespace(recorder=Recorder(), guard=None))


def lane_on(name: str) -> Lane:
    """Make a lane of one VM, on the target of all."""
    facts = msgspec.structs.replace(FACTS, vms={name: FACTS.vms[name]})
    driver = Driver(TARGET, Judge(facts, CONTRACT, BASES))
    return Lane(driver, Levers(driver), cast("Caller", FakeCaller()))


def changeable(thing: Any, seen: dict[int, Any]) -> Iterator[Any]:
    """Give everything below a thing that can be changed: containers, and objects that are no frozen structs."""
    if id(thing) in seen or thing is TARGET or thing is CONTRACT or thing is BASES:
        return
    seen[id(thing)] = thing
    if isinstance(thing, dict | list | set):
        yield thing
    if isinstance(thing, dict):
        below = [*thing.values()]
    elif isinstance(thing, list | set | tuple | frozenset):
        below = [*thing]
    elif isinstance(thing, msgspec.Struct):
        below = []  # what it holds was given from outside, and is replaced rather than changed
    else:
        below = [*getattr(thing, "__dict__", {}).values()]
        if below and type(thing).__module__.startswith("vcontract"):
            yield thing
    for each in below:
        yield from changeable(each, seen)


def test_two_lanes_share_nothing_that_changes() -> None:
    """No container and no object of ours that is below one lane is below the other, but for target and contract."""
    one, two = lane_on("one"), lane_on("two")
    seen_one: dict[int, Any] = {}
    seen_two: dict[int, Any] = {}
    of_one = {id(thing): thing for thing in changeable(one, seen_one)}
    of_two = {id(thing): thing for thing in changeable(two, seen_two)}
    assert len(of_one) > 30
    shared = {number: thing for number, thing in of_one.items() if number in of_two}
    assert list(shared.values()) == []


def test_what_befalls_one_lane_is_not_known_in_the_other() -> None:
    """Quarantine, clones and the state in which a VM was left are each lane's own."""
    one, two = lane_on("one"), lane_on("two")
    vm = FACTS.vms["one"]
    one.driver.quarantine.beyond_use("one", "one", "it fails")
    one.cloner.own(Ref("VirtualMachine", "clone"))
    one.arranger.leave(vm.ref)
    assert not one.driver.quarantine.chosen("one")
    assert two.driver.quarantine.notes() == []
    assert two.cloner.clones == []
    assert {found.name for found in two.selection.fitting(State())} == {"two"}
    assert list(one.selection.fitting(State())) == []


def test_a_tracker_follows_the_vms_of_its_facts_alone() -> None:
    """What is read of another lane's VM changes nothing that is known here."""
    one = lane_on("one")
    before = one.driver.states(FACTS.vms["one"].ref)
    read = Call(Ref("PropertyCollector", "pc"), "RetrievePropertiesEx", Arguments({}), "full")
    power_off = Call(FACTS.vms["two"].ref, "PowerOffVM_Task", Arguments({}), "full")
    for call, value in ((power_off, Ref("Task", "task-1").json()), (read, None)):
        one.driver.tracker.feed(Operation(1, call, 0.0, 1.0, Returned(value), purpose="arrange"))
    assert one.driver.states(FACTS.vms["one"].ref) == before
    assert one.driver.states(FACTS.vms["two"].ref) == {State(exists=False)}
    assert one.driver.tracker.lives("one") == []
