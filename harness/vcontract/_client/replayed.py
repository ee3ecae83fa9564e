"""Connections that answer from a recording, without any network."""

from __future__ import annotations

import re
from bisect import bisect_left
from hashlib import blake2b
from typing import TYPE_CHECKING

from vcontract._client.actors import CANARY
from vcontract._client.clock import RecordedClock
from vcontract._client.recording import GET, POST, Recording
from vcontract._client.updates import NEEDED
from vcontract._client.wire import HttpReply
from vcontract._terms import Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_METHOD = re.compile(rb"<(?:[\w.-]+:)?Body[^>]*>\s*<(?:[\w.-]+:)?([\w.-]+)")
_READ = frozenset({"RetrievePropertiesEx", "CurrentTime"})
"""The methods by which the harness polls. They change nothing, so a replay may leave one out, or send one once more."""


_SINCE = re.compile(rb"<(?:[\w.-]+:)?pathSet>runtime\.(?:instantCloneFrozen|paused)</(?:[\w.-]+:)?pathSet>")
"""What is asked for since 0.2.0 beside all else: a recording of a former version has the same read without it."""
_NOT_SUPPORTED = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Fault><faultcode>Server</faultcode>'
    b"<faultstring>recorded by a run that did not wait by calls</faultstring><detail>"
    b'<NotSupportedFault xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="NotSupported"/>'
    b"</detail></Fault></Body></Envelope>"
)


class Replay:
    """A server that answers from a recorded run; it goes through the exchanges in their order, for all actors together.

    A request gets the answer of the next exchange with the same actor, path, headers (but for the cookie) and body. Only
    reads may be skipped on the way to it, as by a run that polls less often; a read of which no further exchange follows
    gets its last answer again. The exchanges of the actor `canary` have an order of their own: the clock decides when it
    looks, and no other actor uses its sessions. The first request that was not recorded ends the replay: that one and all
    that follow are Lost, and `over` gives the reason, as any later answer would be out of order. Of a run that never waited
    by a call, as those of 0.1.0, it says that it does not support that. Not for several threads.
    """

    def __init__(self, recording: Recording) -> None:
        self.clock = RecordedClock()
        self.over = ""
        self._recording = recording
        self._at = 0
        self._count = count = len(recording.lines)
        self._places: dict[bytes, list[int]] = {}
        self._read: list[bool] = []
        self._waited = False
        self._goes_on: list[float] = []
        for place in range(count):
            exchange = recording.exchange(place)
            key = _key(exchange.actor, exchange.verb, exchange.path, exchange.headers, exchange.content.body)
            self._places.setdefault(key, []).append(place)
            self._read.append(
                exchange.actor == CANARY
                or exchange.verb == GET
                or method_of(exchange.verb, exchange.path, exchange.content.body) in _READ
            )
            self._goes_on.append(exchange.sent - exchange.slept)
            self._waited = self._waited or method_of(exchange.verb, exchange.path, exchange.content.body) in NEEDED
        self._acts = [count] * (count + 1)
        """For each place the next one that is no read."""
        for place in reversed(range(count)):
            self._acts[place] = self._acts[place + 1] if self._read[place] else place

    def connect(self, actor: str) -> ReplayedConnection:
        """Give an actor's connection."""
        return ReplayedConnection(self, actor)

    def answer(self, actor: str, verb: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpReply | Lost:
        """Give the recorded answer to a request; Lost if there is none."""
        if self.over:
            return Lost(self.over)
        places = self._places.get(_key(actor, verb, path, headers, body), [])
        if actor == CANARY and places:
            return self._reply(places.pop(0) if len(places) > 1 else places[0])
        following = bisect_left(places, self._at)
        if following < len(places) and places[following] <= self._acts[self._at]:
            self._at = places[following] + 1
            return self._advance_to(places[following])
        if following and self._read[places[following - 1]]:
            return self._advance_to(places[following - 1])
        if (method := method_of(verb, path, body)) in NEEDED and not self._waited:
            return HttpReply(500, (("content-type", "text/xml; charset=utf-8"),), _NOT_SUPPORTED)
        what = f"{method} of {actor}"
        self.over = f"the recording holds no answer to {what} after {self._at} of its {self._count} exchanges"
        return Lost(self.over)

    def _advance_to(self, place: int) -> HttpReply | Lost:
        self.clock.reach(
            self._recording.exchange(place).ended, self._goes_on[self._at] if self._at < self._count else 0.0
        )
        return self._reply(place)

    def _reply(self, place: int) -> HttpReply | Lost:
        exchange = self._recording.exchange(place)
        return Lost(exchange.lost) if exchange.reply is None else exchange.reply.reply


class ReplayedConnection:
    """An actor's way to a recording; what it sends goes nowhere."""

    def __init__(self, replay: Replay, actor: str) -> None:
        self._replay, self._actor = replay, actor
        self.met = True
        self.reused = False
        self.stopped: Callable[[], bool] = lambda: False

    @property
    def over(self) -> str:
        """The reason why no further request can be answered; empty if one may."""
        return self._replay.over

    def get(self, path: str) -> HttpReply | Lost:
        """Give the document as it was recorded."""
        return self._replay.answer(self._actor, GET, path, {}, b"")

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], pacing: tuple[float, ...], seconds: float
    ) -> HttpReply | Lost:
        """Give the answer that was recorded."""
        del pacing, seconds  # the recorded times hold them
        return self._replay.answer(self._actor, POST, path, headers, body)

    def close(self) -> None:
        """Do nothing, as nothing is open."""


def method_of(verb: str, path: str, body: bytes) -> str:
    """Name what a request asks for: the method of a call as far as it can be read, else the document."""
    method = _METHOD.search(body)
    return f"{verb} {path}" if method is None else method[1].decode()


def _key(actor: str, verb: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    # The cookie of a session differs in each run; the actor identifies the session.
    shown = sorted((name.lower(), value) for name, value in headers.items() if name.lower() != "cookie")
    return blake2b(repr((actor, verb, path, shown)).encode() + _SINCE.sub(b"", body), digest_size=16).digest()
