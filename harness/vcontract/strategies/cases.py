"""Every case of a method, tier by tier."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vcontract.contract import Method
from vcontract.model import GuestAccount
from vcontract.schema import SHIPPED, Schema, load
from vcontract.strategies import auth, http_breaks, semantic, valid, xml_breaks
from vcontract.strategies.case import Case
from vcontract.strategies.closure import Closure
from vcontract.strategies.schema_breaks import SchemaBreaks
from vcontract.terms import Json


def cases(
    schema: Schema,
    method: Method,
    base: dict[str, Json],
    guests: Sequence[GuestAccount] = (),
    seed: int = 0,
    listed: Collection[str] | None = None,
) -> tuple[Case, ...]:
    """List every case of a method; `base` are valid arguments for a VM with one NIC, `guests` the known accounts.

    `seed` is that of the drawn ones, `listed` are the versions that the server lists (None: all). What is newer than the schema
    comes from the newest set that ships with the harness.
    """
    closure = Closure(schema, method.name)
    return (
        *valid.cases(closure, base),
        *valid.drawn(closure, seed),
        *semantic.cases(schema, method.name, base),
        *(auth.cases(method.name, guests) if "auth" in base else ()),
        *http_breaks.cases(schema, method, listed),
        *xml_breaks.cases(schema, method.name, base),
        *SchemaBreaks(closure, load(SHIPPED[-1])).cases(),
    )
