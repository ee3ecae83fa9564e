"""The rows of the object itself: its properties, its version, its being one; judged from the reads that asked for them."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract.check.promises import singleton
from vcontract.contract import Contract, before, row_id
from vcontract.terms import Faulted, Json, Lost, Operation, Returned, RowVerdict, Verdict

PROPERTIES, SINCE, SINGLETON = "object:properties", "object:since", "object:singleton"
NAMED, BELOW = "named", "below"


def is_own(operation: Operation) -> bool:
    """Whether a row of the object itself may rest on an operation."""
    return operation.cell.startswith((PROPERTIES, SINCE, SINGLETON))


def object_rows(contract: Contract, operations: Sequence[Operation]) -> list[RowVerdict]:
    """Judge the object's own rows from the operations of the cells `object:…`."""
    heard = [operation for operation in operations if not isinstance(operation.outcome, Lost)]
    of = {
        name: [operation for operation in heard if operation.cell.startswith(name)]
        for name in (PROPERTIES, SINCE, SINGLETON)
    }
    rows = []
    if contract.properties is not None:
        rows.append(_row(contract, "properties", _properties(of[PROPERTIES])))
    if contract.content and before(contract.since):
        rows.append(_row(contract, "since", _since(contract, of[SINCE])))
    if contract.singleton:
        rows.append(_row(contract, "singleton", _singleton(contract, of[SINGLETON])))
    return rows


def _row(contract: Contract, name: str, judged: tuple[Verdict, str, dict[str, int]]) -> RowVerdict:
    verdict, reason, observed = judged
    return RowVerdict(row_id(contract.object, name), verdict, reason, observed)


def _properties(operations: Sequence[Operation]) -> tuple[Verdict, str, dict[str, int]]:
    """`all=true` gives an empty propSet, a named path InvalidProperty."""
    every = [
        operation
        for operation in operations
        if not operation.cell.endswith(NAMED) and operation.call.method == "RetrievePropertiesEx"
    ]
    named = [operation for operation in operations if operation.cell.endswith(NAMED)]
    if not every or not named:
        return Verdict.UNTESTED, "the properties were not asked for", {}
    for operation in every:
        if not isinstance(operation.outcome, Returned) or _shown(operation.outcome.value):
            return Verdict.VIOLATES, f"all=true gave {_text(operation)}, not an empty set", {}
    for operation in named:
        if not isinstance(operation.outcome, Faulted) or operation.outcome.fault.type != "InvalidProperty":
            return Verdict.VIOLATES, f"a property that is not there gave {_text(operation)}, not InvalidProperty", {}
    return Verdict.CONFORMS, "", {"empty": len(every), "InvalidProperty": len(named)}


def _shown(value: Json) -> list[str]:
    """Name the properties in a RetrieveResult."""
    objects = (value or {}).get("objects") or []
    return [str(property_.get("name")) for content in objects for property_ in content.get("propSet") or []]


def _since(contract: Contract, operations: Sequence[Operation]) -> tuple[Verdict, str, dict[str, int]]:
    """Expect the manager in ServiceContent from its version on, and not for an older client."""
    shown = [
        (operation.cell.endswith(BELOW), operation)
        for operation in operations
        if isinstance(operation.outcome, Returned)
    ]
    if not any(below for below, _ in shown) or all(below for below, _ in shown):
        return Verdict.UNTESTED, "ServiceContent was not read at both versions", {}
    for below, operation in shown:
        value = operation.outcome.value if isinstance(operation.outcome, Returned) else None
        content = contract.content.partition(".")[0]
        present = isinstance(value, dict) and content in value
        if present is below:
            where = f"a client below {contract.since}" if below else f"a client from {contract.since} on"
            return Verdict.VIOLATES, f"{where} {'sees' if present else 'does not see'} {content}", {}
    return Verdict.CONFORMS, "", {"present": sum(not b for b, _ in shown), "absent": sum(b for b, _ in shown)}


def _singleton(contract: Contract, operations: Sequence[Operation]) -> tuple[Verdict, str, dict[str, int]]:
    actors = {operation.call.actor for operation in operations if isinstance(operation.outcome, Returned)}
    if len(operations) < 2 or not actors:
        return Verdict.UNTESTED, "fewer than two sessions read it", {}
    broken = singleton(operations, contract.content)
    return (Verdict.VIOLATES, broken, {}) if broken else (Verdict.CONFORMS, "", {"same": len(operations)})


def _text(operation: Operation) -> str:
    outcome = operation.outcome
    return outcome.fault.type if isinstance(outcome, Faulted) else str(outcome)[:80]
