"""Finds the finding that a replay is about."""

from __future__ import annotations

from pathlib import Path

from vcontract.errors import UsageError
from vcontract.report.result import load_run
from vcontract.terms import Finding


def find(text: str) -> Finding:
    """Find `RUN#id`. Raises UsageError if it is not there, RunFileError if the run cannot be read."""
    place, _, id_ = text.rpartition("#")
    if not place:
        raise UsageError(f"{text}: a finding is named RUN#id, for example reports/latest#0123456789ab")
    found = next((finding for finding in load_run(Path(place)).findings if finding.id == id_), None)
    if found is None:
        raise UsageError(f"{place} has no finding {id_}")
    if not found.program:
        raise UsageError(f"{place}: the finding {id_} has no recorded calls to replay")
    return found
