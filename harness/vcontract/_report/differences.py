"""The report of classified differences of two sides, in six formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

import msgspec

from vcontract import __version__
from vcontract._report.difference_line import line, place, rule
from vcontract._report.junit import Case, document
from vcontract._report.page.comparison import comparison_page
from vcontract._report.safe_text import console_document, in_markdown, one_line
from vcontract._report.sarif import sarif
from vcontract._terms import Difference, Impact

SCHEMA = "vcontract.differences/1"
NEVER = "none"
FAIL_ON = (*(impact.value for impact in Impact), NEVER)
"""The least severe class for which a comparison fails; `none`: it never fails."""
BREAKING_EXIT = 100


class Side(msgspec.Struct, frozen=True):
    """One side of a comparison: what the user called it, a URI of it, and the API version it speaks."""

    name: str
    uri: str
    api_version: str = ""


class DifferenceReport(msgspec.Struct, frozen=True):
    """The differences of a comparison, worst first; `command` is the verb, `fail_on` one of FAIL_ON. Same sides, same report.

    `notes` say on what it is based; `known` are the fingerprints for which it must not fail, with the reasons.
    """

    command: str
    old: Side
    new: Side
    differences: tuple[Difference, ...]
    fail_on: str = Impact.BREAKING.value
    notes: tuple[str, ...] = ()
    known: dict[str, str] = {}

    def fails(self, difference: Difference) -> bool:
        """Whether a difference is one that the comparison fails for."""
        if self.fail_on == NEVER or difference.fingerprint in self.known:
            return False
        return difference.impact.rank <= Impact(self.fail_on).rank

    @property
    def exit_code(self) -> int:
        """100 if there is a difference to fail for, else 0."""
        return BREAKING_EXIT if any(map(self.fails, self.differences)) else 0

    @property
    def counts(self) -> dict[str, int]:
        """How many differences there are of each class."""
        return {impact.value: sum(difference.impact is impact for difference in self.differences) for impact in Impact}

    @property
    def summary(self) -> str:
        """The comparison in one line."""
        return one_line(f"A {self.old.name} -> B {self.new.name}: {_counted(self.counts)}")


def render(report: DifferenceReport, form: str) -> bytes:
    """Write a report in one of FORMATS, as UTF-8 with a line feed at the end."""
    return FORMATS[form](report)


def _text(report: DifferenceReport) -> bytes:
    """Group by class and rule: the reason once, then a line for each difference."""
    lines = [f"vcontract {__version__} {report.command}"]
    for head, group in _groups(report):
        lines += [f"{head.impact.value}: {rule(head)}: {head.reason} ({len(group)})"]
        for difference in group:
            known = report.known.get(difference.fingerprint)
            lines.append(f"  {difference.fingerprint}  {place(difference)}" + (f" (known: {known})" if known else ""))
            lines += [f"      {text}" for text in difference.more]
    notes = [f"note: {note}" for note in report.notes]
    return "".join(f"{one_line(each)}\n" for each in [*lines, *notes, report.summary]).encode()


def _markdown(report: DifferenceReport) -> bytes:
    sides = f"For a client of A ({in_markdown(report.old.name)}) that meets B ({in_markdown(report.new.name)})"
    lines = [
        f"# {report.command}",
        "",
        f"{sides}: {_counted(report.counts)}.",
        "",
        f"Written by vcontract {__version__}.",
    ]
    at = None
    for head, group in _groups(report):
        if head.impact is not at:
            at = head.impact
            lines += ["", f"## {at.value} ({report.counts[at.value]})"]
        lines += [
            "",
            f"**{in_markdown(rule(head))}**: {in_markdown(head.reason)}",
            "",
            "| where | A | B | fingerprint |",
            "|---|---|---|---|",
        ]
        for difference in group:
            cells = (difference.path, difference.old, difference.new, difference.fingerprint)
            lines.append("|".join(["", *(f" {in_markdown(cell) or '-'} " for cell in cells), ""]))
        details = [(difference.fingerprint, text) for difference in group for text in difference.more]
        lines += ["", *(f"- {in_markdown(name)}: {in_markdown(text)}" for name, text in details)] if details else []
    lines += ["", *(f"Note: {in_markdown(note)}" for note in report.notes)] if report.notes else []
    return ("\n".join(lines) + "\n").encode()


class JsonForm(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comparison as JSON; the differences have further fields by what was compared."""

    schema: str
    version: str
    command: str
    old: Side
    new: Side
    fail_on: str
    exit_code: int
    counts: dict[str, int]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    known: dict[str, str] = {}


def _json(report: DifferenceReport) -> bytes:
    form = JsonForm(
        SCHEMA,
        __version__,
        report.command,
        report.old,
        report.new,
        report.fail_on,
        report.exit_code,
        report.counts,
        report.differences,
        tuple(report.notes),
        dict(report.known),
    )
    return console_document(form).encode() + b"\n"


def _junit(report: DifferenceReport) -> bytes:
    """Make each difference a case, which fails if the comparison fails for it; the others are in the suite's output too."""
    group = report.command.replace(" ", ".")
    cases, notes = [], [*report.notes, report.summary]
    for difference in report.differences:
        failure = (
            ("failure", difference.reason, difference.impact.value, line(difference))
            if report.fails(difference)
            else ()
        )
        cases.append(Case(f"{group}.{difference.kind}", f"{difference.path} {difference.fingerprint}", *failure))
        if not failure:
            notes.append(f"{difference.fingerprint} {line(difference)}")
    facts = {"version": __version__, "old": report.old.name, "new": report.new.name, "fail_on": report.fail_on}
    return document(cases or [Case(group, "no difference")], facts, notes)


def _sarif(report: DifferenceReport) -> bytes:
    return sarif(report.differences, report.new.uri)


def _groups(report: DifferenceReport) -> list[tuple[Difference, list[Difference]]]:
    """Group the differences by class and rule, each group with its first one; the classes keep their order."""

    def decided(difference: Difference) -> tuple[int, str, str]:
        return difference.impact.rank, difference.kind, difference.position

    groups = [[*group] for _, group in groupby(sorted(report.differences, key=decided), decided)]
    return [(group[0], group) for group in groups]


def _counted(counts: Mapping[str, int]) -> str:
    breaking, risky, additions = (counts[impact.value] for impact in Impact)
    if not breaking + risky + additions:
        return "no difference"
    return f"{breaking} breaking, {risky} risky, {additions} addition{'' if additions == 1 else 's'}"


FORMATS: Mapping[str, Callable[[DifferenceReport], bytes]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
    "junit": _junit,
    "sarif": _sarif,
    "html": comparison_page,
}
