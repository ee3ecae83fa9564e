"""Redacts texts that this project did not write (a traceback, a library's error): holders of secrets register here.

The module stands below every room, so that the code that ends a command can redact without knowing who holds the secrets.
"""

from __future__ import annotations

import weakref
from typing import Protocol


class Redactor(Protocol):
    """An object that holds secrets and can remove them from a text."""

    def redact_all(self, text: str) -> str:
        """Remove every secret from a text that is not judged."""


_redactors: weakref.WeakSet[Redactor] = weakref.WeakSet()


def register(redactor: Redactor) -> None:
    """Add a holder of secrets that `redact_everywhere` asks for as long as the holder lives."""
    _redactors.add(redactor)


def redact_everywhere(text: str) -> str:
    """Remove from a text every secret that this process was given or learned."""
    for redactor in list(_redactors):
        text = redactor.redact_all(text)
    return text
