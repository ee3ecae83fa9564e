"""Paths of properties: what is read of one alone is what stands in the whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import VmomiSupport, vim

from tests.simulator.conftest import Bench
from vcontract._simulator.objects import Invocation, ManagedObject
from vcontract._simulator.property_paths import read_property
from vcontract._simulator.soap_writer import value_text
from vcontract._simulator.versions import known_at
from vcontract._simulator.virtual_machine import VirtualMachine

VERSIONS = ("vim.version.version9", "vim.version.v8_0_3_0")
DEPTH = 3
KEYED = (
    'config.extraConfig["a.b"].value',
    'config.extraConfig["none"]',
    "config.hardware.device[4000].macAddress",
    "config.hardware.device[4000].backing.deviceName",
)
"""Paths into items of arrays."""


def paths(kind: Any, version: str, prefix: str = "", depth: int = DEPTH) -> Iterator[str]:
    """Give the paths below a type, as far as they lead into data objects."""
    for field in kind._GetPropertyList():
        if known_at(version, field.version):
            yield f"{prefix}{field.name}"
            if depth > 1 and isinstance(field.type, type) and issubclass(field.type, VmomiSupport.DataObject):
                yield from paths(field.type, version, f"{prefix}{field.name}.", depth - 1)


def inventory() -> Bench:
    """Make VMs that are on, off, booting, suspended and reconfigured, with what tasks leave."""
    bench = Bench()
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=vim.vm.device.VirtualVmxnet3(key=-1))
    option = vim.option.OptionValue(key="a.b", value="c")
    bench.do(
        bench.vm("linux-2"), "ReconfigVM_Task", spec=vim.vm.ConfigSpec(deviceChange=[change], extraConfig=[option])
    )
    bench.do(bench.vm("linux-1"), "SuspendVM_Task")
    bench.do(bench.vm("windows-1"), "PowerOffVM_Task")
    bench.do(bench.vm("windows-1"), "CustomizeVM_Task", spec=bench.spec())
    return bench


def reading(bench: Bench, version: str) -> Invocation:
    """Make the call of an administrator who reads."""
    session: Any = type("Session", (), {"account": bench.vcenter.accounts["administrator@vsphere.local"]})
    return Invocation("RetrievePropertiesEx", version, session)


def shown(bench: Bench, version: str) -> dict[tuple[str, str], str]:
    """Read every path of every VM; gives how it looks on the wire."""
    call = reading(bench, version)
    found = {}
    for machine in bench.vcenter.registry.of_type(VirtualMachine):
        for path in (*paths(vim.VirtualMachine, version), *KEYED):
            value = read_property(machine, path, call)
            found[machine.name, path] = "" if value is None else value_text("v", object, value, version)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_read_alone_is_what_the_whole_has(version: str) -> None:
    """Where a planted behaviour shows properties otherwise the whole is made; if it changes nothing, nothing differs."""
    bench = inventory()
    alone = shown(bench, version)
    seen: set[str] = set()

    def as_it_is(_: ManagedObject, name: str, value: Any, __: Invocation) -> Any:
        seen.add(name)
        return value

    bench.vcenter.decisions.shown = as_it_is
    assert shown(bench, version) == alone
    assert {"runtime", "guest", "config", "summary"} <= seen
    assert sum(bool(text) for text in alone.values()) > 500
    assert [bool(alone["linux-2", path]) for path in KEYED] == [True, False, True, True]


def test_a_planted_behaviour_sees_every_property_that_is_read() -> None:
    """What it changes of the whole is what a client reads by a path."""
    bench = Bench()
    machine = bench.vm("linux-1")

    def renamed(_: ManagedObject, name: str, value: Any, __: Invocation) -> Any:
        if name == "guest":
            value.hostName = "planted"
        return value

    call = reading(bench, VERSIONS[-1])
    assert read_property(machine, "guest.hostName", call) == "linux-1"
    bench.vcenter.decisions.shown = renamed
    assert read_property(machine, "guest.hostName", call) == "planted"
