"""Secrets are named in calls, put in on the way to the wire, and taken out of everything that comes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from harness.terms import SECRET, Json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SHORTEST = 8
"""Shorter values are left in replies: they are everyday words (`guest`), and replacing those falsifies replies."""


class Secrets:
    """The values behind `secret:NAME`.

    Values that are `public` (documented passwords of the simulator) or shorter than 8 characters are resolved but not
    redacted: they may well stand in a reply by right. The `made_up` are those that cannot.
    """

    def __init__(
        self, values: Mapping[str, str] | None = None, *, public: Collection[str] = (), made_up: Collection[str] = ()
    ) -> None:
        self._values = dict(values or {})
        self._made_up = {name: self._escaped(name) for name in made_up}
        self._names = re.compile(b"secret:(%s)(?![\\w-]|\\.\\w)" % _any_of(self._values).encode())
        hidden = {value: name for name, value in self._values.items() if name not in public and len(value) >= _SHORTEST}
        self._hidden = hidden
        # Only whole words: a password that is also part of a name must not tear the name apart.
        self._found = re.compile(rf"(?<![\w-])({_any_of(hidden)})(?![\w-])") if hidden else None

    def resolve(self, envelope: bytes) -> bytes:
        """Put the values, escaped for XML, in the place of their names; unknown names stay as they are."""
        if not self._values or b"secret:" not in envelope:
            return envelope
        return self._names.sub(lambda found: self._escaped(found[1].decode()), envelope)

    def repeated(self, reply: bytes) -> tuple[str, ...]:
        """Say which made-up secret a reply repeats, where none belongs (domain rule: no secret in faults or tasks)."""
        return tuple(f"secret: the reply repeats {name}" for name, value in self._made_up.items() if value in reply)

    def redact(self, text: str) -> str:
        """Put the names in the place of their values."""
        return self._found.sub(lambda found: SECRET + self._hidden[found[1]], text) if self._found else text

    def redact_value(self, value: Json) -> Json:
        """Redact every string of a decoded value."""
        if self._found is None:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {key: self.redact_value(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.redact_value(each) for each in value]
        return value

    def _escaped(self, name: str) -> bytes:
        return escape(self._values[name], {'"': "&quot;"}).encode()


def _any_of(texts: Collection[str]) -> str:
    return "|".join(re.escape(each) for each in sorted(texts, key=len, reverse=True))
