"""The promises of one managed object as frozen values: what a contract file says, and the rows that follow from it."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

import msgspec

from vcontract._errors import ContractError
from vcontract._terms import Grade

OK, RULE, ANY = "OK", "@rule", "@any"
"""Outcomes of a permit that are no fault's type: success, the faults of the rule that the specification breaks, any fault but
those that rows W, Q, O, V and L have."""
EVERY_METHOD = "EveryMethod"
OLD = ("2.5u2", "4.1", "5.5", "6.7.3")
"""API versions that a client may ask for, oldest first; the first is what one that names none gets (metadata)."""
VERSION_MISMATCH = "VersionMismatchFaultCode"
"""No type of the WSDL: the faultcode of a refusal of the API version, which real servers give without any other type."""
_PERMIT = re.compile(r"(?P<grade>[~?]?)(?P<outcome>@?\w+)(?:\{(?P<field>\w+)\})?(?: if (?P<condition>[\w.]+))?")
_GRADES = {"": Grade.CONFORMS, "~": Grade.IMPRECISE, "?": Grade.UNSETTLED}


class Permit(msgspec.Struct, frozen=True):
    """One outcome that a situation permits: `OK`, a fault type, `@rule` (the fault of the rule that the spec breaks) or `@any`.

    `field` is the rule by which the fault's fields are judged; `condition` must hold too, else the permit is void.
    """

    outcome: str
    grade: Grade = Grade.CONFORMS
    field: str = ""
    condition: str = ""


class Situation(msgspec.Struct, frozen=True):
    """One line of the table state x call -> permitted outcomes.

    It holds when any condition of `when` holds and every one of `needs` does (what could not be known does not count).
    `leaves` names the only other situations that still count beside it (None: all do). `synchronous`: its faults come
    as the call's answer if it held when the call was sent. `mid_task`: it began while the task ran.
    """

    id: str
    title: str
    when: tuple[str, ...]
    source: str
    permits: dict[str, tuple[Permit, ...]]
    needs: tuple[str, ...] = ()
    leaves: tuple[str, ...] | None = None
    synchronous: bool = False
    mid_task: bool = False

    def permitted(self, method: str) -> tuple[Permit, ...]:
        """Give the permits for a method; empty if the situation has none for it."""
        return self.permits.get(method) or self.permits.get("all", ())


class DocumentedFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault that the published page names for a method; `declared_as` says how the vendor's metadata differs.

    It is a declared ancestor's name, or `implied` for RuntimeFault, which every operation carries without being listed.
    """

    type: str
    says: str
    source: str
    declared_as: str = ""


