"""What the vendor's metadata declares of one managed object: the facts that `contract lint` compares rows with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vcontract._schema.metadata import Managed, Member, Metadata, Method, versions, wire_name


@dataclass(frozen=True)
class VendorField:
    """A property, parameter or result: WSDL type without prefix, age as a wire version, the privilege it needs.

    `refers_to` is the WSDL name of the managed object type that a reference is to; empty for all else.
    """

    name: str
    type: str
    optional: bool
    array: bool
    since: str
    privilege: str
    refers_to: str = ""


@dataclass(frozen=True)
class VendorMethod:
    """A method by WSDL and VMODL name; `result` is what the call returns (None: void), `task_result` its task's."""

    name: str
    vmodl_name: str
    since: str
    parameters: tuple[VendorField, ...]
    result: VendorField | None
    task_result: str
    privilege: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class VendorObject:
    """A managed object with its own and inherited properties and methods."""

    name: str
    vmodl_name: str
    since: str
    properties: tuple[VendorField, ...]
    methods: tuple[VendorMethod, ...]


def vendor_object(name: str, api: str | None = None) -> VendorObject:
    """Describe a managed object by WSDL name as of a release (default: the newest that pyVmomi knows).

    Privileges are vCenter's ids, empty where the metadata names none; faults are the declared ones, without the implied
    RuntimeFault. SchemaError: no such object or release. Source: pyVmomi's `_typeinfo_*` modules.
    """
    metadata = Metadata(api or versions()[-1].wire)
    lineage = metadata.lineage(name)
    described: Managed = lineage[-1]
    objects = {managed_type.vmodl: wsdl for wsdl, managed_type in metadata.managed.items()}
    return VendorObject(
        name,
        described.vmodl,
        wire_name(described.since),
        tuple(_field(property_, objects) for managed in lineage for property_ in managed.properties),
        tuple(_method(method, objects) for managed in lineage for method in managed.methods),
    )


def _field(member: Member, objects: Mapping[str, str]) -> VendorField:
    kind = member.type.partition(":")[2]
    refers_to = objects.get(member.vmodl, "")
    since = wire_name(member.since)
    return VendorField(member.name, kind, member.optional, member.array, since, member.privilege, refers_to)


def _method(method: Method, objects: Mapping[str, str]) -> VendorMethod:
    return VendorMethod(
        method.name,
        method.vmodl,
        wire_name(method.since),
        tuple(_field(parameter, objects) for parameter in method.parameters),
        _field(method.result, objects) if method.result else None,
        method.task_result,
        method.privilege,
        method.faults,
    )
