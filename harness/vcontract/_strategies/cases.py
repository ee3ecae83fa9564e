"""Every case of a method, tier by tier."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

import msgspec

from vcontract._contract import Method
from vcontract._model import GuestAccount
from vcontract._schema import SHIPPED, Schema, load
from vcontract._strategies import auth, http_breaks, semantic, valid, xml_breaks
from vcontract._strategies.case import Case
from vcontract._strategies.closure import Closure
from vcontract._strategies.schema_breaks import SchemaBreaks
from vcontract._terms import Json


class _Wanted(msgspec.Struct, frozen=True):
    method: Method
    base: dict[str, Json]
    guests: tuple[GuestAccount, ...]
    seed: int
    listed: frozenset[str] | None


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
    comes from the newest set that ships with the harness. What was listed once in a process is kept.
    """
    wanted = _Wanted(method, base, tuple(guests), seed, None if listed is None else frozenset(listed))
    return _listed(schema, msgspec.json.encode(wanted, order="deterministic"))


@lru_cache(maxsize=32)
def _listed(schema: Schema, encoded: bytes) -> tuple[Case, ...]:
    wanted = msgspec.json.decode(encoded, type=_Wanted)
    method, base = wanted.method, wanted.base
    closure = Closure(schema, method.name)
    return (
        *valid.cases(closure, base),
        *valid.drawn(closure, wanted.seed),
        *semantic.cases(schema, method.name, base),
        *(auth.cases(method.name, wanted.guests) if "auth" in base else ()),
        *http_breaks.cases(schema, method, wanted.listed),
        *xml_breaks.cases(schema, method.name, base),
        *SchemaBreaks(closure, load(SHIPPED[-1])).cases(),
    )
