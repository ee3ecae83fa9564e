"""A difference in what two targets answer, with the calls that show it; and how it is read from a report."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vcontract._errors import RunFileError
from vcontract._json_file import read_json
from vcontract._report.differences import SCHEMA
from vcontract._terms import Difference, ReplayStep

_TOLD = 3

_SHOWN_CALLS = 8


class BehaviourDifference(Difference, frozen=True, rename={"impact": "class"}):
    """A difference between two saved runs, or two profiles.

    `seen` names the circumstances that show it. `program` is the shortest sequence of recorded calls, about the VM `root`
    (moId and name), whose last one tells the sides apart: by the `aspect` of its answer, which has one of two `values`.
    `replay` is a command that shows it, if no such program is needed.
    """

    object: str = ""
    aspect: str = ""
    values: tuple[str, str] = ("", "")
    seen: tuple[str, ...] = ()
    program: tuple[ReplayStep, ...] = ()
    root: tuple[str, str] = ("", "")
    replay: str = ""

    @property
    def more(self) -> tuple[str, ...]:
        """Lines with the circumstances, the calls and the command that show it."""
        shown = ", ".join(self.seen[:_TOLD])
        left = len(self.seen) - _TOLD
        lines = [f"seen: {shown}" + (f" and in {left} more circumstances" if left > 0 else "")] if shown else []
        lines += [f"calls: {' > '.join(step.call.method for step in self.program)}"] if self.program else []
        return (*lines, *([f"replay: {self.replay}"] if self.replay else []))


class _File(msgspec.Struct, frozen=True):
    """The part of a report that is read."""

    differences: list[BehaviourDifference]


def load_differences(file: Path) -> list[BehaviourDifference]:
    """Read the differences of a comparison that was written with `--format json`. Raises RunFileError in one line."""
    return read_json(file, _File, SCHEMA, RunFileError).differences


class CallsDifference(Difference, frozen=True, rename={"impact": "class"}):
    """A difference of two WSDLs that recorded calls meet; `calls` names these, entry and method."""

    calls: tuple[str, ...] = ()

    @property
    def more(self) -> tuple[str, ...]:
        """Further details, as lines."""
        shown = ", ".join(self.calls[:_SHOWN_CALLS])
        left = len(self.calls) - _SHOWN_CALLS
        return (f"met by {shown}" + (f" and {left} more" if left > 0 else ""),)
