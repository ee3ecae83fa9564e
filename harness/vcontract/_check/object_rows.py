"""The rows of the object itself: its properties, its version, its being one; judged from the reads that asked for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vcontract._check.causes import fingerprint, former_id
from vcontract._check.guarantees.breach import Breach
from vcontract._check.promises import singleton
from vcontract._contract import OK, Contract, before, row_id
from vcontract._terms import (
    Faulted,
    Finding,
    Grade,
    Json,
    Lost,
    Operation,
    ReplayStep,
    Returned,
    RowVerdict,
    Verdict,
)

PROPERTIES, SINCE, SINGLETON = "object:properties", "object:since", "object:singleton"
NAMED, BELOW = "named", "below"


def is_own(operation: Operation) -> bool:
    """Whether a row of the object itself may rest on an operation."""
    return operation.cell.startswith((PROPERTIES, SINCE, SINGLETON))


class _Judged(msgspec.Struct, frozen=True):
    """The verdict on a row of the object; what breaks it is named without any value of a run, with the read that shows it."""

    verdict: Verdict
    reason: str
    observed: dict[str, int] = {}
    wrong: str = ""
    expected: str = ""
    by: Operation | None = None


def object_rows(contract: Contract, operations: Sequence[Operation]) -> list[RowVerdict]:
    """Judge the object's own rows from the operations of the cells `object:…`."""
    return [
        RowVerdict(row_id(contract.object, name), judged.verdict, judged.reason, judged.observed)
        for name, judged in _judged(contract, operations).items()
    ]


def object_findings(contract: Contract, operations: Sequence[Operation]) -> list[Finding]:
    """Give a finding for each row of the object that is broken; its calls are reads, which rest on nothing that came before."""
    found = []
    for name, judged in _judged(contract, operations).items():
        if judged.by is None:
            continue
        row, by = row_id(contract.object, name), judged.by
        source = Breach(by.op, by.call.method, "", Grade.WRONG, judged.expected, judged.wrong, judged.reason)
        place = ":".join(by.cell.split(":")[:2])
        reads = [other for other in operations if other.cell.startswith(place) and other.op <= by.op]
        steps = tuple(ReplayStep(other.call, "read") for other in reads)
        id_ = fingerprint(row, source, (), ())
        found.append(
            Finding(
                id_, row, contract.object, by.call.method, Grade.WRONG, judged.expected, judged.wrong, "", by.cell, by.op,
                (by.op,), judged.reason, program=steps, former=former_id(row, source), rows=(row,), cells=(by.cell,),
                was=(id_,),
            )
        )  # fmt: skip
    return found


def _judged(contract: Contract, operations: Sequence[Operation]) -> dict[str, _Judged]:
    heard = [operation for operation in operations if not isinstance(operation.outcome, Lost)]
    of = {
        name: [operation for operation in heard if operation.cell.startswith(name)]
        for name in (PROPERTIES, SINCE, SINGLETON)
    }
    rows = {}
    if contract.properties is not None:
        rows["properties"] = _properties(of[PROPERTIES])
    if contract.content and before(contract.since):
        rows["since"] = _since(contract, of[SINCE])
    if contract.singleton:
        rows["singleton"] = _singleton(contract, of[SINGLETON])
    return rows


def _properties(operations: Sequence[Operation]) -> _Judged:
    """`all=true` gives an empty propSet, a named path InvalidProperty."""
    every = [
        operation
        for operation in operations
        if not operation.cell.endswith(NAMED) and operation.call.method == "RetrievePropertiesEx"
    ]
    named = [operation for operation in operations if operation.cell.endswith(NAMED)]
    if not every or not named:
        return _Judged(Verdict.UNTESTED, "the properties were not asked for")
    for operation in every:
        if not isinstance(operation.outcome, Returned) or _shown(operation.outcome.value):
            reason = f"all=true gave {_text(operation)}, not an empty set"
            return _Judged(Verdict.VIOLATES, reason, {}, f"all: {_name(operation)}", "an empty propSet", operation)
    for operation in named:
        if not isinstance(operation.outcome, Faulted) or operation.outcome.fault.type != "InvalidProperty":
            reason = f"a property that is not there gave {_text(operation)}, not InvalidProperty"
            return _Judged(Verdict.VIOLATES, reason, {}, f"named: {_name(operation)}", "InvalidProperty", operation)
    return _Judged(Verdict.CONFORMS, "", {"empty": len(every), "InvalidProperty": len(named)})


def _shown(value: Json) -> list[str]:
    """Name the properties in a RetrieveResult."""
    objects = (value or {}).get("objects") or []
    return [str(property_.get("name")) for content in objects for property_ in content.get("propSet") or []]


def _since(contract: Contract, operations: Sequence[Operation]) -> _Judged:
    """Expect the manager in ServiceContent from its version on, and not for an older client."""
    shown = [
        (operation.cell.endswith(BELOW), operation)
        for operation in operations
        if isinstance(operation.outcome, Returned)
    ]
    if not any(below for below, _ in shown) or all(below for below, _ in shown):
        return _Judged(Verdict.UNTESTED, "ServiceContent was not read at both versions")
    for below, operation in shown:
        value = operation.outcome.value if isinstance(operation.outcome, Returned) else None
        content = contract.content.partition(".")[0]
        present = isinstance(value, dict) and content in value
        if present is below:
            where = f"a client below {contract.since}" if below else f"a client from {contract.since} on"
            wrong, right = ("present", "absent") if below else ("absent", "present")
            reason = f"{where} {'sees' if present else 'does not see'} {content}"
            return _Judged(Verdict.VIOLATES, reason, {}, wrong, right, operation)
    return _Judged(
        Verdict.CONFORMS, "", {"present": sum(not below for below, _ in shown), "absent": sum(b for b, _ in shown)}
    )


def _singleton(contract: Contract, operations: Sequence[Operation]) -> _Judged:
    actors = {operation.call.actor for operation in operations if isinstance(operation.outcome, Returned)}
    if len(operations) < 2 or not actors:
        return _Judged(Verdict.UNTESTED, "fewer than two sessions read it")
    if broken := singleton(operations, contract.content):
        return _Judged(Verdict.VIOLATES, broken, {}, "different references", "the same reference", operations[-1])
    return _Judged(Verdict.CONFORMS, "", {"same": len(operations)})


def _name(operation: Operation) -> str:
    """Name an outcome without a value."""
    outcome = operation.outcome
    return outcome.fault.type if isinstance(outcome, Faulted) else OK


def _text(operation: Operation) -> str:
    outcome = operation.outcome
    return outcome.fault.type if isinstance(outcome, Faulted) else str(outcome)[:80]
