"""The inventory: what the built-in file holds, and what is said about a bad one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vcontract._errors import UsageError
from vcontract._simulator import inventory
from vcontract._simulator.settings import Settings
from vcontract._simulator.vcenter import VCenter
from vcontract._simulator.virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
datacenter = "d"
folder = "f"
template_of_more = "a"
[[host]]
name = "h"
[[vm]]
name = "a"
host = "h"
"""
BAD = {
    "not toml": ("datacenter = ", "Invalid value"),
    "unknown key": (GOOD + "colour = 1\n", "colour"),
    "wrong type": (GOOD + 'nics = "two"\n', "$.vm[0].nics"),
    "too many adapters": (GOOD + "nics = 11\n", "<= 10"),
    "unknown engine": (GOOD + 'engine = "v8"\n', "v8"),
    "unknown host": (GOOD.replace('host = "h"', 'host = "x"'), "vm 'a': there is no host 'x'"),
    "twice": (GOOD + '[[vm]]\nname = "a"\nhost = "h"\n', "vm 'a' is there more than once"),
    "no name": (GOOD + '[[vm]]\nname = ""\nhost = "h"\n', "a vm without a name"),
    "running template": (GOOD + "template = true\n", "a template must be poweredOff"),
    "unknown pattern": (GOOD.replace('more = "a"', 'more = "b"'), "template_of_more: there is no vm 'b'"),
    "no host": (GOOD.replace('[[host]]\nname = "h"', "host = []"), "host"),
}


def test_built_in(bench: Any) -> None:
    """The built-in machines cover what the harness needs, are on and ready, and carry the mark."""
    machines = {each.name: each for each in bench.vcenter.registry.of_type(VirtualMachine)}
    assert list(machines) == [
        *(f"linux-{number}" for number in range(1, 5)),
        "linux-2nic",
        "linux-0nic",
        "windows-1",
        "linux-notools",
        "linux-noengine",
        "linux-template",
        "host2-linux-1",
    ]
    assert [name for name, each in machines.items() if not each.ready] == ["linux-notools", "linux-template"]
    assert all(each.extra_config == {"vcontract.owner": "vcontract"} for each in machines.values())
    assert [len(machines[name].nics) for name in ("linux-1", "linux-2nic", "linux-0nic")] == [1, 2, 0]
    assert {each.host.name for each in machines.values()} == {"esx-1", "esx-2"}
    assert len({nic.mac for each in machines.values() for nic in each.nics}) == len(machines)


def test_more_machines() -> None:
    """`vms` adds that many clones of the pattern."""
    vcenter = VCenter(Settings(vms=3))
    added = [each for each in vcenter.registry.of_type(VirtualMachine) if each.name.startswith("vm-")]
    assert [each.name for each in added] == ["vm-0001", "vm-0002", "vm-0003"]
    assert all(each.ready for each in added)


def test_own_file(tmp_path: Path) -> None:
    """A user's file replaces the built-in one; machines may be off, suspended or without running Tools."""
    path = tmp_path / "inventory.toml"
    path.write_text(GOOD + 'power = "suspended"\n[[vm]]\nname = "b"\nhost = "h"\ntools = "stopped"\n')
    first, second = VCenter(Settings(inventory=path)).registry.of_type(VirtualMachine)
    assert (first.power, first.ready, first.tools_status) == ("suspended", False, "guestToolsNotRunning")
    assert (second.power, second.ready, second.get_guest().toolsStatus) == ("poweredOn", False, "toolsNotRunning")


@pytest.mark.parametrize("case", list(BAD))
def test_bad_file(tmp_path: Path, case: str) -> None:
    """A bad file is told in one line that names it and what is wrong."""
    text, expected = BAD[case]
    path = tmp_path / "inventory.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        inventory.load(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert expected in said
    assert "\n" not in said


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is a usage error as well."""
    with pytest.raises(UsageError, match="cannot be read"):
        inventory.load(tmp_path / "none.toml")
