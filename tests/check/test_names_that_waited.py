"""What waited before a history, and was taken up in it, is a guest's name that no call of the history gave."""

from __future__ import annotations

from tests.check.test_guarantees import READY, Tale, given
from vcontract._check.guarantees import GuestNames
from vcontract._terms import Ref, Returned


def waiting(name: str) -> Tale:
    """Begin a tale of a guest that a boot of this history names, and that is customized before anybody reads that."""
    vm = Ref("VirtualMachine", "vm-1")
    tale = Tale().read(vm, (0.0, 0.1), {"guest.hostName": "old"}).call((1.0, 1.1), Returned(), method="ResetVM_Task")
    tale.call((2.0, 2.1), given("t"), name="new").task("t", (3.0, 3.1), "success")
    return tale.read(vm, (4.0, 4.1), {**READY, "guest.hostName": name})


def test_a_name_that_waited_before_is_none_that_no_call_gave() -> None:
    """As one that a load before this one left: one such name, and no other VM's."""
    vm = Ref("VirtualMachine", "vm-1")
    assert waiting("left").told(GuestNames(alone=True)) == []
    assert waiting("left").read(vm, (5.0, 5.1), {"guest.hostName": "left"}).told(GuestNames(alone=True)) == []
    other = waiting("left").read(vm, (5.0, 5.1), {"guest.hostName": "third"})
    assert "no call gave it that name" in other.told(GuestNames(alone=True))[0]
