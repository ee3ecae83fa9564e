"""The last exchanges of a run in bounded memory; those around a finding go into a file beside the history."""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from vcontract._client.recording import Passed, exchange_of
from vcontract._client.wire import HttpReply
from vcontract._exchanges import WireExchange
from vcontract._saved_file import append_to, write_line
from vcontract._terms import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from vcontract._client.secrets import Secrets

MOST, LARGEST, LONGEST = 512, 1 << 24, 1 << 18
"""So many exchanges are remembered, with so many bytes of bodies in all, and so many of one body."""
BEFORE = 3
"""So many exchanges before one that is kept are kept with it."""
_SESSION_LIKE = re.compile(
    r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32,})(?![0-9A-Fa-f])"
)
_FILE = 1 << 23
"""How many bytes the file may have: who has many findings needs no further example."""


class RecentExchanges:
    """Remembers the last exchanges as they were on the wire. Safe for many threads."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._recent: OrderedDict[int, tuple[Passed, str]] = OrderedDict()
        self._bytes = 0
        self._written: set[int] = set()
        self._size = 0
        self._most, self._largest = MOST, LARGEST
        self._lock = threading.Lock()

    def remember(self, most: int, largest: int) -> None:
        """Set how many exchanges are remembered, with how many bytes of bodies, from now on."""
        self._most, self._largest = most, largest

    def heard(self, op: int, passed: Passed) -> None:
        """Remember one exchange of an operation; the oldest are forgotten."""
        outcome, told = passed.outcome, ""
        if isinstance(outcome, HttpReply) and len(outcome.body) > LONGEST:
            told = _cut(len(outcome.body))
            passed = passed._replace(outcome=replace(outcome, body=outcome.body[:LONGEST]))
        with self._lock:
            self._recent[op] = (passed, told)
            self._bytes += _size(passed)
            while len(self._recent) > self._most or self._bytes > self._largest:
                _, (oldest, _) = self._recent.popitem(last=False)
                self._bytes -= _size(oldest)

    def keep(self, ops: Iterable[int], file: Path) -> None:
        """Write the exchanges of some operations, and the three before each, into a file; each only once.

        Raises ReportError: it cannot be written. What is not remembered any more is left out.
        """
        wanted = sorted({each for op in ops for each in range(op - BEFORE, op + 1)} - self._written)
        with self._lock:
            found = {op: self._recent[op] for op in wanted if op in self._recent}
        if not found or self._size > _FILE:
            return
        opened = append_to(file)
        try:
            for op, (passed, told) in found.items():
                line = msgspec.json.encode(_shown(op, passed, told, self._secrets)) + b"\n"
                write_line(opened, line, file)
                self._written.add(op)
                self._size += len(line)
        finally:
            os.close(opened)


def _shown(op: int, passed: Passed, told: str, secrets: Secrets) -> WireExchange:
    made = exchange_of(passed, secrets)
    request = _text(made.content.body[:LONGEST]) + (_cut(len(made.content.body)) * (len(made.content.body) > LONGEST))
    shown = WireExchange(op, made.actor, made.path, made.sent, made.ended, made.headers, request, lost=made.lost)
    if made.reply is None:
        return shown
    reply = _text(made.reply.content.body) + told
    return replace(shown, status=made.reply.status, answered=dict(made.reply.headers), reply=reply)


def _text(body: bytes) -> str:
    """Decode a body. What is shaped like a session's key or cookie is blanked: one of an earlier run nobody here learned."""
    return _SESSION_LIKE.sub(f"{SECRET}hidden", body.decode("utf-8", "backslashreplace"))


def _cut(length: int) -> str:
    return f"\n… cut: {length} bytes in all"


def _size(passed: Passed) -> int:
    reply = passed.outcome.body if isinstance(passed.outcome, HttpReply) else b""
    return len(passed.body) + len(reply)
