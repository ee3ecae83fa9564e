"""Redacts texts that this project did not write (a traceback, a library's error): holders of secrets register here.

The module stands below every room, so that the code that ends a command can redact without knowing who holds the secrets.
"""

from __future__ import annotations

import re
import weakref
from typing import Protocol


class Redactor(Protocol):
    """An object that holds secrets and can remove them from a text."""

    def redact_all(self, text: str) -> str:
        """Remove every secret from a text that is not judged."""


USERINFO = "…@"
"""Stands where a URL had a user name, and perhaps a password."""
_IN_URL = re.compile(r"(?<=://)[^\s\"<>|]*@")
_redactors: weakref.WeakSet[Redactor] = weakref.WeakSet()


def register(redactor: Redactor) -> None:
    """Add a holder of secrets that `redact_everywhere` asks for as long as the holder lives."""
    _redactors.add(redactor)


def without_userinfo(text: str) -> str:
    """Leave out of each URL in a text what stands before an `@`, for it may be a password, which may hold any character."""
    return _IN_URL.sub(USERINFO, text)


def redact_everywhere(text: str) -> str:
    """Remove from a text every secret that this process was given or learned, and what URLs say before an `@`."""
    text = without_userinfo(text)
    for redactor in list(_redactors):
        text = redactor.redact_all(text)
    return text