class Method(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A method as documented: parameters in wire order (`name: Type`, `[]` a list, `?` optional), result, privilege.

    `parameter_privileges` are those that the metadata name for a parameter. `start` names what of a valid call's state is
    unlike a VM that is on and ready (deviations of vcontract._model.cells).
    """

    name: str
    vmodl: str
    since: str
    says: str
    privilege: str
    parameters: tuple[str, ...]
    returns: str
    result: str
    effect: str
    source: str
    fault: tuple[DocumentedFault, ...] = ()
    start: tuple[str, ...] = ()
    parameter_privileges: dict[str, str] = {}

    @property
    def takes(self) -> dict[str, str]:
        """The documented type of each parameter, by name, without the marks of a list or an optional one."""
        return _taken(self.parameters)

    @property
    def privileges(self) -> tuple[str, ...]:
        """Every privilege that a call needs, the method's own first."""
        needed = (self.privilege, *self.parameter_privileges.values())
        return tuple(dict.fromkeys(privilege for privilege in needed if privilege))

    @property
    def has_task(self) -> bool:
        """Whether a call gives a task, and not its end."""
        return self.returns == "Task"


@cache
def _taken(parameters: tuple[str, ...]) -> dict[str, str]:
    return {name: kind.strip("[]?") for name, _, kind in (parameter.partition(": ") for parameter in parameters)}


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds after a call (F1 to F6)."""

    id: str
    method: str
    says: str
    source: str


class Row(msgspec.Struct, frozen=True):
    """One promise with an id of its own; `when` is filled for fault rows: the situations that may raise the fault."""

    id: str
    says: str
    source: str
    method: str = ""
    fault: str = ""
    when: tuple[str, ...] = ()


class Contract(msgspec.Struct, frozen=True):
    """Everything promised of one object, with what every method promises merged in.

    `content` is the way to the object from ServiceContent, by properties joined with dots; empty: the object is the VM
    itself. `partial`: not every method of the object has an entry. `properties` are None where none are promised.
    """

    object: str
    since: str
    source: str
    content: str
    singleton: bool
    partial: bool
    properties: tuple[str, ...] | None
    methods: tuple[Method, ...]
    situations: tuple[Situation, ...]
    promises: tuple[Promise, ...]
    every_fault: tuple[DocumentedFault, ...]

    @property
    def itself(self) -> bool:
        """Whether the calls are made on the VM itself, and not on a manager that is told which VM is meant."""
        return not self.content

    def method(self, name: str) -> Method:
        """Find a method by its WSDL name; ContractError if the object has none such."""
        for method in self.methods:
            if method.name == name:
                return method
        known = ", ".join(method.name for method in self.methods)
        raise ContractError(f"{self.object} has no method {name}; it has {known}")


def parse_permit(text: str, where: str) -> Permit:
    """Read a permit such as `~InvalidState`, `TaskInProgress{task}` or `OK if task.startedAfter`; ContractError if odd."""
    match = _PERMIT.fullmatch(text)
    if match is None:
        raise ContractError(f"{where}: cannot read the permit {text!r}")
    return Permit(match["outcome"], _GRADES[match["grade"]], match["field"] or "", match["condition"] or "")


def before(since: str) -> str:
    """Name the newest of the old API versions that lacks what came with `since`; empty if every client has it."""
    return next((release for release in reversed(OLD) if version_number(release) < version_number(since)), "")


def older_version(since: str, listed: Collection[str] | None) -> tuple[str, bool]:
    """Choose the version by which a method that came with `since` must not be known, and say whether a server lists it.

    `listed` are the versions that the server lists (None: that was not noted, and is taken as all). One of the old releases
    that is listed, else the nearest listed one before `since`; else an old release that is not. Empty if every client knows it.
    """
    oldest = before(since)
    if not oldest or listed is None:
        return oldest, bool(oldest)
    known = [release for release in OLD if release in listed and version_number(release) < version_number(since)]
    known = known or sorted(
        (release for release in listed if version_number(release) < version_number(since)), key=version_number
    )
    return (known[-1], True) if known else (oldest, False)


def version_number(version: str) -> tuple[int, ...]:
    """Give the numbers in an API version, by which versions are compared."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version))


def ancestors(fault: str, bases: dict[str, str]) -> tuple[str, ...]:
    """List a fault type and its ancestors, nearest first; `bases` maps each type of the WSDL to its base."""
    line = [fault]
    while (base := bases.get(line[-1], "")) and base not in line:
        line.append(base)
    return tuple(line)


def documented_as(fault: str, documented: tuple[str, ...], bases: dict[str, str]) -> str:
    """Name the documented fault that a fault type falls under: itself or its nearest ancestor; empty if none."""
    return next((ancestor for ancestor in ancestors(fault, bases) if ancestor in documented), "")


def row_id(*parts: str) -> str:
    """Join the parts of a row's id."""
    return "/".join(part for part in parts if part)


def rows(contract: Contract, bases: dict[str, str]) -> tuple[Row, ...]:
    """List every row of a contract: the documented faults by method, and the promises beside them.

    A fault row's `when` is the view of the situations by fault: those that permit it, or a fault documented as it.
    """
    listed: list[Row] = []
    for method in contract.methods:
        listed += _method_rows(contract, method, bases)
    object_id = contract.object
    if contract.properties is not None:
        says = "the object has exactly the documented properties"
        listed.append(Row(row_id(object_id, "properties"), says, contract.source))
    if contract.content and before(contract.since):
        listed.append(Row(row_id(object_id, "since"), f"present from {contract.since}, absent below", contract.source))
    if contract.singleton:
        listed.append(Row(row_id(object_id, "singleton"), "one reference for every session", contract.source))
    listed += [
        Row(
            row_id(EVERY_METHOD, fault.type), fault.says, fault.source, "", fault.type, _raised_by(contract, fault.type)
        )
        for fault in contract.every_fault
        if fault.type != "MethodNotFound" or any(before(method.since) for method in contract.methods)
    ]
    return tuple(listed)


def _method_rows(contract: Contract, method: Method, bases: dict[str, str]) -> list[Row]:
    documented = tuple(fault.type for fault in method.fault)
    prefix = (contract.object, method.name)
    listed = [
        Row(
            row_id(*prefix, fault.type),
            fault.says,
            fault.source,
            method.name,
            fault.type,
            tuple(
                s.id
                for s in contract.situations
                if any(documented_as(p.outcome, documented, bases) == fault.type for p in s.permitted(method.name))
            ),
        )
        for fault in method.fault
    ]
    texts = {
        "Success": method.says,
        "parameters": f"takes exactly {', '.join(method.parameters) or 'none'}",
        "privilege": f"needs {' and '.join(method.privileges)}" if method.privileges else "",
        "since": f"unknown below {method.since}" if before(method.since) else "",
        "result": f"returns a Task whose result is {method.result}" if method.has_task else f"returns {method.result}",
    }
    listed += [Row(row_id(*prefix, part), says, method.source, method.name) for part, says in texts.items() if says]
    return listed


def _raised_by(contract: Contract, fault: str) -> tuple[str, ...]:
    raising = (s for s in contract.situations if s.synchronous)
    return tuple(
        s.id for s in raising if any(p.outcome == fault and p.grade is not Grade.UNSETTLED for p in s.permitted(""))
    )
