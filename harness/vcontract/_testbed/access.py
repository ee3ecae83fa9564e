"""Whether a VM may be talked to, and what its silence means for later calls."""

from __future__ import annotations

from vcontract._client import SpentError, Target
from vcontract._client.updates import is_quiet
from vcontract._errors import HaltedError
from vcontract._model import Tracker
from vcontract._terms import Operation, Ref
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.quarantine import Quarantine

FRESH = 2.0
"""Seconds after which what was read is read again: others may have changed it (design: no older look lets a call leave)."""


class Access:
    """Says before each exchange whether it may be made: the target must live, the VM and the method not be in quarantine.

    `looked_at` is the VM or task that was asked for last, whether by a read or by what the last one showed.
    """

    def __init__(self, target: Target, tracker: Tracker, quarantine: Quarantine) -> None:
        self.target, self.quarantine = target, quarantine
        self.looked_at: Ref | None = None
        self._tracker = tracker

    def check(self, vm: str, method: str = "") -> None:
        """Raise NotArrangedError if a VM (by moId; empty: none) or a method is left alone; else as `check_target` does."""
        self.check_target()
        if why := self.quarantine.why(vm, method):
            raise NotArrangedError(why)

    def check_target(self) -> None:
        """Raise SpentError if nothing more will be answered, HaltedError if the target is gone: the rest would only be lost."""
        if self.target.over:
            raise SpentError(self.target.over)
        if self.target.late and self.target.left <= 0:
            raise SpentError(self.target.late)
        if self.target.pulse.stopped:
            raise HaltedError(self.target.pulse.stopped)

    def look_at(self, ref: Ref) -> None:
        """Note which VM or task is looked at."""
        self.looked_at = ref

    def tells_nothing_new(self, read: Operation) -> bool:
        """Whether another read would: nothing but reads was made since, nobody waited, and it is not older than `FRESH`."""
        clock = self.target.recorder
        if clock.now() - read.end > FRESH or clock.slept_until > read.end:
            return False
        for done in reversed(clock.operations):
            if done.op == read.op:
                return True
            if not is_quiet(done):
                return False
        return False

    def heard(self, done: Operation, vm: str) -> Operation:
        """Take in what came of an exchange about a VM, and give it back; raises what `check_target` raises."""
        known = self._tracker.facts.vms.get(vm)
        self.quarantine.heard(done, vm, known.name if known else vm)
        self.check_target()
        return done
