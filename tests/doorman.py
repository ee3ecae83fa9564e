"""What stands before a server (tests/mangler.py), counts the logins that come, and how many of them are refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from tests.mangler import Exchange, Reply


class Doorman:
    """Counts the logins that came to a server and were refused, by account; it refuses those that `refuses` says."""

    def __init__(self, refuses: Callable[[int], bool] = lambda _: False) -> None:
        self.came, self.refused = Counter[str](), Counter[str]()
        self._refuses = refuses

    def refuse(self, refuses: Callable[[int], bool]) -> None:
        """Refuse others from now on, by the number of the login."""
        self._refuses = refuses

    def __call__(self, exchange: Exchange) -> Reply:
        """Hand a request on; a login that is to be refused with another password than was given."""
        if exchange.method != "Login":
            return exchange.ask()
        found = re.search(rb"<(?:\w+:)?userName[^>]*>([^<]*)<", exchange.body)
        name = found[1].decode() if found else ""
        self.came[name] += 1
        if self._refuses(self.came.total()):
            exchange.body = re.sub(rb"(<(?:\w+:)?password[^>]*>)[^<]*", rb"\g<1>changed", exchange.body)
        reply = exchange.ask()
        if b"InvalidLogin" in reply.body:
            self.refused[name] += 1
        return reply
