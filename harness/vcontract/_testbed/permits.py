"""What the operator lets a run do."""

from __future__ import annotations

from typing import Protocol

import msgspec

from vcontract._client import SpentError
from vcontract._config.config import PERMISSIONS
from vcontract._config.permissions import forbidden
from vcontract._terms import Call
from vcontract._testbed.not_arranged import NotArrangedError


class Limit(Protocol):
    """What a level of risk lets leave that is no read."""

    def refusal(self, call: Call) -> str:
        """Say why a call must not be sent; empty if it may."""

    @property
    def over(self) -> str:
        """The reason why no further call is to be judged; empty if one may."""


class Permits(msgspec.Struct, frozen=True):
    """The permissions that the operator gives (`allow`), and how many judged calls may be made (`max_calls`, 0: any number).

    With a `limit` no VM is brought into a state: it is taken as it is found.
    """

    allow: frozenset[str] = frozenset(PERMISSIONS)
    max_calls: int = 0
    limit: Limit | None = None

    @property
    def power(self) -> bool:
        """Whether VMs may be brought into states by power operations."""
        return "power" in self.arranging

    @property
    def arranging(self) -> frozenset[str]:
        """What VMs may be brought into states by."""
        return self.allow if self.limit is None else self.allow & {"account"}

    def check(self, method: str) -> None:
        """Raise NotArrangedError if the operator does not allow that a method is called."""
        if reason := forbidden(method, self.allow):
            raise NotArrangedError(reason)

    def check_call(self, call: Call, *, judged: bool = False) -> None:
        """Raise NotArrangedError if the operator does not allow a call, or if it is beyond the limit."""
        self.check(call.method)
        if self.limit is not None and (reason := (judged and self.limit.over) or self.limit.refusal(call)):
            raise NotArrangedError(reason)

    def check_count(self, calls: int) -> None:
        """Raise SpentError if no judged call may follow so many."""
        if self.max_calls and calls >= self.max_calls:
            raise SpentError(f"the limit of {self.max_calls} judged calls was reached")
