"""How old types and fields are, and what the vendor's own names of types are on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from vcontract._schema.metadata import Data, Enumeration, Metadata, versions, wire_name


@cache
def _newest() -> Metadata:
    return Metadata(versions()[-1].wire)


@cache
def _by_vmodl() -> dict[str, str]:
    return {definition.vmodl: name for name, definition in _newest().types.items()}


def wsdl_name(vmodl: str) -> str:
    """Give the WSDL name of a type by its VMODL name, as `vim.vm.customization.LinuxPrep`; empty if there is none."""
    return _by_vmodl().get(vmodl, "")


def since(name: str, field: str = "") -> str:
    """Give the wire version with which a type, or a field of it, came; empty for what the metadata do not date.

    Source: pyVmomi's `_typeinfo_*` modules.
    """
    if not field:
        definition = _newest().types.get(name)
        return wire_name(definition.since) if isinstance(definition, Data | Enumeration) else ""
    return next(
        (wire_name(member.since) for each in _lineage(name) for member in each.members if member.name == field), ""
    )


def _lineage(name: str) -> Iterator[Data]:
    at: str | None = name
    while at and isinstance(definition := _newest().types.get(at), Data):
        yield definition
        at = definition.base
