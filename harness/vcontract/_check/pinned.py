"""Exact judgement: a profile that was learned from a target pins which of the permitted outcomes comes."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._check.grade import Assessment
from vcontract._contract import OK
from vcontract._model import PASSING, VARIED, Expectation, Pin, Pinned
from vcontract._profile import REPEATS, SUCCESS, Answer, Observed, Profile
from vcontract._terms import Grade


def pinned(profile: Profile, name: str) -> Pinned:
    """Collect the pins of a profile: the answers of cells in which one answer came `REPEATS` times and no other did.

    Conditions that stand for many inputs or pass by themselves are not pinned.
    """
    known = {answer.id: answer for answer in profile.answers}
    pins = {}
    for answer in profile.answers:
        sole = answer.sole
        if sole is not None and sole.count >= REPEATS and not {*VARIED, PASSING} & set(answer.conditions):
            pins[answer.id] = Pin(sole.fault, sole.channel, f"the profile {name} says {_says(answer, sole, known)}")
    return Pinned(name, pins)


def _says(answer: Answer, sole: Observed, known: dict[str, Answer]) -> str:
    """Describe an answer: which of two conditions wins, or the answer to a single one."""
    if len(answer.conditions) == 2:
        singles = [known.get(f"{answer.method}:{condition}") for condition in answer.conditions]
        agree = [
            single is not None and single.sole is not None and single.sole.text() == sole.text() for single in singles
        ]
        if agree.count(True) == 1:
            winner, loser = sorted(
                answer.conditions, key=lambda condition: not agree[answer.conditions.index(condition)]
            )
            return f"{winner} wins over {loser}: {sole.text()}"
    return f"{' and '.join(answer.conditions) or 'a valid call'}: {sole.text()}"


def exactly(assessed: Assessment, pin: Pin | None, expectation: Expectation, channel: str) -> Assessment:
    """Grade a permitted outcome and its channel by the pin of a profile.

    A pin that the documents forbid is ignored, so it excuses no violation.
    """
    if pin is None or assessed.grade.fails or not _permitted(pin, expectation):
        return assessed
    observed = SUCCESS if assessed.observed == OK else assessed.observed
    if (observed, channel) == (pin.fault, pin.channel):
        # what no source settles is settled for this target
        return replace(assessed, grade=Grade.CONFORMS) if assessed.grade is Grade.UNSETTLED else assessed
    return replace(assessed, grade=Grade.UNPROFILED, why=f"{pin.says}, not {observed} ({channel})")


def _permitted(pin: Pin, expectation: Expectation) -> bool:
    allowed = expectation.allowed.get(OK if pin.fault == SUCCESS else pin.fault)
    return allowed is not None and not (allowed.synchronous and pin.channel == "task")
