"""Which rows a run of several workers reports, and which methods must be exercised for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vcontract._contract import Contract, Row, rows


def listed_rows(contract: Contract, methods: Collection[str]) -> list[Row]:
    """List the rows of some methods (none: of all, and those of the object); their ids are the same for every WSDL."""
    return [row for row in rows(contract, {}) if not methods or row.method in methods]


def methods_for(contract: Contract, listed: Sequence[Row], selected: Collection[str]) -> frozenset[str]:
    """Name the methods that must be exercised for the rows that were selected, by their ids, among those that are listed."""
    chosen = [row for row in listed if row.id in selected]
    if any(row.fault and not row.method for row in chosen):  # a fault of every method
        listed_methods = frozenset(row.method for row in listed if row.method)
        return listed_methods or frozenset(method.name for method in contract.methods)
    return frozenset(row.method for row in chosen if row.method)
