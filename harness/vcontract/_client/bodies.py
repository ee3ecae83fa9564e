"""Serialises the bodies of calls, with a cache for bodies that are sent again, be it with a few other texts in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from vcontract._errors import SchemaError
from vcontract._schema import Schema
from vcontract._terms import Arguments, Call, Json, Ref

_KEPT = 1024
Varies: TypeAlias = tuple[str, ...]
"""The texts that differ from call to call: letters, digits and hyphens, each the whole of an argument's value."""


class Bodies:
    """Serialises calls by a schema, and caches the bytes that are likely to be sent again."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._known: dict[tuple[str, Ref, bytes], bytes] = {}

    def body(self, call: Call, payload: Arguments, varies: Varies = (), *, again: bool = False) -> bytes:
        """Give the bytes of a call. Raises SchemaError if the arguments cannot be serialised.

        `again` caches them. `varies` caches them too, as a template with a placeholder for each of these texts.
        """
        if not (again or varies):
            return self._schema.request(call.method, call.object, payload.values)
        text = msgspec.json.encode(payload)
        gaps = {text: f"vcontract-gap-{number}" for number, text in enumerate(varies)}
        for varying, gap in gaps.items():
            text = text.replace(b'"%s"' % varying.encode(), b'"%s"' % gap.encode())
        key = (call.method, call.object, text)
        body = self._known.get(key)
        if body is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            values = _gapped(payload.values, gaps) if gaps else payload.values
            try:
                body = self._known[key] = self._schema.request(call.method, call.object, values)
            except SchemaError:
                # a server may name an object like a type, or a word of an enumeration: no gap can stand there
                return self._schema.request(call.method, call.object, payload.values)
        for varying, gap in gaps.items():
            body = body.replace(gap.encode(), varying.encode())
        return body


def _gapped(value: Json, gaps: Mapping[str, str]) -> Json:
    """Replace texts by their placeholders, wherever one is the whole of a value."""
    if isinstance(value, dict):
        return {name: _gapped(item, gaps) for name, item in value.items()}
    if isinstance(value, list):
        return [_gapped(item, gaps) for item in value]
    return gaps.get(value, value) if isinstance(value, str) else value
