"""Known deviations and ids: one that is provisional is never accepted, one of version 0.1.0 is told as outdated."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from msgspec.structs import replace

from vcontract._report.deviations import KnownDeviation, Listed, accepted, excused, read_deviations
from vcontract._report.result import RunResult, TargetFacts
from vcontract._terms import Finding, Grade, RowVerdict, Verdict

TODAY = dt.date(2026, 11, 30)
ROW, OTHER = "Object/method/InvalidState", "Object/method/Success"
FORMER = "f" * 12
ENUM = Finding("1" * 12, ROW, "Object", "method", Grade.MISSING, "InvalidState", "OK", "", former=FORMER, rows=(ROW,))
DOCTYPE = replace(ENUM, id="2" * 12, cause=("request:malformed:xml.doctype",), rows=(ROW, OTHER))
UNSHRUNK = replace(ENUM, id="3" * 12, provisional=True)


def result(*findings: Finding) -> RunResult:
    """Give the result of a run that found these, on both rows."""
    broken = [RowVerdict(row, Verdict.VIOLATES) for row in dict.fromkeys(row for each in findings for row in each.rows)]
    return RunResult(Verdict.VIOLATES, 1, 1, 1, 1, TargetFacts(""), rows=broken, findings=list(findings))


def judged(found: RunResult, *ids: str) -> RunResult:
    """Give it as it is worth with entries for these ids."""
    entries = tuple(KnownDeviation(id_, ROW, "known") for id_ in ids)
    return excused(found, Listed("d.toml", entries), TODAY, cut=False)


def test_one_accepted_deviation_hides_no_other_of_its_row() -> None:
    """Both must be listed; then the other row that one of them breaks is spared, too."""
    found = result(ENUM, DOCTYPE)
    assert judged(found, ENUM.id).exit_code == judged(found, DOCTYPE.id).exit_code == 1
    both = judged(found, ENUM.id, DOCTYPE.id)
    assert (both.exit_code, both.verdict) == (0, Verdict.CONFORMS)
    assert sorted(both.deviations.rows) == sorted([ROW, OTHER])


def test_a_provisional_id_is_never_known(tmp_path: Path) -> None:
    """--accept leaves it out, and an entry that names it does not excuse it."""
    file = tmp_path / "d.toml"
    listed = accepted(Listed(str(file), accept="ours"), [ENUM, UNSHRUNK], TODAY)
    assert [entry.fingerprint for entry in listed.entries] == [ENUM.id]
    assert [entry.fingerprint for entry in read_deviations(file)] == [ENUM.id]
    assert judged(result(UNSHRUNK), UNSHRUNK.id).exit_code == 1


def test_what_was_not_shrunk_makes_no_entry_stale() -> None:
    """It may be what is listed."""
    assert judged(result(UNSHRUNK), ENUM.id).deviations.stale == {}
    assert list(judged(result(DOCTYPE), ENUM.id).deviations.stale) == [ENUM.id]


def test_an_id_of_the_former_form_is_told_as_outdated() -> None:
    """It excuses nothing; the findings for which it stood are named; one that stands for nothing is stale, as ever."""
    found = judged(result(ENUM, DOCTYPE), FORMER)
    assert found.exit_code == 1
    assert found.deviations.known == found.deviations.stale == {}
    assert f"{ENUM.id}, {DOCTYPE.id}" in found.deviations.outdated[FORMER]
    assert list(judged(result(ENUM), "e" * 12).deviations.stale) == ["e" * 12]
