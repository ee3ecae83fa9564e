"""The public strategies: what they draw is what they say, and what cannot be asked of them is refused at once."""

from __future__ import annotations

import re

import pytest

from vcontract._errors import UsageError
from vcontract._model import VmFacts
from vcontract._model.spec_rules import broken
from vcontract._schema import load
from vcontract._strategies.pool import draw
from vcontract._terms import Ref
from vcontract.strategies import BrokenRequest, broken_requests, customization_specs, guest_authentications

VM = Ref("VirtualMachine", "vm-7")
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task", "PowerOnVM_Task")


@pytest.mark.parametrize("method", ["CustomizeGuest_Task", "CustomizeVM_Task"])
@pytest.mark.parametrize("nics", [0, 1, 4])
def test_valid_ones_break_nothing_and_broken_ones_a_rule(method: str, nics: int) -> None:
    """For a Linux guest with that many adapters."""
    facts, offline = VmFacts(VM, "", nics), method == "CustomizeVM_Task"
    for spec in draw(customization_specs(nics=nics, method=method), 1, 40):
        assert broken(spec, facts, offline=offline)[0] == frozenset()
    for spec in draw(customization_specs(valid=False, nics=nics, method=method), 2, 40):
        assert broken(spec, facts, offline=offline)[0] & {"rule", "nicCount"}


def test_a_number_of_adapters_may_be_drawn_too() -> None:
    """None draws each from 0 to 4."""
    assert {len(spec["nicSettingMap"]) for spec in draw(customization_specs(nics=None), 3, 60)} == {0, 1, 2, 3, 4}


def test_logins_are_of_every_type_and_name_no_secret() -> None:
    """What they hold is what a client would send."""
    drawn = draw(guest_authentications(), 4, 120)
    assert {each["_typeName"] for each in drawn} == set(load("9.1.0.0").subtypes("GuestAuthentication")[1:])
    assert not [each for each in drawn if any(str(value).startswith("secret:") for value in each.values())]


@pytest.mark.parametrize("method", METHODS)
def test_broken_requests_are_wrong_in_one_thing(method: str) -> None:
    """Each says in which; the VM that is meant is the one that was named."""
    drawn = draw(broken_requests(method, vm="vm-7"), 5, 80)
    assert len({each.label for each in drawn}) > 20
    assert {each.method for each in drawn} == {method}
    assert "malformed" in {each.expects for each in drawn}
    assert {each.label.partition(":")[0] for each in drawn} == {"schema", "xml", "http"}
    assert all(isinstance(each, BrokenRequest) for each in drawn)
    assert any(b"vm-7" in each.body for each in drawn)
    assert not [each.label for each in drawn if b"secret:" in each.body]


def test_what_cannot_be_drawn_is_refused_at_once() -> None:
    """Not when the first is drawn."""
    for wrong, said in (
        (lambda: customization_specs(nics=5), "nics 5: must be 0 to 4"),
        (lambda: customization_specs(method="CloneVM_Task"), "method CloneVM_Task: must be"),
        (lambda: broken_requests("MigrateVM_Task"), "no contract has a method MigrateVM_Task; there are "),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            wrong()
