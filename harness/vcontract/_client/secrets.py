"""Secrets are named in calls, put in on the way to the wire, and taken out of everything that comes back."""

from __future__ import annotations

import re
import threading
from functools import partial
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from vcontract._client.encoded import Grams, Spelled, bytes_of, odd, plain, replaced, text_of
from vcontract._redaction import register
from vcontract._terms import SECRET, Faulted, Json, Lost, Outcome, Returned

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_SHORTEST, _SHORTEST_ODD = 8, 6
"""Shorter values are left in replies but where one stands as a password: they are everyday words (`guest`), and replacing those
falsifies replies. One that no name can be (`Pa5$wd`) is none."""
_IN_NAMES = frozenset(" -_.:/,")
_SHORTEST_LEARNED = 16
"""The same for what a server called a secret: no ticket or session is shorter, and a server may call any word one. From here on
a single word is no everyday one."""
_LONGEST_LEARNED = 65536
"""Longer ones are hidden where they stand, and not searched for: a server may give any number of them."""
OWN_TEXTS = (
    *(
        "vcontract.owner",
        "vcontract.run",
        "vcontract.claim",
        "made by vcontract run",
        "vcontract simulator",
        "vcontract's own simulator",
    ),
    *(f"vcontract {verb}" for verb in ("adopt", "cleanup", "doctor", "judge", "learn", "replay", "run", "stress")),
)
"""What we and our simulator write ourselves: it stays, even if a password is a word of it, for marks must be known."""
LOGIN, ACCOUNT = "Login", "account."
"""The method by which an account logs in, and how the names of the passwords of accounts begin."""
_ELEMENT = b"password"
_PASSWORD = rb"<(?:[\w.-]+:)?password\b(?:[^<>]*[^<>/])?>(?:\s|<!\[CDATA\[|<!--[^>]*-->|<\?[^>]*\?>)*"
"""What stands before a password: its element, and what XML lets stand in it without a meaning."""
_QUOTES = {'"': "&quot;"}
_BEFORE_IT = (
    r"(?i:pass(?:word|wd|phrase)|pwd)[\w.-]*"
    r"(?:[\"']?\s*[=:]\s*[\"']?|\s+[\"'`]|(?:\s[^<>]*)?>\s*|\s*</[^<>]*>\s*<[^<>/]*>\s*)"
)
"""What says of the next word that it is a password: in a sentence, in JSON, as an element, as a key before a value."""
_TELLING = (b"ass", b"ASS", b"wd", b"WD", b"@")
"""One of these stands wherever a short secret is found."""


