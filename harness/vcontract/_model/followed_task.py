"""A task that a call of ours was given, as the reads of its `info` showed it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from vcontract._model.moves import MOVES
from vcontract._model.state import ABORT, CUSTOMIZE, EXCLUSIVE, NETWORK
from vcontract._terms import Arguments, Json, Operation, Ref, Returned

DRIVEN = {
    MOVES["customize"].method: "customized",
    MOVES["startNetwork"].method: "networkStarted",
    MOVES["abort"].method: "aborted",
}
"""The effects of the calls that work in the guest, whether they are under test or only arrange something."""
KINDS = dict(zip(DRIVEN, (CUSTOMIZE, NETWORK, ABORT), strict=True))
"""The kinds of work that these calls begin."""
_FINAL = ("success", "error")
_KEPT = ("state", "startTime", "completeTime")
_NOTHING, _UNTOLD = Arguments({}), Returned()


class TaskLife:
    """A task that a call of ours was given: the call, the VM, and every read of its `info`, in order."""

    __slots__ = ("_final", "_looked", "accepted", "reads", "ref", "vm")

    def __init__(self, ref: Ref, accepted: Operation, vm: str) -> None:
        self.ref = ref
        self.accepted = accepted
        self.vm = vm
        self.reads: list[tuple[Operation, Mapping[str, Json] | None]] = []
        self._final: tuple[Operation, Mapping[str, Json]] | None = None
        self._looked = 0

    @property
    def kind(self) -> str:
        """The kind of work that the task is in the model."""
        return KINDS.get(self.accepted.call.method, EXCLUSIVE)

    @property
    def final(self) -> tuple[Operation, Mapping[str, Json]] | None:
        """The first read that saw it ended, with the info; None if none did."""
        if self._final is not None:
            return self._final
        while self._final is None and self._looked < len(self.reads):
            operation, info = self.reads[self._looked]
            self._looked += 1
            if info and info.get("state") in _FINAL:
                self._final = operation, info
        return self._final

    @property
    def fault(self) -> str:
        """The type of the fault in which it was seen to end; empty if it was seen in none."""
        error = self.final[1].get("error") if self.final is not None else None
        fault = error.get("fault") if isinstance(error, Mapping) else None
        return str(fault.get("_typeName", "")) if isinstance(fault, Mapping) else ""

    @property
    def forgotten(self) -> bool:
        """Whether the server no longer knows the task although no read saw its end; a server forgets only ended tasks."""
        return self.final is None and bool(self.reads) and self.reads[-1][1] is None

    @property
    def over(self) -> bool:
        """Whether it is known to have ended."""
        return self.final is not None or self.forgotten

    def running_during(self, start: float, end: float, publish: float = 0.0) -> bool | None:
        """Whether it ran in the interval: True if reads before and after prove it, False if it did not, None if it may have.

        Its end may be shown so many seconds late: what is read `running` sooner than that after the interval proves nothing.
        """
        if self.reads:
            last, seen = self.reads[-1]
            if last.end <= start and seen and seen.get("state") in _FINAL:
                return False
        before = [info for op, info in self.reads if op.end <= start and info]
        after = [info for op, info in self.reads if op.start >= end + publish and info]
        lost = any(op.end <= start and info is None for op, info in self.reads)
        if self.accepted.start >= end or (before and (lost or before[-1].get("state") in _FINAL)):
            return False
        if before and after and before[-1].get("state") == "running" and after[0].get("state") == "running":
            return True
        return None

    def shorten(self) -> None:
        """Keep of a task that is over when it was accepted and how it ended, not what was sent and read.

        For a task of which nothing is asked any more but that: a long history has many.
        """
        call = replace(self.accepted.call, payload=_NOTHING)
        self.accepted = replace(self.accepted, call=call)
        last, final = self.reads[-1], self.final
        self.reads = [_short(*read) for read in ([final, last] if final and final[0] is not last[0] else [last])]
        self._final, self._looked = None, 0


def _short(operation: Operation, info: Mapping[str, Json] | None) -> tuple[Operation, Mapping[str, Json] | None]:
    """Cut a read of a task down to its times and what a later call may be held against."""
    short = replace(operation, call=replace(operation.call, payload=_NOTHING), outcome=_UNTOLD)
    return short, info and {name: info[name] for name in _KEPT if name in info}
