"""Secrets are named in calls, put in on the way to the wire, and taken out of everything that comes back."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from vcontract.client.encoded import Spelled, odd, text_of
from vcontract.redaction import register
from vcontract.terms import SECRET, Json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SHORTEST = 8
"""Shorter values are left in replies: they are everyday words (`guest`), and replacing those falsifies replies."""
_SHORTEST_LEARNED = 16
"""The same for what a server called a secret: no ticket or session is shorter, and a server may call any word one."""
OWN_TEXTS = (
    *("vcontract.owner", "vcontract.run", "made by vcontract run", "vcontract simulator"),
    *(f"vcontract {verb}" for verb in ("adopt", "cleanup", "doctor", "judge", "learn", "replay", "run", "stress")),
)
"""What we and our simulator write ourselves: it stays, even if a password is a word of it, for marks must be known."""
_QUOTES = {'"': "&quot;"}


class Secrets:
    """The values behind `secret:NAME`.

    Values that are `public` (documented passwords of the simulator) or shorter than 8 characters are resolved but not
    redacted, as a reply may rightly contain them. No reply may contain those of `made_up`. The secrets that a server gives
    (a session, a ticket) are learned during the run and get names as well, those of a `series`. Safe for many threads.
    """

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        *,
        public: Collection[str] = (),
        made_up: Collection[str] = (),
        series: str = "learned",
    ) -> None:
        self._values = dict(values or {})
        self._made_up = {name: self._escaped(name) for name in made_up}
        # A name with a character that XML escapes (a user R&D) stands in an envelope in its escaped form.
        self._spelt = {form: name for name in self._values for form in (name, escape(name), escape(name, _QUOTES))}
        self._names = re.compile(
            b"secret:(%s|%s)(?![\\w-]|\\.\\w)" % (_any_of(self._spelt).encode(), rb"%s\.\w+\.\d+" % series.encode())
        )
        private = {value: name for name, value in self._values.items() if name not in public and value}
        hidden = {value: name for value, name in private.items() if len(value) >= _SHORTEST}
        self._private, self._hidden = private, hidden
        # Only whole words: a password that is also part of a name must not tear the name apart.
        ours = [text for text in OWN_TEXTS if any(value in text for value in hidden)]
        kept = rf"{_any_of(ours)}|" if ours else ""
        self._whole_words = re.compile(rf"{kept}(?<![\w-])({_any_of(hidden)})(?![\w-])") if hidden else None
        self._series = series
        self._learned: dict[str, str] = {}
        longest_first = sorted(hidden.items(), key=lambda entry: -len(entry[0]))
        self._spelled = [
            (Spelled(value, whole_words=name not in made_up, besides=OWN_TEXTS), name) for value, name in longest_first
        ]
        self._lock = threading.Lock()
        register(self)
        # This program's own name stands in all that it says: if it were replaced there, that would tell the password.
        self._private.pop("vcontract", None)

    def resolve(self, envelope: bytes) -> bytes:
        """Replace names by their values, escaped for XML; unknown names stay as they are."""
        if not self._values or b"secret:" not in envelope:
            return envelope
        return self._names.sub(self._value_of, envelope)

    def _value_of(self, match: re.Match[bytes]) -> bytes:
        name = match[1].decode()
        name = self._spelt.get(name, name)
        return self._escaped(name) if name in self._values else match[0]

    def learn(self, value: str, kind: str) -> str:
        """Give the name of a secret that a server gave, a new one if it was not known; `kind` says what it is.

        What is already a name stays: a recording holds names.
        """
        if not value or value.startswith(SECRET):
            return value
        with self._lock:
            name = self._learned.get(value) or self._hidden.get(value)
            if name is None:
                name = self._learned[value] = f"{self._series}.{kind}.{len(self._learned) + 1}"
                self._values[name] = value
                if len(value) >= _SHORTEST_LEARNED:
                    self._spelled.append((Spelled(value, whole_words=False), name))
        return SECRET + name

    def named(self, value: str) -> str:
        """Give the name of a value that was learned as a secret; any other value is given back."""
        name = self._learned.get(value)
        return value if name is None else SECRET + name

    def repeated(self, reply: bytes) -> tuple[str, ...]:
        """Say which made-up secret a reply repeats, where none belongs: no fault and no task may hold a secret."""
        return tuple(f"secret: the reply repeats {name}" for name, value in self._made_up.items() if value in reply)

    def clean(self, body: bytes) -> bytes:
        """Replace secrets in a body by their names, whichever way XML spells them; all else stays."""
        anywhere = odd(body)
        present = [entry for entry in self._spelled if anywhere or entry[0].probe in body]
        if not present:
            return body
        text, encoding = text_of(body)
        for spelled, name in present:
            text = spelled.replaced(text, escape(SECRET + name, _QUOTES))
        return text.encode(encoding, "surrogateescape")

    def redact(self, text: str) -> str:
        """Replace secrets in a text by their names."""
        if self._whole_words is None:
            return text
        return self._whole_words.sub(lambda match: SECRET + self._hidden[match[1]] if match[1] else match[0], text)

    def redact_value(self, value: Json) -> Json:
        """Redact every string of a decoded value."""
        if self._whole_words is None:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {key: self.redact_value(field) for key, field in value.items()}
        if isinstance(value, list):
            return [self.redact_value(item) for item in value]
        return value

    def redact_all(self, text: str) -> str:
        """Replace every value that is not public, short ones too, in a text that is never judged."""
        for value, name in sorted({**self._private, **self._learned}.items(), key=lambda entry: -len(entry[0])):
            for plain in (value, escape(value), escape(value, _QUOTES)):
                for form in (plain, repr(plain)[1:-1], repr(plain.encode())[2:-1]):
                    text = text.replace(form, SECRET + name)
        return text

    def _escaped(self, name: str) -> bytes:
        return escape(self._values[name], _QUOTES).encode()


def _any_of(texts: Collection[str]) -> str:
    return "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
