"""How a run ends before its end, and what it says of what it had to put up with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vcontract._check.judgement import told_of_death
from vcontract._client import SpentError, Target
from vcontract._errors import HaltedError
from vcontract._terms import HUNG, UNSENT, Ended, Lost, Operation
from vcontract._testbed import Driver, NotArrangedError

UNREACHED = "what was not reached is untested"


def halts(target: Target, halted: Sequence[str]) -> list[str]:
    """Say why the run was halted, each reason once."""
    return list(dict.fromkeys(filter(None, (*halted, target.pulse.stopped))))


def endured(target: Target, driver: Driver, halted: Sequence[str]) -> list[str]:
    """Say what the run had to put up with, and went on: sessions that ended, VMs and methods that were set aside."""
    renewed, denied = _counted(target.renewed), _counted(target.denied)
    gone = target.pulse.stopped
    told = [(Ended.HALTED if why == gone else Ended.HALTED_FOR_SAFETY).note(why) for why in halts(target, halted)]
    told += suspect(target.recorder.operations) if gone and not target.pulse.ended else []
    told += [f"sessions had ended and were opened again: {renewed}"] if renewed else []
    told += [f"calls were denied in sessions that live: {denied}"] if denied else []
    return [*told, *driver.quarantine.notes()]


def suspect(operations: Sequence[Operation]) -> list[str]:
    """Say after which call nothing was answered any more, to the end; nothing where connections were only cut.

    Somebody else's server may have ended, or be restarted, for reasons of its own: nothing is sent again, nobody accused.
    """
    lost: list[Operation] = []
    for done in reversed(operations):
        if not isinstance(done.outcome, Lost):
            break
        lost.insert(0, done)
    # that a connection was closed proves nothing where a fresh one is taken
    gone = any(isinstance(done.outcome, Lost) and done.outcome.reason.startswith((UNSENT, HUNG)) for done in lost)
    former = [done for done in operations if done.purpose == "judge" and lost and done.op <= lost[0].op]
    if not gone or not former:
        return []
    by, first = former[-1], lost[0]
    before = [done for done in operations if done.purpose != "read" and done.op < by.op]
    return [
        f"suspect: {told_of_death(by, first, before)}; this was not tried again, for the server is not ours to start"
    ]


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
