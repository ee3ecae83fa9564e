"""Data objects that are made without the vendor's checks: they are what the vendor makes, and would pass its checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyVmomi import VmomiSupport, vim, vmodl

from tests.simulator.conftest import Bench
from vcontract._simulator.data_objects import Composite, make

KINDS = [
    (vim.vm.GuestInfo, {"toolsVersion": "1", "guestState": "running"}),
    (vim.TaskInfo, {"key": "task-1", "progress": 7}),
    (vim.vm.customization.GlobalIPSettings, {"dnsServerList": ["192.0.2.1"]}),
    (vmodl.DynamicProperty, {"name": "a", "val": 7}),
]


@pytest.mark.parametrize(("kind", "fields"), KINDS, ids=lambda value: getattr(value, "__name__", ""))
def test_an_object_is_what_the_vendor_makes(kind: Any, fields: dict[str, Any]) -> None:
    """The same fields with the same values, unset ones and empty arrays included, of the same types."""
    ours, theirs = make(kind, **fields), kind(**fields)
    assert type(ours) is type(theirs)
    assert vars(ours) == vars(theirs)
    assert {name: type(value) for name, value in vars(ours).items()} == {
        name: type(value) for name, value in vars(theirs).items()
    }


def test_no_two_objects_share_an_array() -> None:
    """What is added to one is not in the next."""
    first = make(vmodl.query.PropertyCollector.ObjectContent)
    first.propSet.append(vmodl.DynamicProperty(name="a", val=1))
    assert list(make(vmodl.query.PropertyCollector.ObjectContent).propSet) == []


def inside(value: Any) -> Iterator[Any]:
    """Give the data objects in a value, from the outside in."""
    if isinstance(value, list):
        for item in value:
            yield from inside(item)
    elif isinstance(value, VmomiSupport.DataObject):
        yield value
        for member in vars(value).values():
            yield from inside(member)


def test_whatever_an_inventory_shows_would_pass_the_vendors_checks() -> None:
    """Each data object in each property of each object can be made by the vendor from its fields: names and types are right."""
    bench = Bench()
    bench.do(bench.vm("linux-1"), "CreateSnapshot_Task", name="s", memory=True, quiesce=False)
    bench.call(bench.vm("linux-1"), "SuspendVM_Task")
    checked = set()
    for owner in bench.vcenter.registry.of_type(object):
        for field in owner.vmodl_type._GetPropertyList():
            for each in inside(owner.property(field.name)):
                assert vars(type(each)(**{name: value for name, value in vars(each).items() if value is not None}))
                checked.add(type(each).__name__)
    assert {"vim.vm.GuestInfo.NicInfo", "vim.vm.ConfigInfo", "vim.TaskInfo", "vim.vm.Summary"} <= checked


def test_one_field_is_made_without_the_others() -> None:
    """Called, a composite makes all; asked for a field, that alone; a field that nothing makes is as a new object has it."""
    made: list[str] = []

    def making(name: str, value: str) -> Callable[[Any], str]:
        def make_it(owner: str) -> str:
            made.append(name)
            return f"{value} of {owner}"

        return make_it

    composite = Composite(
        vim.vm.GuestInfo, hostName=making("hostName", "name"), guestState=making("guestState", "state")
    )
    assert composite.field("hostName")("web") == "name of web"
    assert made == ["hostName"]
    assert list(composite.field("net")("web")) == []
    assert composite.field("noSuchField")("web") is None
    assert composite("web").hostName == "name of web"
    assert made == ["hostName", "hostName", "guestState"]
