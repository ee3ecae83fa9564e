"""Redaction of texts whose words nobody chose (a traceback, an error of a library): whoever holds secrets says so here.

It stands below every room, so that what ends a command can redact without knowing who holds the secrets.
"""

from __future__ import annotations

import weakref
from typing import Protocol


class Redactor(Protocol):
    """Whoever holds secrets, and can take them out of a text."""

    def redact_all(self, text: str) -> str:
        """Take every secret out of a text that nobody judges."""


_redactors: weakref.WeakSet[Redactor] = weakref.WeakSet()


def register(redactor: Redactor) -> None:
    """Have `redact_everywhere` ask one more holder of secrets, as long as it lives."""
    _redactors.add(redactor)


def redact_everywhere(text: str) -> str:
    """Take out of a text every secret that this process was given or learned."""
    for redactor in list(_redactors):
        text = redactor.redact_all(text)
    return text
