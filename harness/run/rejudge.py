"""Judges a saved run again, without a server."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness.check import Judge, worst
from harness.contract import Contract, rows
from harness.contract import load as load_contract
from harness.errors import RunFileError
from harness.history import History, read_history
from harness.model import Facts, facts_of
from harness.report.result import RunResult, Worker, load_run
from harness.report.run_directory import HISTORY
from harness.run.conform import bases_of
from harness.run.outcome import Part, exit_code, heard, summed
from harness.schema import Schema, load
from harness.shipped import shipped
from harness.terms import Verdict


def rejudge(directory: Path, wsdl: str = "") -> RunResult:
    """Give the result of a saved run as the contract and the model of today judge it. Raises RunFileError.

    The history of each worker is judged by itself: it is about other VMs, and by another clock.
    """
    saved = load_run(directory)
    place = directory if directory.is_dir() else directory.parent
    history = read_history(place / HISTORY)
    facts = facts_in(history, directory)
    schema: Schema = load(wsdl or shipped("wsdl") / facts.api_version)
    contract, bases = load_contract(facts.object), bases_of(schema)
    judge = told(history, directory, contract, bases)
    parts = [heard(contract, judge.judgements, history.operations)]
    parts += [part_of(read_history(place / each.history), each, contract, bases) for each in saved.workers]
    listed = rows(contract, bases)
    selected = {each.id for each in saved.rows}
    summary = summed(contract, listed, parts, bases, facts.confirm, str(directory))
    kept = [each for each in summary.rows if each.id in selected]
    verdict = worst(
        [each.verdict for each in kept if each.id not in saved.waived] + [Verdict.VIOLATES] * bool(summary.findings)
    )
    return replace(saved, verdict=verdict, exit_code=exit_code(verdict), rows=kept, findings=list(summary.findings))


def part_of(history: History, worker: Worker, contract: Contract, bases: dict[str, str]) -> Part:
    """Give what the history of a worker tells; nothing if it ended before it began."""
    if not any(each.subject == "facts" for each in history.observed):
        return Part(worker=worker)
    judge = told(history, Path(worker.history), contract, bases)
    return replace(heard(contract, judge.judgements, history.operations), worker=worker)


def told(history: History, directory: Path, contract: Contract, bases: dict[str, str]) -> Judge:
    """Give a judge that has heard a whole history and is done with it. Raises RunFileError."""
    judge = Judge(facts_in(history, directory), contract, bases)
    for operation in history.operations:
        judge.feed(operation)
    judge.close()
    return judge


def facts_in(history: History, directory: Path) -> Facts:
    """Give the facts that a history carries. Raises RunFileError if it carries none."""
    given = [each for each in history.observed if each.subject == "facts"]
    if not given:
        raise RunFileError(f"{directory}: the history holds no facts; the run ended before it began")
    try:
        return facts_of(given[0].facts)
    except msgspec.ValidationError as error:
        raise RunFileError(f"{directory}: the history holds no facts of a run: {error}") from error
