"""Where the known deviations of a run come from, and its result with them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from vcontract._errors import UsageError
from vcontract._report.deviations import DEVIATIONS_FILE, KnownDeviation, Listed, accepted, excused, read_deviations
from vcontract._report.result import KnownDeviations, RunResult


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


def with_kept(result: RunResult, kept: KnownDeviations, *, cut: bool) -> RunResult:
    """Give a result as it is worth with the known deviations that the run kept; their file is not opened.

    Of those that were stale or expired the run kept no more than that, so they still are.
    """
    rows = {finding.id: finding.row for finding in result.findings}
    entries = tuple(KnownDeviation(id_, rows[id_], reason) for id_, reason in kept.known.items() if id_ in rows)
    found = excused(result, Listed(kept.file, entries), datetime.now(UTC).date(), cut=cut)
    found = replace(found, deviations=replace(found.deviations, outdated=kept.outdated))
    if not (kept.stale or kept.expired):
        return found
    deviations = replace(found.deviations, stale=kept.stale, expired=kept.expired)
    return replace(found, deviations=deviations, exit_code=found.exit_code if found.exit_code == 3 else 1)


def with_known(result: RunResult, known: Listed, *, cut: bool) -> RunResult:
    """Give the result of a run as it is worth with the known deviations; what is to be accepted is written before."""
    today = datetime.now(UTC).date()
    return excused(result, accepted(known, result.findings, today), today, cut=cut)


def known_differences(file: Path | None) -> dict[str, str]:
    """Give, by fingerprint, the reasons of the deviations in a file that have not expired; none without a file."""
    today = datetime.now(UTC).date()
    listed_there = read_deviations(file) if file else []
    return {deviation.fingerprint: deviation.text for deviation in listed_there if not deviation.expired(today)}
