"""The rows of the object itself: its properties, its version, its being one; judged from the reads that asked for them."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract.check.promises import singleton
from vcontract.contract import Contract, before, row_id
from vcontract.terms import Faulted, Json, Lost, Operation, Returned, RowVerdict, Verdict

PROPERTIES, SINCE, SINGLETON = "object:properties", "object:since", "object:singleton"
NAMED, BELOW = "named", "below"


def object_rows(contract: Contract, operations: Sequence[Operation]) -> list[RowVerdict]:
    """Judge the object's own rows from the operations of the cells `object:…`."""
    heard = [each for each in operations if not isinstance(each.outcome, Lost)]
    of = {name: [each for each in heard if each.cell.startswith(name)] for name in (PROPERTIES, SINCE, SINGLETON)}
    found = []
    if contract.properties is not None:
        found.append(_row(contract, "properties", _properties(of[PROPERTIES])))
    if contract.content and before(contract.since):
        found.append(_row(contract, "since", _since(contract, of[SINCE])))
    if contract.singleton:
        found.append(_row(contract, "singleton", _singleton(contract, of[SINGLETON])))
    return found


def _row(contract: Contract, name: str, judged: tuple[Verdict, str, dict[str, int]]) -> RowVerdict:
    verdict, reason, observed = judged
    return RowVerdict(row_id(contract.object, name), verdict, reason, observed)


def _properties(operations: Sequence[Operation]) -> tuple[Verdict, str, dict[str, int]]:
    """`all=true` gives an empty propSet, a named path InvalidProperty."""
    every = [
        each for each in operations if not each.cell.endswith(NAMED) and each.call.method == "RetrievePropertiesEx"
    ]
    named = [each for each in operations if each.cell.endswith(NAMED)]
    if not every or not named:
        return Verdict.UNTESTED, "the properties were not asked for", {}
    for each in every:
        if not isinstance(each.outcome, Returned) or _shown(each.outcome.value):
            return Verdict.VIOLATES, f"all=true gave {_text(each)}, not an empty set", {}
    for each in named:
        if not isinstance(each.outcome, Faulted) or each.outcome.fault.type != "InvalidProperty":
            return Verdict.VIOLATES, f"a property that is not there gave {_text(each)}, not InvalidProperty", {}
    return Verdict.CONFORMS, "", {"empty": len(every), "InvalidProperty": len(named)}


def _shown(value: Json) -> list[str]:
    """Name the properties in a RetrieveResult."""
    objects = (value or {}).get("objects") or []
    return [str(each.get("name")) for found in objects for each in found.get("propSet") or []]


def _since(contract: Contract, operations: Sequence[Operation]) -> tuple[Verdict, str, dict[str, int]]:
    """Expect the manager in ServiceContent from its version on, and not for an older client."""
    shown = [(each.cell.endswith(BELOW), each) for each in operations if isinstance(each.outcome, Returned)]
    if not any(below for below, _ in shown) or all(below for below, _ in shown):
        return Verdict.UNTESTED, "ServiceContent was not read at both versions", {}
    for below, each in shown:
        value = each.outcome.value if isinstance(each.outcome, Returned) else None
        content = contract.content.partition(".")[0]
        present = isinstance(value, dict) and content in value
        if present is below:
            where = f"a client below {contract.since}" if below else f"a client from {contract.since} on"
            return Verdict.VIOLATES, f"{where} {'sees' if present else 'does not see'} {content}", {}
    return Verdict.CONFORMS, "", {"present": sum(not b for b, _ in shown), "absent": sum(b for b, _ in shown)}


def _singleton(contract: Contract, operations: Sequence[Operation]) -> tuple[Verdict, str, dict[str, int]]:
    actors = {each.call.actor for each in operations if isinstance(each.outcome, Returned)}
    if len(operations) < 2 or not actors:
        return Verdict.UNTESTED, "fewer than two sessions read it", {}
    broken = singleton(operations, contract.content)
    return (Verdict.VIOLATES, broken, {}) if broken else (Verdict.CONFORMS, "", {"same": len(operations)})


def _text(operation: Operation) -> str:
    outcome = operation.outcome
    return outcome.fault.type if isinstance(outcome, Faulted) else str(outcome)[:80]
