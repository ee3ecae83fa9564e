"""Judges a saved run again, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract import __version__
from vcontract._check import Judge, retell, worst
from vcontract._check.object_rows import is_own
from vcontract._collector import uncollected
from vcontract._config.printed_command import finding_command
from vcontract._config.request import RunRequest, request_of
from vcontract._contract import Contract, rows
from vcontract._contract import load as load_contract
from vcontract._history import FACTS, RESUMED, History, read_history, retold
from vcontract._model import Facts
from vcontract._report.result import KnownDeviations, RunResult, Worker, load_run
from vcontract._report.run_directory import HISTORY
from vcontract._run.interrupted_run import facts_in
from vcontract._run.known_deviations import listed, with_kept, with_known
from vcontract._run.summary import PartialResult, as_shrunk, exit_code, heard, interrupted, summed, with_broken
from vcontract._saved_file import held_by, understood
from vcontract._schema import bases_of, load, release
from vcontract._terms import Finding, Observed, Operation, Verdict


def rejudge(directory: Path, wsdl: str = "", deviations: Path | None = None) -> RunResult:
    """Give the result of a saved run as the contract and the model of today judge it. Raises RunFileError.

    The known deviations are those of the file, else those that the run kept; no file is opened but those of its directory.

    The history of each worker is judged by itself: it is about other VMs, and by another clock.
    """
    saved = load_run(directory)
    with understood(directory):
        return _rejudged(saved, directory, wsdl, deviations)


def _rejudged(saved: RunResult, directory: Path, wsdl: str, deviations: Path | None) -> RunResult:
    place = directory if directory.is_dir() else directory.parent
    facts, events = _surveyed(place / HISTORY, directory)
    schema = load(wsdl) if wsdl else release(facts.api_version)
    contract, bases = load_contract(facts.object), bases_of(schema)
    shrunk = [finding for finding in saved.findings if finding.was]
    parts = [replace(_judged(events, Judge(facts, contract, bases)), absent=facts.absent, shrunk=shrunk)]
    parts += [
        part_of(read_history(held_by(place, worker.history)), worker, contract, bases) for worker in saved.workers
    ]
    every = rows(contract, bases)
    selected = {row.id for row in saved.rows}
    folder = str(directory.absolute())
    summary = summed(contract, every, parts, bases, facts.confirm, folder, _asked_of(saved))
    shrunk += _of_former_version(summary.findings, saved.findings)
    findings = as_shrunk(summary.findings, shrunk, lambda id_: finding_command(folder, id_, _asked_of(saved)))
    named = {finding.id: finding.operation_id for finding in saved.findings}
    findings = [replace(finding, operation_id=named.get(finding.id, "")) for finding in findings]
    kept = [row for row in with_broken(summary.rows, findings) if row.id in selected]
    safe = saved.exit_code != exit_code(saved.verdict, safe=False)
    also = [Verdict.VIOLATES] * bool(summary.findings) + [Verdict.INCONCLUSIVE] * (not safe or interrupted(saved.notes))
    verdict = worst([row.verdict for row in kept if row.id not in saved.waived] + also)
    code = exit_code(verdict, safe=safe)
    again = replace(saved, verdict=verdict, exit_code=code, rows=kept, findings=findings, version=__version__)
    bare = replace(again, deviations=KnownDeviations())
    if deviations is None:
        return with_kept(bare, saved.deviations, cut=not safe)
    return with_known(bare, listed(None, deviations), cut=not safe)


def _of_former_version(findings: Sequence[Finding], saved: Sequence[Finding]) -> list[Finding]:
    """Give the findings of a run of version 0.1.0, whose ids held no cause, as they are judged now, with those ids."""
    had = {finding.id: finding for finding in saved if not finding.former}
    return [
        replace(finding, id=old.id, program=old.program, root=old.root, repeats=old.repeats, provisional=False)
        for finding in findings
        if (old := had.get(finding.former)) is not None
    ]


def _asked_of(saved: RunResult) -> RunRequest:
    """Read what was asked of a saved run; a plain request if it does not say."""
    try:
        return request_of(saved.request)
    except msgspec.ValidationError:
        return RunRequest()


def _surveyed(file: Path, directory: Path) -> tuple[Facts, Iterator[Observed | Operation]]:
    """Read a history up to the facts; gives them, and all its events. Raises RunFileError, also if it holds none."""
    events, first = retold(file), list[Observed | Operation]()
    for event in events:
        first.append(event)
        if isinstance(event, Observed) and event.subject == FACTS:
            return facts_in(History([event], []), directory), chain(first, events)
    return facts_in(History([], []), directory), iter(first)


@uncollected()
def _judged(events: Iterable[Observed | Operation], judge: Judge) -> PartialResult:
    """Let a judge hear a history as it is read; of its operations those alone are kept on which a verdict still rests."""
    own: list[Operation] = []
    calls = requests = 0
    for event in events:
        if isinstance(event, Operation):
            judge.feed(event)
            requests += 1
            calls += event.purpose == "judge"
            if is_own(event):
                own.append(event)
        elif event.subject == RESUMED:
            judge.resume()
    judge.close()
    return replace(heard(judge.contract, judge.judgements, own), calls=calls, requests=requests)


def part_of(history: History, worker: Worker, contract: Contract, bases: dict[str, str]) -> PartialResult:
    """Give what the history of a worker tells; nothing if it ended before it began."""
    if not history.noted(FACTS):
        return PartialResult(worker=worker)
    judge = told(history, Path(worker.history), contract, bases)
    return replace(heard(contract, judge.judgements, history.operations), worker=worker)


def told(history: History, directory: Path, contract: Contract, bases: dict[str, str]) -> Judge:
    """Give a judge that has heard a whole history and is done with it. Raises RunFileError."""
    judge = Judge(facts_in(history, directory), contract, bases)
    retell(judge, history)
    judge.close()
    return judge
