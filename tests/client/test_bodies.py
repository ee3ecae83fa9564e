"""Bodies that are serialised once: what differs from call to call stands where it belongs, and nothing of another call does."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._client.bodies import Bodies
from vcontract._schema import load
from vcontract._terms import Arguments, Call, Json, Ref

SCHEMA = load("8.0.3.0")
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")


def customizing(vm: str, name: str, text: str = "x") -> Call:
    """Make a call with a host name, and a value that is no simple text."""
    spec: dict[str, Json] = {
        "_typeName": "CustomizationSpec",
        "identity": {
            "_typeName": "CustomizationLinuxPrep",
            "hostName": {"_typeName": "CustomizationFixedName", "name": name},
            "domain": text,
        },
        "globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings"},
        "nicSettingMap": [],
        "encryptionKey": [1, -1],
    }
    auth = {
        "_typeName": "NamePasswordAuthentication",
        "interactiveSession": False,
        "username": name,
        "password": "secret:guest.root",
    }
    values: dict[str, Any] = {"vm": Ref("VirtualMachine", vm).json(), "auth": auth, "spec": spec}
    return Call(MANAGER, "CustomizeGuest_Task", Arguments(values), "full")


def body(bodies: Bodies, call: Call, *varies: str) -> bytes:
    """Serialise a call."""
    assert isinstance(call.payload, Arguments)
    return bodies.body(call, call.payload, varies)


def test_a_call_with_gaps_is_the_call_without() -> None:
    """The first one makes the gaps, the others fill them; also where one text is the begin of another."""
    bodies, plain = Bodies(SCHEMA), Bodies(SCHEMA)
    for vm, name in (("vm-1", "c1-1"), ("vm-13", "c1-13"), ("vm-1", "vm-13"), ("c1-1", "vm-1")):
        call = customizing(vm, name)
        assert body(bodies, call, vm, name) == body(plain, call)


def test_only_whole_values_are_gaps() -> None:
    """A text that holds what varies keeps it."""
    bodies, plain = Bodies(SCHEMA), Bodies(SCHEMA)
    for name in ("web-1", "web-2"):
        call = customizing("vm-1", name, text=f"web-1.{name}.example <&>")
        assert body(bodies, call, "vm-1", name) == body(plain, call)


@pytest.mark.parametrize("name", ["CustomizationFixedName", "VirtualMachine", "secret:guest.root", "vm"])
def test_an_object_may_be_called_like_a_type(name: str) -> None:
    """A server may give such names; what stands for a type is no gap."""
    bodies, plain = Bodies(SCHEMA), Bodies(SCHEMA)
    for host in ("c1-1", "c1-2"):
        call = customizing(name, host)
        assert body(bodies, call, name, host) == body(plain, call)
