"""The writer against the vendor's own serialiser: whatever the value and the client's version, both write the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pyVmomi import VmomiSupport, vim, vmodl

from tests.simulator.conftest import Bench
from vcontract._simulator.soap_writer import value_text, write_fault
from vcontract._simulator.vendor_writer import vendor_text
from vcontract._simulator.versions import known_at
from vcontract._simulator.virtual_machine import VirtualMachine

NEW = "vim.version.v8_0_3_0"
VERSIONS = ("vim.version.version1", "vim.version.version9", "vim.version.v6_8_7", NEW)
WHEN = datetime(2024, 2, 29, 23, 59, 58, 120_000, UTC)
TEXT = 'a\'b <&> "c"'
SIMPLE: dict[Any, Any] = {
    str: TEXT,
    bool: True,
    int: -7,
    float: 0.25,
    datetime: WHEN,
    object: 7,
    type: vim.VirtualMachine,
    VmomiSupport.ManagedMethod: VmomiSupport.GetWsdlMethod("urn:vim25", "PowerOnVM_Task"),
    VmomiSupport.binary: VmomiSupport.binary(b"\x00\xff"),
    VmomiSupport.Link: VmomiSupport.Link("key-1"),
}
DEPTH = 1


def sample(kind: Any, depth: int = DEPTH) -> Any:
    """Make a value of a type, every field set as far as `depth` goes."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    if issubclass(kind, list):
        return kind([sample(kind.Item, depth)] * 2)
    if issubclass(kind, VmomiSupport.ManagedObject):
        return kind("object-1")
    if issubclass(kind, VmomiSupport.Enum):
        return kind(kind.values[-1])
    if not issubclass(kind, VmomiSupport.DataObject):
        return kind(7) if issubclass(kind, int | float) else kind(TEXT)
    made = kind()
    for field in kind._GetPropertyList() if depth else ():
        setattr(made, field.name, sample(field.type, depth - 1))
    return made


def holed(kind: Any) -> Any:
    """Make a value of a type whose lists each hold an item that is none."""
    made = kind()
    for field in kind._GetPropertyList():
        if issubclass(field.type, list):
            object.__setattr__(made, field.name, [None])
    return made


def outcome(write: Callable[..., Any], *arguments: Any) -> Any:
    """Give what is written, or the name of the error."""
    try:
        return write(*arguments)
    except (TypeError, AttributeError) as error:
        return type(error)


def types() -> Iterator[Any]:
    """Give every type of data that the vendor's metadata have."""
    for name in VmomiSupport.ListDataTypes():
        kind = VmomiSupport.GetVmodlType(name)
        if issubclass(kind, VmomiSupport.DataObject):
            yield kind


@pytest.mark.parametrize("version", VERSIONS)
def test_every_type_of_data_is_written_as_the_vendor_does(version: str) -> None:
    """Of every type in the metadata, with its fields unset, all set, or holed, as itself and where anything is declared."""
    tried = 0
    for kind in types():
        if not any(known_at(version, base._version) for base in kind.__mro__ if hasattr(base, "_version")):
            continue
        for value in (kind(), sample(kind), holed(kind)):
            for declared in (object, kind):
                arguments = ("v", declared, value, version)
                assert outcome(value_text, *arguments) == outcome(vendor_text, *arguments), kind
                tried += 1
    assert tried > 6000


VALUES = [
    *(value for kind, value in SIMPLE.items() if kind is not object),
    "",
    VmomiSupport.URI("http://a/?b&c"),
    VmomiSupport.PropertyPath("a.b"),
    *(kind(5) for kind in (VmomiSupport.long, VmomiSupport.short, VmomiSupport.byte, VmomiSupport.double)),
    datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime(2024, 1, 2, 3, 4, 5, 7, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    vim.VirtualMachine("vm-1"),
    vim.VirtualMachine.PowerState("poweredOn"),
    vim.Task.Array([vim.Task("task-1")]),
    vim.Task.Array([]),
    VmomiSupport.GetVmodlType("string[]")(["a", TEXT]),
    VmomiSupport.GetVmodlType("int[]")([1, 2]),
    VmomiSupport.GetVmodlType("vmodl.TypeName[]")([vim.VirtualMachine]),
    vim.fault.TaskInProgress(task=vim.Task("task-1"), msg=TEXT),
    vim.fault.InvalidState(faultCause=vim.fault.InvalidName(name="n", entity=vim.Folder("f-1"))),
    vmodl.LocalizedMethodFault(fault=vim.fault.InvalidState(), localizedMessage="m"),
    vim.fault.InvalidState.Array([vim.fault.InvalidState()]),
    [],
    ["plain"],
    None,
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_every_kind_of_value_is_written_as_the_vendor_does(value: Any, version: str) -> None:
    """Texts, numbers, times, references, names of types and methods, arrays, faults: as declared, and as anything."""
    for declared in (object, type(value)):
        arguments = ("v", declared, value, version)
        assert outcome(value_text, *arguments) == outcome(vendor_text, *arguments)


def test_a_required_field_that_lacks_is_refused_by_both() -> None:
    """A fault of ours is not sent as half an object."""
    lacking = vim.vm.customization.FixedName()
    lacking.__dict__["name"] = None
    for write in (value_text, vendor_text):
        with pytest.raises(TypeError, match="name"):
            write("v", object, lacking, NEW)


def test_every_property_of_every_object_is_written_as_the_vendor_does() -> None:
    """Of a whole inventory, with tasks that run and have ended, at every version that is served."""
    bench = Bench(vms=1)
    bench.call(bench.vm("linux-1"), "PowerOffVM_Task")
    bench.pass_time(2)
    bench.call(bench.vm("linux-1"), "PowerOnVM_Task")
    versions = sorted(set(bench.vcenter.versions._by_action.values()))
    assert len(versions) > 20
    written = 0
    for owner in bench.vcenter.registry.of_type(object):
        for field in owner.vmodl_type._GetPropertyList():
            value = owner.property(field.name)
            for version in versions if isinstance(owner, VirtualMachine) else versions[-1:]:
                arguments = ("v", field.type, value, version)
                assert outcome(value_text, *arguments) == outcome(vendor_text, *arguments)
                written += value is not None
    assert written > 2000


@pytest.mark.parametrize("version", VERSIONS)
def test_every_fault_has_the_vendors_fields_in_its_detail(version: str) -> None:
    """The fields of a fault's detail are those of the same fault in a property."""
    faults = [
        kind for kind in types() if issubclass(kind, vmodl.MethodFault) and kind is not vmodl.LocalizedMethodFault
    ]
    assert len(faults) > 300
    for kind in faults:
        fault = sample(kind)
        whole = outcome(vendor_text, "v", object, fault, version)
        if isinstance(whole, str):
            told = whole.partition("<fault")[2].partition(">")[2].rpartition("</fault>")[0]
            assert f">{told}</".encode() in write_fault(fault, version)
