"""The file of a recorded run: its first line says what it is, each further line is one exchange, secrets by name.

Form `vcontract.recording/1`. A body stands as text if it is UTF-8, else in `base64`. Times are seconds on the
clock of the run.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from vcontract._client.wire import HttpReply
from vcontract._errors import RunFileError, UsageError
from vcontract._json_file import both_versions
from vcontract._saved_file import write_line
from vcontract._terms import Json, Lost

if TYPE_CHECKING:
    from pathlib import Path

    from vcontract._client.recorder import Recorder
    from vcontract._client.secrets import Secrets

FORMAT = "vcontract.recording/1"
GET, POST = "GET", "POST"
SESSION = "session"
"""The kind of a secret that a cookie holds."""
_KEPT = frozenset({"content-type", "location", "set-cookie"})
"""The headers of a reply that a client of the SDK uses; others are left out, as they may hold unknown secrets."""
PAIR = re.compile(r'([^=;\s]+)=("?)([^";]+)')
"""The name and the value of a cookie."""
_T = TypeVar("_T")


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A body: `text`, or `base64` if it is no UTF-8."""

    text: str = ""
    base64: bytes = b""

    @classmethod
    def of(cls, body: bytes) -> Content:
        """Make the content that holds a body."""
        try:
            return cls(body.decode())
        except UnicodeDecodeError:
            return cls(base64=body)

    @property
    def body(self) -> bytes:
        """The bytes of the body."""
        return self.base64 or self.text.encode()


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole reply."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    content: Content = Content()

    @property
    def reply(self) -> HttpReply:
        """The reply as the connection gave it."""
        return HttpReply(self.status, self.headers, self.content.body)


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request of an actor and what became of it: a reply, or the reason why it was `lost`.

    `slept` are the seconds that the run waited on purpose between the exchange before and this one.
    """

    actor: str
    verb: str
    path: str
    sent: float
    ended: float
    headers: dict[str, str] = {}
    content: Content = Content()
    reply: Answered | None = None
    lost: str = ""
    slept: float = 0.0


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line: the form, the server's URL, when it began (UTC), what was asked of the run and its configuration.

    `version` is that of the vcontract that recorded it, empty if the file does not say.
    """

    format: str
    url: str
    began: str
    asked: dict[str, Json] = {}
    config: dict[str, Json] = {}
    version: str = ""


class Recording(msgspec.Struct, frozen=True):
    """A recording that was read; exchanges are decoded when they are used, for they may be hundreds of megabytes."""

    opening: Opening
    lines: list[bytes]

    def exchange(self, place: int) -> Exchange:
        """Give an exchange by its place, from 0 on."""
        return msgspec.json.decode(self.lines[place], type=Exchange)


class Passed(NamedTuple):
    """An exchange as it was on the wire, its reply as `_understood` of a target leaves it: known secrets not yet taken out."""

    actor: str
    verb: str
    path: str
    sent: float
    ended: float
    outcome: HttpReply | Lost
    headers: Mapping[str, str]
    body: bytes


def exchange_of(passed: Passed, secrets: Secrets) -> Exchange:
    """Give an exchange as a file may hold it: known secrets by name, of the reply only the headers that tell."""
    reply, lost = None, ""
    if isinstance(passed.outcome, Lost):
        lost = secrets.redact(passed.outcome.reason) or "no reason"
    else:
        kept = tuple((name, _header(name, value, secrets)) for name, value in passed.outcome.headers if name in _KEPT)
        reply = Answered(passed.outcome.status, kept, Content.of(secrets.clean(passed.outcome.body)))
    shown = {name: _header(name, value, secrets) for name, value in passed.headers.items()}
    content = Content.of(secrets.clean(passed.body))
    sent, ended = round(passed.sent, 6), round(passed.ended, 6)
    return Exchange(passed.actor, passed.verb, passed.path, sent, ended, shown, content, reply, lost)


def _header(name: str, value: str, secrets: Secrets) -> str:
    if name.lower() == "set-cookie":
        return PAIR.sub(lambda match: f"{match[1]}={match[2]}{secrets.learn(match[3], SESSION)}", value, count=1)
    if name.lower() == "cookie":
        return PAIR.sub(lambda match: f"{match[1]}={match[2]}{secrets.named(match[3])}", value)
    return secrets.clean(value.encode()).decode()


class Tape:
    """Writes a recording as it happens, one write a line, so that a killed run loses nothing. Safe for many threads.

    UsageError: the file is there already or cannot be made; HarnessError: it cannot be written.
    """

    def __init__(self, path: Path, opening: Opening, secrets: Secrets, recorder: Recorder) -> None:
        self.now = recorder.now
        self._recorder, self._slept = recorder, recorder.slept
        self._path, self._secrets = path, secrets
        self._lock = threading.Lock()
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError as error:
            raise UsageError(f"{path}: is there already; a recording is never written over") from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
        self._write(opening)

    def exchange(
        self,
        actor: str,
        verb: str,
        path: str,
        sent: float,
        ended: float,
        outcome: HttpReply | Lost,
        *,
        request: tuple[Mapping[str, str], bytes] = ({}, b""),
    ) -> None:
        """Write an exchange; `request` are headers and body, its secrets by name. Those of the reply are replaced here."""
        self.keep(Passed(actor, verb, path, sent, ended, outcome, *request))

    def keep(self, passed: Passed) -> None:
        """Write an exchange, in the order of calls."""
        slept, self._slept = round(self._recorder.slept - self._slept, 6), self._recorder.slept
        self._write(msgspec.structs.replace(exchange_of(passed, self._secrets), slept=slept))

    def close(self, *, keep: bool = True) -> None:
        """Close the file; without `keep` delete it, as no run took place."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        if not keep:
            self._path.unlink(missing_ok=True)

    def _write(self, line: Opening | Exchange) -> None:
        data = msgspec.json.encode(line) + b"\n"
        with self._lock:
            if self._file < 0:
                return
            write_line(self._file, data, self._path)


def read_recording(path: Path) -> Recording:
    """Read a recording. Raises RunFileError that names file and line for all that is none, or is not whole."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise RunFileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    first, _, rest = data.partition(b"\n")
    form = _decoded(path, 1, first, _Form)
    if form.format != FORMAT:
        raise RunFileError(f"{path}: is of form {form.format!r}, expected {FORMAT!r}: {both_versions(form.version)}")
    opening = _decoded(path, 1, first, Opening)
    lines = rest.split(b"\n")
    if lines.pop():
        raise RunFileError(f"{path}:{len(lines) + 2}: the last line is cut; take it off to replay what is before it")
    for number, line in enumerate(lines, 2):
        exchange = _decoded(path, number, line, Exchange)
        if (exchange.reply is None) == (not exchange.lost):
            raise RunFileError(
                f"{path}:{number}: not an exchange: it takes a reply, or else the reason why it was lost"
            )
    return Recording(opening, lines)


class _Form(msgspec.Struct):
    format: str
    version: str = ""


def _decoded(path: Path, number: int, line: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "no recording" if kind is not Exchange else "not an exchange"
        raise RunFileError(f"{path}:{number}: {what}: {error}") from error
