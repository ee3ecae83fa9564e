"""What a program that was sent again showed, whether that is a finding, and what id the finding then has."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from vcontract._check import Judge, Judgement, as_finding, row_of
from vcontract._check.causes import fingerprint, former_id, named, provisional_id
from vcontract._check.verdicts import observed_text, with_leaks
from vcontract._contract import Contract, row_id
from vcontract._model.cells import BY_NAME
from vcontract._model.moves import MOVES
from vcontract._terms import Finding, Grade, ReplayStep, Verdict

_LOG_IN = MOVES["logIn"].method
SESSIONS = frozenset({_LOG_IN, MOVES["logOut"].method})
"""The methods by which sessions come and go."""
_OF_GUEST = frozenset(
    {"customizing", "aborting", "networkStarting", "orphanedLock", "undefinedGuest", "pendingPackage"}
)
"""What calls of the contract themselves make unusual of a VM."""
_MID = "mid."


class Sighting(msgspec.Struct, frozen=True):
    """One violation that was seen: the judgement and its row."""

    judgement: Judgement
    row: str

    @property
    def former(self) -> str:
        """What stands for the deviation whatever its cause."""
        return former_id(self.row, self.judgement)

    @property
    def cause(self) -> tuple[str, ...]:
        """What was unusual about the call and its VM."""
        return named(self.judgement)

    @property
    def id(self) -> str:
        """Its provisional id."""
        return provisional_id(self.row, self.judgement, self.cause)

    def shows(self, finding: Finding) -> bool:
        """Whether it is the finding: the same deviation, by nothing that is not unusual in the finding, too."""
        if not finding.former:  # of version 0.1.0, whose ids hold no cause
            return self.former == finding.id
        return self.former == finding.former and set(self.cause) <= set(finding.cause)


def sightings(judge: Judge, label: str) -> list[Sighting]:
    """List the violations that a judge has seen in a cell."""
    return [
        Sighting(each, row_of(each, judge.contract, judge.bases))
        for judgement in map(as_finding, judge.judgements)
        if judgement.cell == label
        for each in with_leaks(judgement)
        if each.verdict is Verdict.VIOLATES
    ]


def history_of(steps: Sequence[ReplayStep], cause: Sequence[str], contract: Contract) -> tuple[str, ...]:
    """Name the methods before the last call of a shrunk program that its cause does not explain: there the history decides."""
    ours = {method.name for method in contract.methods}
    of_state = {name for name in cause if name.startswith(_MID) or (name in BY_NAME and BY_NAME[name].state)}
    of_guest = bool(of_state & _OF_GUEST) or any(name.startswith(_MID) for name in cause)
    found = set()
    for step in steps[:-1]:
        method = step.call.method
        if method in SESSIONS:
            explained = method == _LOG_IN  # that a session was ended is another cause than that there is none
        else:
            explained = of_guest if method in ours and contract.object != step.call.object.type else bool(of_state)
        if not explained:
            found.add(method)
    return tuple(sorted(found))


def blamed_row(seen: Sighting, steps: Sequence[ReplayStep], contract: Contract) -> str:
    """Give the row of the call that did what the last one met; empty if that may itself have done it.

    A valid call to a VM on which nothing is unusual that is refused has met what an accepted call before it left behind.
    """
    refused = seen.judgement.grade is Grade.SPURIOUS and not seen.cause
    if not refused or not history_of(steps, seen.cause, contract):
        return ""
    ours = {method.name for method in contract.methods}
    before = [step.call.method for step in steps[:-1] if step.call.method not in SESSIONS]
    if not before or before[-1] not in ours or before[-1] == steps[-1].call.method:
        return ""
    return row_id(contract.object, before[-1], "Success")


def settled(finding: Finding, seen: Sighting, steps: Sequence[ReplayStep], contract: Contract) -> Finding:
    """Give a finding that was shrunk with what its smallest program showed, and the id that it then has."""
    judgement = seen.judgement
    led = [*steps[:-2], steps[-1]] if judgement.again else steps  # the first try of the last call is no past of its own
    after, blamed = history_of(led, seen.cause, contract), blamed_row(seen, led, contract)
    return replace(
        finding,
        id=fingerprint(seen.row, judgement, seen.cause, after),
        row=seen.row,
        rows=tuple(dict.fromkeys(row for row in (seen.row, *finding.rows, blamed) if row)),
        grade=judgement.grade,
        expected=judgement.expected,
        observed=observed_text(judgement),
        cause=seen.cause,
        after=after,
        former=seen.former,
        provisional=False,
    )
