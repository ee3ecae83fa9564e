"""Judges a saved run again, without a server."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from harness.check import Judge, retell, worst
from harness.contract import load as load_contract
from harness.contract import rows
from harness.history import read_history
from harness.report.result import RunResult, load_run
from harness.report.run_directory import HISTORY
from harness.run.conform import bases_of, exit_code, summed
from harness.run.past import facts_in
from harness.schema import Schema, load
from harness.shipped import shipped
from harness.terms import Verdict


def rejudge(directory: Path, wsdl: str = "") -> RunResult:
    """Give the result of a saved run as the contract and the model of today judge it. Raises RunFileError."""
    saved = load_run(directory)
    history = read_history((directory if directory.is_dir() else directory.parent) / HISTORY)
    facts = facts_in(history, directory)
    schema: Schema = load(wsdl or shipped("wsdl") / facts.api_version)
    contract, bases = load_contract(facts.object), bases_of(schema)
    judge = Judge(facts, contract, bases)
    retell(judge, history)
    judge.close()
    listed = rows(contract, bases)
    selected = {each.id for each in saved.rows}
    summary = summed(contract, listed, judge, history.operations, bases, facts.confirm, str(directory))
    kept = [each for each in summary.rows if each.id in selected]
    verdict = worst(
        [each.verdict for each in kept if each.id not in saved.waived] + [Verdict.VIOLATES] * bool(summary.findings)
    )
    return replace(saved, verdict=verdict, exit_code=exit_code(verdict), rows=kept, findings=list(summary.findings))
