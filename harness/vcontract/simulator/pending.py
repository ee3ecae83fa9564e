"""An answer that is not ready when the call is made: WaitForUpdates and its kin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class NotYet:
    """What `Pending.poll` gives as long as there is no answer."""


@dataclass(frozen=True)
class Pending:
    """Returned by a method that blocks.

    `poll` is asked after every change, and gives `NotYet`, or the method's value, or raises a pyVmomi fault; `timeout`
    (seconds, None: never) ends the wait with `on_timeout`'s value.
    """

    poll: Callable[[], Any]
    timeout: float | None = None
    on_timeout: Callable[[], Any] = lambda: None
