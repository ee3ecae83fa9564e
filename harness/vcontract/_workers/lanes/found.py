"""What lanes found, put together as one course of steps would have found it: in the plan's order, and made smaller once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from vcontract._check import Judgement
from vcontract._contract import rows
from vcontract._history import read_history
from vcontract._model.labels import Label
from vcontract._run.ending import cut_short
from vcontract._run.phases import shrink_each
from vcontract._run.plan import Step
from vcontract._run.summary import PartialResult, summed
from vcontract._terms import Finding, Operation
from vcontract._testbed import Testbed
from vcontract._workers.shares import NUMBERS


def in_plan_order(steps: Sequence[Step], parts: Sequence[PartialResult]) -> list[Judgement]:
    """List the judgements of all parts in the order of the steps that they are about; the others after them."""
    places = {step.label: place for place, step in enumerate(steps)}

    def order(judgement: Judgement) -> int:
        return places.get(Label.parse(judgement.cell).step, len(places))

    return sorted((judgement for part in parts for judgement in part.judgements), key=order)


def shrunk_once(
    testbed: Testbed, parts: Sequence[PartialResult], directory: Path, note: Callable[[str], None]
) -> tuple[list[Finding], list[str]]:
    """Make what the parts found smaller, on all VMs, as far as the budget goes; gives that, and what was amiss."""
    site, judge = testbed.site, testbed.judge
    listed = rows(site.contract, judge.bases)
    found = summed(site.contract, listed, parts, judge.bases, 1, "", site.request).findings
    provisional = [finding for finding in found if finding.provisional]
    if not provisional or site.target.over:
        return [], []
    operations: dict[int, list[Operation]] = {}

    def led_to(finding: Finding) -> list[Operation]:
        number = finding.op // NUMBERS
        if number not in operations:
            operations[number] = read_history(directory / f"history-{number}.jsonl").operations
        return operations[number]

    shrunk: dict[str, Finding] = {}
    amiss: list[str] = []
    halted: list[str] = []
    with cut_short(amiss, halted):
        leading = {finding.id: led_to(finding) for finding in provisional if finding.op >= NUMBERS}
        chosen = [finding for finding in provisional if finding.id in leading]
        shrink_each(testbed.lane, site.request.shrink, chosen, leading, shrunk, note, len(chosen))
    return list(shrunk.values()), [*amiss, *halted]


def without_judgements(parts: Sequence[PartialResult]) -> list[PartialResult]:
    """Give parts whose judgements are told elsewhere."""
    return [replace(part, judgements=[]) for part in parts]
