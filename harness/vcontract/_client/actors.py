"""The actors of a target: the connection of each, its cookie, and how it logged in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from vcontract._client.wire import HttpReply
from vcontract._terms import Call, Json, Lost, Outcome, Returned, unauthenticated

COOKIE = "vmware_soap_session"
NOBODY = "nobody"
STRANGER = "stranger"
CANARY = "canary"
"""The actor that opens a session now and then to check that the server still answers; no other actor uses its sessions."""
_MADE_UP = "00000000000000000000000000000000deadbeef"


class Exchanges(Protocol):
    """The connection that a target sends requests on; `vcontract._client.wire.Connection` is the one with a network.

    `over` gives the reason if no further request can be answered, else an empty text. `met` is true once the server has
    answered, `reused` if the last exchange was not the first of its connection. Once `stopped`, exchanges end soon.
    """

    met: bool
    reused: bool
    stopped: Callable[[], bool]

    @property
    def over(self) -> str:
        """Give the reason why no further request can be answered; empty if one may."""

    def get(self, path: str) -> HttpReply | Lost:
        """Fetch a document."""

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], pacing: tuple[float, ...], seconds: float
    ) -> HttpReply | Lost:
        """Send a body with headers, in parts with pauses of `pacing` seconds; the exchange lasts `seconds` at most."""

    def close(self) -> None:
        """Close it; the next request opens it again."""


Connect = Callable[[str], Exchanges]
"""Makes the connection of an actor."""


class Session:
    """An actor's connection and cookie; `nobody` never has a cookie, `stranger` always a made-up one.

    `login` are the arguments with which it logged in, until it logs out. `fresh` is true between a renewed login and the
    first call after it that the server serves.
    """

    def __init__(self, actor: str, connection: Exchanges) -> None:
        self.connection = connection
        self.login: dict[str, Json] = {}
        self.fresh = self.asking = False
        self.used = time.monotonic()
        self.cookie = f'"{_MADE_UP}"' if actor == STRANGER else ""
        self.fixed = actor in {NOBODY, STRANGER}

    def heard(self, call: Call, outcome: Outcome) -> None:
        """Update the login, `fresh` and the time of last use from the answer to a call."""
        self.used = time.monotonic()
        if call.method == "Login" and isinstance(outcome, Returned):
            self.login = call.arguments
        elif call.method == "Logout":
            self.login = {}
        elif not isinstance(outcome, Lost) and not unauthenticated(outcome) and not self.asking:
            self.fresh = False

    def note(self, cookies: Sequence[str]) -> None:
        """Store the session cookie among those that a reply sets, whatever attributes it has.

        `Secure` is ignored: vCenter's plain port sets it too, and a target on loopback may lack TLS.
        """
        for value in () if self.fixed else cookies:
            name, _, rest = value.partition("=")
            if name.strip() == COOKIE and (content := rest.partition(";")[0].strip()):
                self.cookie = content