class Placed:
    """Short secrets, which are found only where they stand as passwords: after `password=` or the like, or in a URL."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {
            form: name for value, name in names.items() for form in (value, escape(value), escape(value, _QUOTES))
        }
        value = rf"(?!{SECRET})(?P<value>{_any_of(self._names)})"
        self._placed = re.compile(rf"(?P<before>{_BEFORE_IT}|://[^\s/:@<>]*:){value}(?![\w-])") if names else None
        unspoken = [form for form in self._names if not _spoken(form)]
        whole = rf"(?<![\w.-])(?P<before>)(?P<value>{_any_of(unspoken)})(?![\w-])"
        self._whole_words = re.compile(whole) if unspoken else None
        self._quoted = re.compile(rf"(?P<before>(?P<quote>[\"'`])){value}(?=(?P=quote))") if names else None

    def may_be_in(self, data: bytes) -> bool:
        """Whether one may stand in some bytes as a password; False is certain."""
        if self._placed is not None:
            for sign in _TELLING:
                if sign in data:
                    return True
        return False

    def without(self, text: str) -> str:
        """Replace them where they stand as passwords."""
        return self._placed.sub(self._named, text) if self._placed is not None else text

    def without_all(self, text: str) -> str:
        """Replace them also where they are all that stands in quotes, and whole words if they are none that is spoken."""
        for pattern in (self._quoted, self._whole_words):
            text = pattern.sub(self._named, text) if pattern is not None else text
        return text

    def _named(self, match: re.Match[str]) -> str:
        return f"{match['before']}{SECRET}{self._names[match['value']]}"


class Secrets:
    """The values behind `secret:NAME`.

    Values that are `public` (documented passwords of the simulator) are resolved but not redacted, as a reply may rightly
    contain them. Of the others, one that is no everyday word is found anywhere and in every spelling, also joined to other
    words; one that is a single word (`Customization`), where it is a whole word; one that is shorter than 8 characters,
    where it stands as a password, unless it can be nothing else (`Pa5$wd`). No reply may contain those of `made_up`. The
    secrets that a server gives (a session, a ticket) are learned during the run and get names as well, those of a `series`.
    Safe for many threads.
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
        self._own = frozenset(self._values.keys() - set(made_up))
        self._made_up = {name: self._escaped(name) for name in made_up}
        # A name with a character that XML escapes (a user R&D) stands in an envelope in its escaped form.
        self._spelt = {form: name for name in self._values for form in (name, escape(name), escape(name, _QUOTES))}
        learned = rb"%s\.\w+\.\d+" % series.encode()
        named = b"secret:(%s|%s)(?![\\w-]|\\.\\w)" % (_any_of(self._spelt).encode(), learned)
        self._names, self._places = re.compile(named), re.compile(b"%s(?=%s)" % (_PASSWORD, named))
        private = {value: name for name, value in self._values.items() if name not in public and value}
        hidden = {value: name for value, name in private.items() if _telling(value)}
        self._private, self._hidden = private, hidden
        self._series = series
        self._learned: dict[str, str] = {}
        self._spelled: list[tuple[Spelled, str]] = []
        self._grams = Grams()
        for value, name in sorted(hidden.items(), key=lambda entry: -len(entry[0])):
            self._search_for(Spelled(value, whole_words=_everyday(value), besides=OWN_TEXTS), name)
        self._short = Placed({value: name for value, name in private.items() if value not in hidden})
        self._lock = threading.Lock()
        register(self)
        # This program's own name stands in all that it says: if it were replaced there, that would tell the password.
        self._private.pop("vcontract", None)

    def resolve(self, envelope: bytes, method: str = LOGIN) -> bytes:
        """Replace names by their values, escaped for XML, in the envelope of a call; unknown names stay as they are.

        A password goes where passwords stand: that of an account into a Login, any other into a `password`. For a call may
        come from a saved file, which could name one as the name of a VM, that others read.
        """
        if not self._values or b"secret:" not in envelope:
            return envelope
        return self._names.sub(partial(self._value_of, method, self._places_in(envelope)), envelope)

    def _places_in(self, envelope: bytes) -> list[tuple[int, int]]:
        """Find what stands before the names that stand as passwords: from the begin of the element to that of the name."""
        places: list[tuple[int, int]] = []
        at = envelope.find(_ELEMENT)
        while at >= 0:
            place = self._places.match(envelope, max(envelope.rfind(b"<", 0, at), 0))
            if place:
                places.append(place.span())
            at = envelope.find(_ELEMENT, place.end() if place else at + 1)
        return places

    def _value_of(self, method: str, places: Sequence[tuple[int, int]], match: re.Match[bytes]) -> bytes:
        name = match[1].decode()
        name = self._spelt.get(name, name)
        at = match.start()
        if any(begin <= at < end for begin, end in places):
            return match[0]  # it is part of what stands before another one
        placed = any(end == at for _, end in places)
        belongs = (placed and (method == LOGIN or not name.startswith(ACCOUNT))) or name not in self._own
        return self._escaped(name) if name in self._values and belongs else match[0]

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
                if _SHORTEST_LEARNED <= len(value) <= _LONGEST_LEARNED:
                    self._search_for(Spelled(value, whole_words=False), name)
        return SECRET + name

    def named(self, value: str) -> str:
        """Give the name of a value that was learned as a secret; any other value is given back."""
        name = self._learned.get(value)
        return value if name is None else SECRET + name

    def repeated(self, reply: bytes) -> tuple[str, ...]:
        """Say which made-up secret a reply repeats, where none belongs: no fault and no task may hold a secret."""
        repeated = [name for name, value in self._made_up.items() if value in reply]
        return tuple(f"secret: the reply repeats {name}" for name in repeated) if repeated else ()

    def _search_for(self, spelled: Spelled, name: str) -> None:
        self._spelled.append((spelled, name))
        self._grams.add(spelled, len(self._spelled) - 1)

    def clean(self, body: bytes) -> bytes:
        """Replace secrets in a body by their names, whichever way they are spelled; all else stays."""
        return self.cleaned(body)[0]

    def cleaned(self, body: bytes) -> tuple[bytes, int]:
        """Clean a body; gives also how many secrets were looked for that no text in it can hold: 0 if that is not certain."""
        looked_for = len(self._spelled) + 1  # those that are short, all as one
        if not odd(body) and not self._grams.may_be_in(body) and not self._short.may_be_in(body):
            return body, looked_for
        text, encoding = text_of(body)
        shown = self._without(text, xml=True)
        return body if shown is text else bytes_of(shown, encoding), 0

    def covers(self, looked_for: int) -> bool:
        """Whether what `cleaned` said of a body is true of all that are known by now."""
        return looked_for == len(self._spelled) + 1

    def redact(self, text: str) -> str:
        """Replace secrets in a text by their names; gives the very same text if there is none."""
        return self._without(text, xml=False)

    def _without(self, text: str, *, xml: bool) -> str:
        data = text.encode("utf-8", "surrogatepass")
        suspects = self._grams.may_be_in(data)
        said = text
        if odd(data):
            said = plain(text)
            suspects |= self._grams.may_be_in(said.encode("utf-8", "surrogatepass"))
        elif suspects:
            said = plain(text)
        present = [self._spelled[place] for place in sorted(suspects) if self._spelled[place][0].in_plain(said)]
        shown = text
        if present:
            shown = replaced(
                text, [(each, escape(SECRET + name, _QUOTES) if xml else SECRET + name) for each, name in present]
            )
        if self._short.may_be_in(data):
            shown = self._short.without(shown)
        return text if shown == text else shown

    def redact_value(self, value: Json) -> Json:
        """Redact every string of a decoded value; gives the very same value if there is none."""
        texts: list[str] = []
        _gather(value, texts)
        together = "\n\n".join(texts)
        return value if self.redact(together) is together else self._redacted(value)

    def _redacted(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {key: self._redacted(field) for key, field in value.items()}
        return [self._redacted(item) for item in value] if isinstance(value, list) else value

    def redact_outcome(self, outcome: Outcome) -> Outcome:
        """Redact what came of a call."""
        if isinstance(outcome, Returned):
            return Returned(self.redact_value(outcome.value))
        if isinstance(outcome, Lost):
            return Lost(self.redact(outcome.reason))
        fault = outcome.fault
        clean = type(fault)(fault.type, self.redact_value(fault.fields), self.redact(fault.message))
        return Faulted(clean, outcome.channel)

    def redact_all(self, text: str) -> str:
        """Replace every value that is not public in a text that is never judged: more of the short ones too."""
        text = self.redact(text)
        for value, name in tuple(self._learned.items()):
            if len(value) >= _SHORTEST:
                text = text.replace(value, SECRET + name)
        return self._short.without_all(text)

    def _escaped(self, name: str) -> bytes:
        return escape(self._values[name], _QUOTES).encode()


def _any_of(texts: Collection[str]) -> str:
    return "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))


def _telling(value: str) -> bool:
    """Whether a password is looked for in free text: it is long, or has a character that no word, name or number has."""
    odd_one = any(not character.isalnum() and character not in _IN_NAMES for character in value)
    return len(value) >= _SHORTEST or (len(value) >= _SHORTEST_ODD and odd_one)


def _spoken(value: str) -> bool:
    """Whether a short password may be a word or a number of a sentence."""
    word = value.isalpha() and any(letter in "aeiouy" for letter in value.lower())
    return len(value) < 2 or word or value.isdigit()


def _everyday(value: str) -> bool:
    """Whether a password is a single word or number, as may stand in a longer one by chance (`Customization`, `20260101`)."""
    return len(value) < _SHORTEST_LEARNED and (value.isalpha() or value.isdigit())


def _gather(value: Json, texts: list[str]) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            _gather(item, texts)
