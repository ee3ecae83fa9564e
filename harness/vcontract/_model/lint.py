"""Lint of a contract: against the conditions and effects that the model knows, and against the vendor's metadata.

It stands in the model's room because only that room knows which conditions and effects there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from vcontract._contract import (
    ANY,
    EVERY_METHOD,
    OK,
    RULE,
    VERSION_MISMATCH,
    Contract,
    Method,
    Permit,
    Situation,
    ancestors,
    rows,
)
from vcontract._model.cells import BY_NAME
from vcontract._model.conditions import CONDITIONS, OUTCOME_CONDITIONS
from vcontract._model.effects import EFFECTS
from vcontract._terms import Grade

IMPLIED, UNDECLARED = "implied", "undeclared"


class Declared(msgspec.Struct, frozen=True):
    """What the vendor's metadata declares of a method; parameters, and their privileges, as contract files write them."""

    since: str
    privilege: str
    parameters: tuple[str, ...]
    faults: tuple[str, ...]
    returns: str = "Task"
    parameter_privileges: dict[str, str] = {}


def lint(
    contracts: Sequence[Contract], bases: Mapping[str, str], vendor: Mapping[str, Mapping[str, Declared]]
) -> list[str]:
    """Name every fault of some contracts, one line each; `vendor` gives each object's methods in the vendor's metadata."""
    problems: list[str] = []
    for contract in contracts:
        problems += _situations(contract, dict(bases))
        for method in contract.methods:
            problems += _method(contract, method, vendor.get(contract.object, {}).get(method.name))
        if contract.itself and contract.object != "VirtualMachine":
            problems.append(f"{contract.object}: no content says how to reach it, and only a VM is known without")
        missing = sorted(set(vendor.get(contract.object, {})) - {method.name for method in contract.methods})
        if missing and not contract.partial:
            problems.append(
                f"{contract.object}: the vendor's metadata has methods that no row names: {', '.join(missing)}"
            )
        for row in rows(contract, dict(bases)):
            if row.fault and not row.when:
                problems.append(f"{row.id}: documented, but no situation permits it")
    return [*problems, *_unused(contracts)]


def _situations(contract: Contract, bases: dict[str, str]) -> Iterator[str]:
    declared = {fault.type for method in contract.methods for fault in method.fault}
    for situation in contract.situations:
        where = f"{contract.object}: situation {situation.id}"
        for name in (*situation.when, *situation.needs):
            if name not in CONDITIONS:
                yield f"{where}: unknown condition {name}"
        for permit in _permits(situation):
            if permit.condition and permit.condition not in CONDITIONS.keys() | OUTCOME_CONDITIONS:
                yield f"{where}: unknown condition {permit.condition}"
            if permit.outcome in {OK, RULE, ANY, VERSION_MISMATCH}:
                continue
            if "MethodFault" not in ancestors(permit.outcome, bases):
                yield f"{where}: {permit.outcome} is no fault of the WSDL"
            elif permit.grade is not Grade.UNSETTLED and not declared & set(ancestors(permit.outcome, bases)):
                yield f"{where}: {permit.outcome} is neither declared nor a descendant of a declared fault"


def _permits(situation: Situation) -> list[Permit]:
    return [permit for permits in situation.permits.values() for permit in permits]


def _method(contract: Contract, method: Method, vendor: Declared | None) -> Iterator[str]:
    where = f"{contract.object}/{method.name}"
    if method.effect not in EFFECTS:
        yield f"{where}: unknown effect {method.effect}"
    for name in method.start:
        if name not in BY_NAME or BY_NAME[name].asked:
            yield f"{where}: start names no deviation of the state: {name}"
    if vendor is None:
        yield f"{where}: the vendor's metadata has no such method"
        return
    for name, ours, theirs in (
        ("since", method.since, vendor.since),
        ("privilege", method.privilege, vendor.privilege),
        ("parameters", tuple(method.parameters), vendor.parameters),
        ("parameter_privileges", method.parameter_privileges, vendor.parameter_privileges),
        ("returns", method.returns, vendor.returns),
    ):
        if ours != theirs:
            yield f"{where}: {name} is {ours!r}, the vendor's metadata says {theirs!r}"
    yield from _faults(method, vendor, where)


def _faults(method: Method, vendor: Declared, where: str) -> Iterator[str]:
    documented = {fault.type: fault for fault in method.fault}
    for fault in vendor.faults:
        if fault not in documented:
            yield f"{where}/{fault}: declared by the vendor, but without a row"
    for name, described in documented.items():
        if name not in vendor.faults and not described.declared_as:
            yield f"{where}/{name}: not in the vendor's metadata, and the row does not say so (declared_as)"
        elif described.declared_as and described.declared_as not in {IMPLIED, UNDECLARED, *vendor.faults}:
            yield f"{where}/{name}: declared_as {described.declared_as}, which the vendor does not declare"
        elif described.declared_as and name in vendor.faults:
            yield f"{where}/{name}: declared_as {described.declared_as}, but the vendor declares it"


def _unused(contracts: Sequence[Contract]) -> Iterator[str]:
    used = {
        name
        for contract in contracts
        for situation in contract.situations
        for name in (*situation.when, *situation.needs)
    }
    used |= {
        permit.condition
        for contract in contracts
        for situation in contract.situations
        for permit in _permits(situation)
    }
    for name in sorted(CONDITIONS.keys() - used):
        yield f"{EVERY_METHOD}: condition {name} is used by no contract"
    for name in sorted(EFFECTS.keys() - {method.effect for contract in contracts for method in contract.methods}):
        yield f"{EVERY_METHOD}: effect {name} is used by no contract"
