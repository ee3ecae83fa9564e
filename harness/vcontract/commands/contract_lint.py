"""`vcontract contract lint`: all contract files of a folder against the model and the vendor's metadata."""

from __future__ import annotations

from pathlib import Path

from vcontract.contract import load, names
from vcontract.errors import UsageError
from vcontract.model.lint import Declared, lint
from vcontract.schema import SHIPPED, bases_of
from vcontract.schema import load as load_schema
from vcontract.schema.vendor import VendorField, VendorMethod, vendor_object


def lint_folder(folder: Path | None) -> list[str]:
    """Name every fault of the contract files, one line each. Raises ContractError if one cannot be read at all."""
    if not (found := names(folder)):
        raise UsageError(f"{folder}: no contract files")
    contracts = [load(each, folder) for each in found]
    vendor = {
        each.object: {method.name: _declared(method) for method in vendor_object(each.object).methods}
        for each in contracts
    }
    return lint(contracts, bases_of(load_schema(SHIPPED[-1])), vendor)


def _declared(method: VendorMethod) -> Declared:
    return Declared(
        method.since,
        method.privilege,
        tuple(_parameter(each) for each in method.parameters),
        method.faults,
        "void" if method.result is None else method.result.refers_to or method.result.type,
        {each.name: each.privilege for each in method.parameters if each.privilege},
    )


def _parameter(field: VendorField) -> str:
    # the metadata of a reference says which object it refers to; the WSDL's type says only that it is one
    kind = field.refers_to or field.type
    return f"{field.name}: {kind}" + "[]" * field.array + "?" * field.optional
