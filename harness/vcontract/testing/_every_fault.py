"""The cases of a test that is marked `every_fault`: each documented fault of a method, by each channel that can bring it."""

from __future__ import annotations

import msgspec
import pytest

from vcontract._inject.plausible import contract_of, methods, place_of
from vcontract._inject.rules import Channel

MARK = "every_fault"
_CHANNELS: tuple[Channel, ...] = ("call", "task")


class FaultCase(msgspec.Struct, frozen=True):
    """A fault that a test meets: the method, the fault as documented and as it comes, the channel, where it is permitted."""

    method: str
    type: str
    comes_as: str
    channel: Channel
    state: str

    @property
    def id(self) -> str:
        """Its name among the tests."""
        return f"{self.method}-{self.type}-{self.channel}"


def cases_of(mark: pytest.Mark) -> list[FaultCase]:
    """List the cases of a mark. Raises pytest.UsageError for a method that no contract knows."""
    if len(mark.args) != 1 or mark.kwargs:
        raise pytest.UsageError(f"{MARK} takes one method, as pytest.mark.{MARK}('CustomizeGuest_Task')")
    method = str(mark.args[0])
    found = contract_of(method)
    if found is None:
        raise pytest.UsageError(f"{MARK}: no contract speaks of {method}; there are {', '.join(methods())}")
    return [
        FaultCase(method, each.type, place.fault, channel, place.text)
        for each in found[1].fault
        for channel in _CHANNELS
        if (place := place_of(method, each.type, channel)) is not None
    ]
