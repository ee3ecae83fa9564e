"""The events of a run and the listeners that tell of them."""

from __future__ import annotations

import re
from typing import Protocol, TypeAlias

import msgspec

from vcontract.report.result import RunResult, TargetFacts
from vcontract.terms import Finding, Grade

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class RunStarted(msgspec.Struct, frozen=True):
    """A run begins: against what, with which seed, how many rows it covers, how many judged calls it plans.

    `unit` names what is planned, if not calls.
    """

    target: TargetFacts
    seed: int
    rows: int
    planned: int
    unit: str = "calls"


class CellJudged(msgspec.Struct, frozen=True):
    """A judged call was graded; `outcome` is its name (`Returned`, a fault's type, `Lost`)."""

    cell: str
    row: str
    grade: Grade
    outcome: str
    done: int
    total: int


class Progressed(msgspec.Struct, frozen=True):
    """So many of the planned steps are done, whoever does them."""

    done: int
    total: int


class FindingSeen(msgspec.Struct, frozen=True):
    """A violation was found; it may come again with the same id."""

    finding: Finding


class Note(msgspec.Struct, frozen=True):
    """Something that the user should know now."""

    text: str


class RunEnded(msgspec.Struct, frozen=True):
    """The run is over and this is all of it."""

    summary: RunResult


RunEvent: TypeAlias = RunStarted | CellJudged | Progressed | FindingSeen | Note | RunEnded


class Reporter(Protocol):
    """Hears every event of a run, in order; RunEnded is the last."""

    def on(self, event: RunEvent) -> None:
        """Take one event."""


def printable(text: str) -> str:
    """Replace what a terminal would obey and XML forbids: control characters but tab and line feed, surrogates."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
