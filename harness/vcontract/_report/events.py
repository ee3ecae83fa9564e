"""The events of a run, and the reporters that listen to them."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import msgspec

from vcontract._report.result import RunResult, TargetFacts
from vcontract._terms import Finding, Grade


class RunStarted(msgspec.Struct, frozen=True):
    """A run begins: its target and seed, how many rows it covers, how many judged calls it plans.

    `unit` names what is planned, if that is not calls.
    """

    target: TargetFacts
    seed: int
    rows: int
    planned: int
    unit: str = "calls"


class Reaching(msgspec.Struct, frozen=True):
    """A target is about to be reached and looked at; RunStarted follows, or Abandoned."""

    target: str


class Abandoned(msgspec.Struct, frozen=True):
    """There is no run: the target could not be reached, or cannot be tested."""


class CellJudged(msgspec.Struct, frozen=True):
    """A judged call was graded; `outcome` is its name (`Returned`, a fault's type, `Lost`)."""

    cell: str
    row: str
    grade: Grade
    outcome: str
    done: int
    total: int


class Progressed(msgspec.Struct, frozen=True):
    """How many of the planned steps are done, by this process or another."""

    done: int
    total: int


class FindingSeen(msgspec.Struct, frozen=True):
    """A violation was found; the same id may be reported again."""

    finding: Finding


class Note(msgspec.Struct, frozen=True):
    """A message for the user, shown at once."""

    text: str


class RunEnded(msgspec.Struct, frozen=True):
    """The run is over, with its whole result."""

    summary: RunResult


RunEvent: TypeAlias = Reaching | Abandoned | RunStarted | CellJudged | Progressed | FindingSeen | Note | RunEnded


class Reporter(Protocol):
    """Takes every event of a run, in order; RunEnded, or Abandoned, is the last."""

    def on(self, event: RunEvent) -> None:
        """Take one event."""
