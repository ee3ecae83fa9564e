"""Known deviations: findings that an operator has examined and accepts, and what they change in the result of a run."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from vcontract._check import worst
from vcontract._contract import EVERY_METHOD
from vcontract._errors import UsageError
from vcontract._report.result import KnownDeviations, RunResult
from vcontract._report.run_directory import write_out
from vcontract._report.safe_text import in_toml, one_line
from vcontract._terms import Finding, Verdict
from vcontract._toml_file import read_toml

DEVIATIONS_FILE = "deviations.toml"
"""The name of the file, which stands beside the configuration."""
_SETTLED = {Verdict.CONFORMS, Verdict.VIOLATES}


class KnownDeviation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry: the id of a finding (or of a difference), its row (or path), and the reason why it is accepted.

    `link` leads to more, `expires` is the last day on which it counts; None: it does not expire.
    """

    fingerprint: Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]
    row: Annotated[str, Meta(min_length=1)]
    reason: str
    link: str = ""
    expires: dt.date | None = None

    def expired(self, today: dt.date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today

    @property
    def text(self) -> str:
        """The reason, with the link."""
        return f"{self.reason} ({self.link})" if self.link else self.reason


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    deviation: tuple[KnownDeviation, ...] = ()


class Listed(msgspec.Struct, frozen=True):
    """A file of known deviations with its entries; with `accept`, the reason with which what is new is written into it."""

    file: str = ""
    entries: tuple[KnownDeviation, ...] = ()
    accept: str = ""


def read_deviations(file: Path) -> tuple[KnownDeviation, ...]:
    """Read a file of known deviations. Raises UsageError in one line: unknown keys, no reason, one fingerprint twice."""
    entries = read_toml(file, _File).deviation
    seen: set[str] = set()
    for entry in entries:
        if not entry.reason.strip():
            raise UsageError(f"{file}: {entry.fingerprint} has no reason")
        if entry.fingerprint in seen:
            raise UsageError(f"{file}: {entry.fingerprint} is listed twice")
        seen.add(entry.fingerprint)
    return entries


def excused(result: RunResult, listed: Listed, today: dt.date, *, cut: bool) -> RunResult:
    """Give a result that takes the known deviations into account; `cut`: the run ended early, so it cannot conform.

    Known findings do not count, nor do the rows that nothing else breaks; one with a provisional id is never known. An
    entry of a row of this run that expired, or whose row was settled although it was not seen (it is stale), makes the exit
    code 1. Entries of other rows are ignored.
    """
    if not listed.file:
        return result
    rows = {row.id: row.verdict for row in result.rows}
    mine = [entry for entry in listed.entries if entry.row in rows]
    seen = {finding.id for finding in result.findings if not finding.provisional}
    unsure = {row for finding in result.findings if finding.provisional for row in (finding.row, *finding.rows)}
    expired = {entry.fingerprint: f"{entry.row}: expired on {entry.expires}: {entry.text}" for entry in mine
               if entry.expired(today)}  # fmt: skip
    valid = [entry for entry in mine if entry.fingerprint not in expired]
    known = {entry.fingerprint: entry.text for entry in valid if entry.fingerprint in seen}
    outdated = _outdated([entry for entry in valid if entry.fingerprint not in known], result.findings)
    stale = {
        entry.fingerprint: f"{entry.row}: was exercised, and it was not seen: {entry.text}"
        for entry in valid
        if entry.fingerprint not in {**known, **outdated}
        if rows[entry.row] in _SETTLED and entry.row not in unsure  # what was not shrunk may be it
    }
    spared = _spared(result, known)
    verdict = result.verdict
    if verdict is Verdict.VIOLATES:
        counted = [row.verdict for row in result.rows if row.id not in {*result.waived, *spared}]
        more = any(finding.id not in known for finding in result.findings)
        verdict = worst([*counted, *[Verdict.VIOLATES] * more, *[Verdict.INCONCLUSIVE] * cut])
    deviations = KnownDeviations(listed.file, known, stale, expired, spared, outdated)
    code = 1 if stale or expired else {Verdict.CONFORMS: 0, Verdict.VIOLATES: 1}.get(verdict, 5)
    return replace(result, verdict=verdict, exit_code=code if result.exit_code != 3 else 3, deviations=deviations)


def _outdated(entries: Iterable[KnownDeviation], findings: Sequence[Finding]) -> dict[str, str]:
    """Say of ids of version 0.1.0, which held no cause, for which findings of today they stood; they excuse none of them."""
    outdated = {}
    for entry in entries:
        now = [finding.id for finding in findings if finding.former == entry.fingerprint]
        if now:
            outdated[entry.fingerprint] = (
                f"{entry.row}: an id of version 0.1.0, which stood for whatever had this outcome; accept what you know of"
                f" {', '.join(now)} and remove it: {entry.text}"
            )
    return outdated


def _spared(result: RunResult, known: Iterable[str]) -> list[str]:
    """List the rows that violate by known findings alone; a row of every method without own findings has those of all rows."""
    spared: list[str] = []
    for row in result.rows:
        all_ = row.id.startswith(EVERY_METHOD)
        its = [finding.id for finding in result.findings if finding.breaks(row.id)]
        its = its or [finding.id for finding in result.findings if all_]
        if row.verdict is Verdict.VIOLATES and its and set(its) <= set(known):
            spared.append(row.id)
    return spared


def accepted(listed: Listed, findings: Sequence[Finding], today: dt.date) -> Listed:
    """Append the findings that are not listed to the file, and give its entries then; what it holds stays as it is.

    A finding whose id is provisional is left out: what else has that id is not known.
    """
    known = {entry.fingerprint for entry in listed.entries}
    new = [finding for finding in findings if finding.id not in known and not finding.provisional]
    if not (listed.accept and new):
        return listed
    file = Path(listed.file)
    text = file.read_text("utf-8") if file.exists() else ""
    text += "\n" * (bool(text) and not text.endswith("\n"))
    text += "".join(_entry(finding, listed.accept, today) for finding in new)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: entries are written as [[deviation]], which it cannot take: {error}") from error
    write_out(file, text.encode())
    return replace(listed, entries=read_deviations(file))


def _entry(finding: Finding, reason: str, today: dt.date) -> str:
    named = {"fingerprint": finding.id, "row": finding.row, "reason": reason}
    lines = [f"{name} = {in_toml(value)}" for name, value in named.items()]
    told = f"{finding.grade.value}: {finding.observed}{''.join(f', {text}' for text in finding.reasons)}"
    seen = " ".join(one_line(told).split())
    return "\n".join(["", f"# accepted on {today}; {seen}", "[[deviation]]", *lines, ""])
