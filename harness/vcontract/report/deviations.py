"""Known deviations: the findings that an operator has looked at and lives with, and what a run's result is worth with them."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from vcontract.check import worst
from vcontract.contract import EVERY_METHOD
from vcontract.errors import UsageError
from vcontract.report.events import printable
from vcontract.report.result import KnownDeviations, RunResult
from vcontract.report.run_directory import write_whole
from vcontract.terms import Finding, Verdict
from vcontract.toml_file import read_toml

DEVIATIONS_FILE = "deviations.toml"
"""The name of the file that is looked for beside the configuration."""
_SETTLED = {Verdict.CONFORMS, Verdict.VIOLATES}


class KnownDeviation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry: the id of a finding (or of a difference), the row (or path) that it is of, and why it is lived with.

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
    for each in entries:
        if not each.reason.strip():
            raise UsageError(f"{file}: {each.fingerprint} has no reason")
        if each.fingerprint in seen:
            raise UsageError(f"{file}: {each.fingerprint} is listed twice")
        seen.add(each.fingerprint)
    return entries


def excused(result: RunResult, listed: Listed, today: dt.date, *, cut: bool) -> RunResult:
    """Give a result as it is worth with the known deviations; `cut`: the run ended before its end, so it cannot conform.

    Known findings do not count, nor do the rows that nothing else breaks. An entry of a row of this run that expired, or
    whose row was settled without it being seen (it is stale), makes the exit code 1. Entries of other rows are left alone.
    """
    if not listed.file:
        return result
    rows = {each.id: each.verdict for each in result.rows}
    mine = [each for each in listed.entries if each.row in rows]
    found = {each.id for each in result.findings}
    expired = {each.fingerprint: f"{each.row}: expired on {each.expires}: {each.text}" for each in mine
               if each.expired(today)}  # fmt: skip
    valid = [each for each in mine if each.fingerprint not in expired]
    known = {each.fingerprint: each.text for each in valid if each.fingerprint in found}
    stale = {
        each.fingerprint: f"{each.row}: was exercised, and it was not seen: {each.text}"
        for each in valid
        if each.fingerprint not in known and rows[each.row] in _SETTLED
    }
    spared = _spared(result, known)
    verdict = result.verdict
    if verdict is Verdict.VIOLATES:
        counted = [each.verdict for each in result.rows if each.id not in {*result.waived, *spared}]
        verdict = worst([*counted, *[Verdict.VIOLATES] * bool(found - known.keys()), *[Verdict.INCONCLUSIVE] * cut])
    told = KnownDeviations(listed.file, known, stale, expired, spared)
    code = 1 if stale or expired else {Verdict.CONFORMS: 0, Verdict.VIOLATES: 1}.get(verdict, 5)
    return replace(result, verdict=verdict, exit_code=code if result.exit_code != 3 else 3, deviations=told)


def _spared(result: RunResult, known: Iterable[str]) -> list[str]:
    """List the rows that violate by known findings alone; a row of every method has the findings of all rows."""
    found: list[str] = []
    for row in result.rows:
        all_ = row.id.startswith(EVERY_METHOD)
        its = [each.id for each in result.findings if each.row == row.id]
        its = its or [each.id for each in result.findings if all_]
        if row.verdict is Verdict.VIOLATES and its and set(its) <= set(known):
            found.append(row.id)
    return found


def accepted(listed: Listed, findings: Sequence[Finding], today: dt.date) -> Listed:
    """Write the findings that are not listed into the file, and give it as it is then; what stands in it stays as it is."""
    known = {each.fingerprint for each in listed.entries}
    new = [each for each in findings if each.id not in known]
    if not (listed.accept and new):
        return listed
    file = Path(listed.file)
    text = file.read_text("utf-8") if file.exists() else ""
    text += "\n" * (bool(text) and not text.endswith("\n"))
    text += "".join(_entry(each, listed.accept, today) for each in new)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: entries are written as [[deviation]], which it cannot take: {error}") from error
    write_whole(file, text.encode())
    return replace(listed, entries=read_deviations(file))


def _entry(finding: Finding, reason: str, today: dt.date) -> str:
    named = {"fingerprint": finding.id, "row": finding.row, "reason": reason}
    lines = [f"{name} = {json.dumps(printable(value), ensure_ascii=False)}" for name, value in named.items()]
    seen = " ".join(printable(f"{finding.grade.value}: {finding.observed}").split())
    return "\n".join(["", f"# accepted on {today}; {seen}", "[[deviation]]", *lines, ""])
