"""`vcontract contract lint`: all contract files of a folder against the model and the vendor's metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from vcontract._contract import load, names
from vcontract._errors import UsageError
from vcontract._model.lint import Declared, lint
from vcontract._schema import SHIPPED, bases_of
from vcontract._schema import load as load_schema
from vcontract._schema.vendor import VendorField, VendorMethod, vendor_object
from vcontract._shipped import shipped


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


def located(faults: Sequence[str], folder: Path | None) -> list[tuple[str, str, int]]:
    """Give each fault with the file that it is about and the line: that of the situation or method it names, else the first."""
    place = folder or shipped("contracts")
    found = []
    for fault in faults:
        about = fault.partition(": ")[0]
        file = place / f"{about.split('/')[0]}.toml"
        situation = fault.partition(": situation ")[2].partition(":")[0]
        found.append((fault, _uri(file), _line_of(file, [situation] if situation else about.split("/"))))
    return found


def _uri(file: Path) -> str:
    """Name a file below where the user stands as he would, any other by its whole path."""
    here = Path.cwd()
    whole = file.absolute()
    return quote(str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole))


def _line_of(file: Path, names: Sequence[str]) -> int:
    """Find the last of some names that a file gives to something, in the order in which they are named."""
    if not file.is_file():
        return 1
    line = 1
    lines = file.read_text("utf-8").splitlines()
    for name in names:
        entry = re.compile(rf'(id|name|type|object) = "{re.escape(name)}"')
        line = next((number for number, text in enumerate(lines, 1) if number >= line and entry.match(text)), line)
    return line


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
