"""A run in sentences: its verdict, and notes whose shorthand is said in words."""

from __future__ import annotations

import re
from collections import Counter

from vcontract._report.bug_reports.words import counted
from vcontract._report.result import RunResult, TargetFacts
from vcontract._terms import Verdict

_MARKED = re.compile(r"(?<!\S)([~?])(@?\w+)")
_MEANT = {"~": "less precise", "?": "no document settles it"}


def sentence(result: RunResult) -> str:
    """Say in a sentence or two what came out."""
    counts = Counter(row.verdict for row in result.rows)
    judged = f"{counted(result.calls, 'judged call')}, {counted(result.requests, 'request')}"
    unknown = [
        f"{counts[verdict]} {word}"
        for verdict, word in ((Verdict.UNTESTED, "not tested"), (Verdict.INCONCLUSIVE, "not certain"))
        if counts[verdict]
    ]
    rest = f"; {' and '.join(unknown)}" if unknown else ""
    rows = counted(len(result.rows), "promise")
    known = f", {len(result.deviations.known)} of them known" if result.deviations.known else ""
    said = {
        Verdict.CONFORMS: f"The server keeps the contract: of {rows} {counts[Verdict.CONFORMS]} hold{rest} ({judged}).",
        Verdict.VIOLATES: f"The server breaks the contract: {counted(len(result.findings), 'finding')}{known}, breaking "
        f"{counts[Verdict.VIOLATES]} of {rows}{rest} ({judged}).",
        Verdict.INCONCLUSIVE: f"Whether the server keeps the contract is not certain: of {rows} "
        f"{counts[Verdict.CONFORMS]} hold{rest} ({judged}).",
        Verdict.UNTESTED: f"Not everything was tested: of {rows} {counts[Verdict.CONFORMS]} hold{rest} ({judged}).",
    }[result.verdict]
    if result.stress and result.stress.crossed:
        lines = [f"{text}: {measured}" for text, measured in result.stress.crossed.items()]
        said += f" It crosses {counted(len(lines), 'threshold')}: {'; '.join(lines)}."
    return f"{said} Partial: {result.partial}." if result.partial else said


def server(target: TargetFacts) -> str:
    """Say what a target is: product, build and API version."""
    return f"{target.product or 'unknown product'}, build {target.build or 'unknown'}, API {target.api_version}"


def explained(note: str) -> str:
    """Say a note of a run without the marks that expectations carry."""
    return _MARKED.sub(lambda found: f"{found[2]} ({_MEANT[found[1]]})", note)


def kinds(notes: list[str]) -> str:
    """Count notes by what they begin with: `6 unsettled, 6 not exercised`."""
    counts = Counter(note.partition(":")[0] if ":" in note[:40] else "more" for note in notes)
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
