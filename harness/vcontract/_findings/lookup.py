"""Finds the finding that a replay is about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vcontract._config.request import SIMULATOR
from vcontract._errors import UsageError
from vcontract._report.result import load_run
from vcontract._report.safe_text import one_line
from vcontract._terms import Finding, Json


def find(text: str, *, named: bool = True) -> Finding:
    """Find `RUN#id`. Raises UsageError if it is not there, RunFileError if the run cannot be read.

    Unless a target is `named` to which its calls shall go, the run must have been on a simulator that was started for it.
    """
    place, _, id_ = text.rpartition("#")
    if not place:
        raise UsageError(f"{text}: a finding is named RUN#id, for example reports/latest#0123456789ab")
    saved = load_run(Path(place))
    if not named and _had_address(saved.request):
        raise UsageError(
            f"{place}: the run was on {one_line(saved.target.url)}: name the target again, with --target or --config"
            f" (--target {SIMULATOR}: the simulator is started)"
        )
    found = next((finding for finding in saved.findings if finding.id == id_), None)
    if found is None:
        raise UsageError(f"{place} has no finding {id_}")
    if not found.program:
        raise UsageError(f"{place}: the finding {id_} has no recorded calls to replay")
    return found


def judged_methods(finding: Finding) -> tuple[str, ...]:
    """Name the method by whose rows a replay is judged; none, which means all rows, for a row of the object itself.

    Such a row (`since`, `singleton`, `properties`) is broken by a read, whose method is none of the contract's.
    """
    return (finding.method,) if finding.row.startswith(f"{finding.object}/{finding.method}/") else ()


def _had_address(asked: Mapping[str, Json]) -> bool:
    """Whether what was asked of a run named a server, itself or by its configuration."""
    target = asked.get("target") or ""
    return target != SIMULATOR if target else bool(asked.get("config"))
