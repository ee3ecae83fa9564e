"""How a run ends before its end, and what it says of what it had to put up with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from vcontract.client import SpentError, Target
from vcontract.errors import HaltedError
from vcontract.testbed.driver import NotArrangedError, Stage

UNREACHED = "what was not reached is untested"


class Ended(StrEnum):
    """How a run did not come to its end, or did not leave all as it was; its notes begin so."""

    EARLY = "ended early"
    INTERRUPTED = "interrupted"
    HALTED = "halted"
    HALTED_FOR_SAFETY = "halted for safety"
    NOT_RESTORED = "not restored"

    def note(self, why: object) -> str:
        """Write the note that says so, and why."""
        return f"{self}: {why}"

    @classmethod
    def of_note(cls, note: str) -> Ended | None:
        """Say which end a note tells of; None: of none."""
        return next((ended for ended in cls if note.startswith(f"{ended}: ")), None)


def halts(target: Target, halted: Sequence[str]) -> list[str]:
    """Say why the run was halted, each reason once."""
    return list(dict.fromkeys(filter(None, (*halted, target.pulse.stopped))))


def endured(target: Target, stage: Stage, halted: Sequence[str]) -> list[str]:
    """Say what the run had to put up with, and went on: sessions that ended, VMs and methods that were set aside."""
    renewed = ", ".join(f"{actor} ({count}x)" for actor, count in sorted(Counter(target.renewed).items()))
    gone = target.pulse.stopped
    told = [(Ended.HALTED if why == gone else Ended.HALTED_FOR_SAFETY).note(why) for why in halts(target, halted)]
    told += [f"sessions had ended and were opened again: {renewed}"] if renewed else []
    return [*told, *stage.aside.notes()]


@contextmanager
def interruptible(notes: list[str], halted: list[str]) -> Iterator[None]:
    """Let Ctrl-C, a target that dies, and what must not go on, end what is inside; what is known is kept."""
    try:
        yield
    except KeyboardInterrupt:
        notes.append(Ended.INTERRUPTED.note(UNREACHED))
    except (SpentError, NotArrangedError) as error:
        notes.append(Ended.EARLY.note(error))
    except HaltedError as error:
        halted.append(str(error))
