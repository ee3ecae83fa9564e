"""Puts the parts of a run together to its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from vcontract._check import Summary, worst
from vcontract._config.printed_command import finding_command
from vcontract._config.request import record_of, with_whole_paths
from vcontract._contract import Row, names, rows
from vcontract._model import sharpness
from vcontract._model.labels import Label
from vcontract._report.events import FindingSeen, RunEnded
from vcontract._report.result import DOCUMENTED, Clones, RunResult
from vcontract._run.active_run import Beginning, target_facts
from vcontract._run.announcer import Announcer
from vcontract._run.known_deviations import with_known
from vcontract._run.planning import chosen_methods
from vcontract._run.risk.telling import told_as_such
from vcontract._run.summary import (
    PartialResult,
    as_shrunk,
    cells_of,
    exit_code,
    interrupted,
    not_exercised,
    partial_of,
    slowest_of,
    summed,
    too_few,
    waive,
    with_broken,
)
from vcontract._strategies.calls import Caller
from vcontract._terms import Finding, RowVerdict, Verdict
from vcontract._testbed import Site

UNNAMED = (
    "the server answers only requests without the SOAP header operationID: none was named, which counts for nothing"
)
"""Told where a server takes no named requests."""


def summarize(
    site: Site,
    beginning: Beginning,
    parts: Sequence[PartialResult],
    caller: Caller | None,
    keep: Callable[[RowVerdict], bool] = lambda _: True,
) -> RunResult:
    """Sum up what the parts of a run gave; without a `caller` no call was made.

    Of the rows those are told that were selected and that `keep` lets through.
    """
    request, context, bases = site.request, site.context, site.bases
    listed = rows(site.contract, bases)
    summary = summed(site.contract, listed, parts, bases, site.config.confirm, context.report, request)
    findings = _findings(site, summary, parts)
    selected = [row for row in _selected(site, listed, with_broken(summary.rows, findings)) if keep(row)]
    verdicts, waived = waive(selected, site.config)
    cells = cells_of(parts)
    lacking = too_few(cells, request.min_coverage or site.config.min_coverage)
    known = [row.verdict for row in verdicts if row.id not in waived]
    unsure = [Verdict.INCONCLUSIVE] * (_cut(site, parts) or bool(lacking))
    verdict = worst([*known, *unsure, *[Verdict.VIOLATES] * bool(findings)])
    return RunResult(
        verdict=verdict,
        exit_code=exit_code(verdict, safe=not any(part.halted or part.clones.left for part in parts)),
        seed=request.seed,
        calls=sum(part.calls for part in parts),
        requests=sum(part.requests for part in parts),
        target=target_facts(site),
        rows=verdicts,
        cells=cells,
        findings=findings,
        sharpness=msgspec.to_builtins(sharpness(site.contract, bases)),
        profile=context.pinned.profile if context.pinned else DOCUMENTED,
        inputs=_inputs(site, parts, caller),
        replay=context.replay,
        notes=[*lacking, *_unused(site, listed), *_notes(parts, summary)],
        waived=waived,
        started=beginning.started.isoformat(timespec="seconds"),
        seconds=beginning.seconds,
        workers=[part.worker for part in parts if part.worker],
        clones=Clones(sum(part.clones.made for part in parts), [name for part in parts for name in part.clones.left]),
        slowest=slowest_of(parts),
        idle_reads=sum(part.idle_reads for part in parts),
        partial=partial_of(parts, cells, site.target.over),
        request=record_of(with_whole_paths(request)),
    )


def _findings(site: Site, summary: Summary, parts: Sequence[PartialResult]) -> list[Finding]:
    """Give the findings as they were shrunk, each with the command that replays it and with the name of its request."""
    shrunk = [finding for part in parts for finding in part.shrunk]
    place = site.context.report or "RUN"
    found = as_shrunk(summary.findings, shrunk, lambda id_: finding_command(place, id_, site.request))
    return [replace(finding, operation_id=site.target.operation_ids.of(finding.op)) for finding in found]


def _cut(site: Site, parts: Sequence[PartialResult]) -> bool:
    """Whether a signal, the target or a danger ended the run."""
    return bool(site.target.over) or any(part.halted or interrupted(part.notes) for part in parts)


def _notes(parts: Sequence[PartialResult], summary: Summary) -> list[str]:
    """Put the notes of a run's parts together."""
    told = dict.fromkeys(note for part in parts for note in part.notes)  # several may have ended alike
    return [*told, *summary.notes, *not_exercised(parts)]


def _unused(site: Site, listed: Sequence[Row]) -> list[str]:
    """Say what of a configuration does nothing, and what of it others can read; and what the server cannot do with."""
    unnamed = [UNNAMED] * site.target.operation_ids.refused
    if site.request.config is None:
        return unnamed
    told = [
        *site.config.idle([row.id for row in listed], {*names()} - {site.contract.object}),
        *site.config.open_passwords(),
    ]
    return [*unnamed, *(f"configuration: {each}" for each in told)]


def finished(site: Site, announcer: Announcer, result: RunResult) -> RunResult:
    """Tell of the findings and of the end; gives the result as it is worth with the known deviations."""
    for finding in result.findings:
        announcer.tell(FindingSeen(finding))
    result = told_as_such(result, site.request)
    ended = with_known(result, site.context.known, cut=bool(site.target.over))
    announcer.tell(RunEnded(ended))
    return ended


def _inputs(site: Site, parts: Sequence[PartialResult], caller: Caller | None) -> dict[str, dict[str, tuple[int, int]]]:
    """Count what was exercised of the methods' arguments."""
    if caller is None or any(part.absent for part in parts):
        return {}
    taken = {Label.parse(judgement.cell).step for part in parts for judgement in part.judgements}
    covered = caller.coverage([part.shown for part in parts], taken)
    return {
        method: {
            aspect: (share.reached, share.all)
            for aspect in ("types", "positions", "constraints")
            for share in [getattr(covered[method], aspect)]
        }
        for method in chosen_methods(site)
    }


def _selected(site: Site, listed: Sequence[Row], verdicts: Sequence[RowVerdict]) -> list[RowVerdict]:
    """Leave out the rows that were not selected, or whose methods were not."""
    if site.context.rows:
        return [verdict for verdict in verdicts if verdict.id in site.context.rows]
    method_of, methods = {row.id: row.method for row in listed}, site.request.methods
    return [verdict for verdict in verdicts if not methods or method_of[verdict.id] in methods]
