"""Contract files to rows and situations, strict about keys; lint of them against the WSDL and the vendor's metadata."""

from vcontract.contract.load import load, names
from vcontract.contract.rows import (
    EVERY_METHOD,
    OK,
    OLD,
    Contract,
    DocumentedFault,
    Method,
    Permit,
    Promise,
    Row,
    Situation,
    ancestors,
    before,
    documented_as,
    parse_permit,
    row_id,
    rows,
)

__all__ = [
    "EVERY_METHOD",
    "OK",
    "OLD",
    "Contract",
    "DocumentedFault",
    "Method",
    "Permit",
    "Promise",
    "Row",
    "Situation",
    "ancestors",
    "before",
    "documented_as",
    "load",
    "names",
    "parse_permit",
    "row_id",
    "rows",
]
