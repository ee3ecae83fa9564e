"""Why a state was not brought about."""

from __future__ import annotations

from vcontract._errors import HarnessError


class NotArrangedError(HarnessError):
    """A wanted state could not be brought about; the cell is not exercised."""


class RefusedError(NotArrangedError):
    """The target refused an arranging call, so that the state cannot be reached on it."""
