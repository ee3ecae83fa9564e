"""What the operator lets a run do."""

from __future__ import annotations

import msgspec

from vcontract.client import SpentError
from vcontract.config.config import PERMISSIONS
from vcontract.config.permissions import forbidden
from vcontract.testbed.not_arranged import NotArrangedError


class Permits(msgspec.Struct, frozen=True):
    """The permissions that the operator gives (`allow`), and how many judged calls may be made (`max_calls`, 0: any number)."""

    allow: frozenset[str] = frozenset(PERMISSIONS)
    max_calls: int = 0

    @property
    def power(self) -> bool:
        """Whether power operations are allowed."""
        return "power" in self.allow

    def check(self, method: str) -> None:
        """Raise NotArrangedError if the operator does not allow that a method is called."""
        if reason := forbidden(method, self.allow):
            raise NotArrangedError(reason)

    def check_count(self, calls: int) -> None:
        """Raise SpentError if no judged call may follow so many."""
        if self.max_calls and calls >= self.max_calls:
            raise SpentError(f"the limit of {self.max_calls} judged calls was reached")
