"""Answers that are not ready when the call is made, as those of WaitForUpdates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class NotYet:
    """The result of `Pending.poll` while there is no answer."""


@dataclass(frozen=True)
class Pending:
    """Returned by a method that blocks.

    `poll` is called after every change; it gives `NotYet` or the method's value, or raises a pyVmomi fault. After `timeout`
    seconds (None: never) the wait ends with the value of `on_timeout`.
    """

    poll: Callable[[], Any]
    timeout: float | None = None
    on_timeout: Callable[[], Any] = lambda: None
