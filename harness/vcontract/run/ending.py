"""How a run ends before its end, and what it says of what it had to put up with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vcontract.client import SpentError, Target
from vcontract.errors import HaltedError
from vcontract.terms import Ended
from vcontract.testbed import Driver, NotArrangedError

UNREACHED = "what was not reached is untested"


def halts(target: Target, halted: Sequence[str]) -> list[str]:
    """Say why the run was halted, each reason once."""
    return list(dict.fromkeys(filter(None, (*halted, target.pulse.stopped))))


def endured(target: Target, driver: Driver, halted: Sequence[str]) -> list[str]:
    """Say what the run had to put up with, and went on: sessions that ended, VMs and methods that were set aside."""
    renewed, denied = _counted(target.renewed), _counted(target.denied)
    gone = target.pulse.stopped
    told = [(Ended.HALTED if why == gone else Ended.HALTED_FOR_SAFETY).note(why) for why in halts(target, halted)]
    told += [f"sessions had ended and were opened again: {renewed}"] if renewed else []
    told += [f"calls were denied in sessions that live: {denied}"] if denied else []
    return [*told, *driver.quarantine.notes()]


def _counted(actors: Sequence[str]) -> str:
    return ", ".join(f"{actor} ({count}x)" for actor, count in sorted(Counter(actors).items()))


@contextmanager
def cut_short(notes: list[str], halted: list[str]) -> Iterator[None]:
    """Let a target that dies, a limit, and what must not go on, end what is inside; what is known is kept."""
    try:
        yield
    except (SpentError, NotArrangedError) as error:
        notes.append(Ended.EARLY.note(error))
    except HaltedError as error:
        halted.append(str(error))


@contextmanager
def interruptible(notes: list[str], halted: list[str]) -> Iterator[None]:
    """Let Ctrl-C end what is inside, and all that else may cut it short; what is known is kept."""
    try:
        with cut_short(notes, halted):
            yield
    except KeyboardInterrupt:
        notes.append(Ended.INTERRUPTED.note(UNREACHED))
