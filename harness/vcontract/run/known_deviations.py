"""Where the known deviations of a run come from, and its result with them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from vcontract.errors import UsageError
from vcontract.report.deviations import DEVIATIONS_FILE, Listed, accepted, excused, read_deviations
from vcontract.report.result import RunResult


def listed(config: Path | None, file: Path | None, reason: str = "") -> Listed:
    """Read the known deviations: those of the file that is named, else of `deviations.toml` beside the configuration.

    `reason` is that of what is to be accepted, empty if nothing is. Raises UsageError: it cannot be read, or for want of a
    name not be written.
    """
    place = file or (config.parent / DEVIATIONS_FILE if config is not None else None)
    if place is None:
        if reason:
            raise UsageError("--accept: say with --deviations FILE which file is to list what is accepted")
        return Listed()
    if not place.exists() and (reason or file is None):
        return Listed(str(place) if reason else "", accept=reason)
    return Listed(str(place), read_deviations(place), reason)


def with_known(result: RunResult, known: Listed, *, cut: bool) -> RunResult:
    """Give the result of a run as it is worth with the known deviations; what is to be accepted is written before."""
    today = datetime.now(UTC).date()
    return excused(result, accepted(known, result.findings, today), today, cut=cut)


def known_differences(file: Path | None) -> dict[str, str]:
    """Give, by fingerprint, the reasons of the deviations in a file that have not expired; none without a file."""
    today = datetime.now(UTC).date()
    listed_there = read_deviations(file) if file else []
    return {deviation.fingerprint: deviation.text for deviation in listed_there if not deviation.expired(today)}
