"""The actors of a target: the connection of each, its cookie, and how it logged in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from vcontract.client.wire import HttpReply
from vcontract.terms import Call, Json, Lost, Outcome, Returned, unauthenticated

COOKIE = "vmware_soap_session"
NOBODY = "nobody"
STRANGER = "stranger"
CANARY = "canary"
"""Who opens a session now and then to see whether the server still answers; its sessions mean nothing to the others."""
_MADE_UP = "00000000000000000000000000000000deadbeef"


class Exchanges(Protocol):
    """What a target needs of a connection; `vcontract.client.wire.Connection` is the one that has a network.

    `over` says why nothing more will ever be answered; empty if it may. `met`: the server has answered before, `reused`: the
    last exchange was not the first of its connection.
    """

    met: bool
    reused: bool

    @property
    def over(self) -> str:
        """Tell why it is over."""

    def get(self, path: str) -> HttpReply | Lost:
        """Fetch a document."""

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], pacing: tuple[float, ...], seconds: float
    ) -> HttpReply | Lost:
        """Send a body with headers, in paced parts; the exchange lasts so many seconds at most."""

    def close(self) -> None:
        """Close it; the next request opens it again."""


Connect = Callable[[str], Exchanges]
"""Gives an actor a connection of its own."""


class Session:
    """An actor's connection and cookie; `nobody` never has a cookie, `stranger` always a made-up one.

    `login` are the arguments with which it logged in, until it logs out. `fresh`: it had to log in again, and no call since
    was served.
    """

    def __init__(self, actor: str, connection: Exchanges) -> None:
        self.connection = connection
        self.login: dict[str, Json] = {}
        self.fresh = self.asking = False
        self.used = time.monotonic()
        self.cookie = f'"{_MADE_UP}"' if actor == STRANGER else ""
        self.fixed = actor in {NOBODY, STRANGER}

    def heard(self, call: Call, outcome: Outcome) -> None:
        """Note what an answer says of the session."""
        self.used = time.monotonic()
        if call.method == "Login" and isinstance(outcome, Returned):
            self.login = call.arguments
        elif call.method == "Logout":
            self.login = {}
        elif not isinstance(outcome, Lost) and not unauthenticated(outcome) and not self.asking:
            self.fresh = False

    def note(self, reply: HttpReply) -> None:
        """Take the cookie that the server sets; Secure is not heeded, loopback HTTP has no better channel."""
        for name, value in reply.headers:
            if name != "set-cookie" or self.fixed:
                continue
            try:
                jar = SimpleCookie(value)
            except CookieError:
                continue
            if COOKIE in jar:
                self.cookie = jar[COOKIE].coded_value
