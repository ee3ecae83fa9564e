"""A bug report of a finding, as values in plain words: how it is laid out is for each form of output to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import msgspec

from vcontract._contract import ANY, OK, Contract, Method, load, names
from vcontract._exchanges import WireExchange
from vcontract._model import cell_of, holding
from vcontract._model.cells import BY_NAME
from vcontract._model.labels import Label
from vcontract._report.bug_reports.evidence import Evidence
from vcontract._report.bug_reports.words import (
    BESIDE,
    CONCURRENT,
    GRADES,
    GUARANTEES,
    cited,
    counted,
    outcomes,
    page_of,
    read_state,
    unusual,
)
from vcontract._report.result import RunResult, TargetFacts
from vcontract._terms import Call, Envelope, Fault, Faulted, Finding, Json, Lost, Operation, ReplayStep, as_ref

LONGEST = 20_000
"""So many characters of a value are told, at most; the history has the rest."""
_SHORT, _PROBLEMS, _CELLS, _TASKS = 300, 5, 5, 3
_NOT_KEPT = "not kept: the run was made before exchanges were kept, by many clients at once, or had many findings"


class Promise(msgspec.Struct, frozen=True):
    """A sentence of the contract that counts here, where it stands, each source in words, and the address of its page.

    The address holds only names of our own contract files, never one of a server or a saved file.
    """

    id: str
    says: str
    sources: tuple[str, ...] = ()
    page: str = ""


class BugReport(msgspec.Struct, frozen=True):
    """All that is told of one finding; each text is one that a server may have chosen, and none is escaped.

    `state` are lines on the VM and the call, `arguments` the call's as JSON, secrets by name; `expected` and `observed` are
    outcomes and values in words. `situations` are what holds and decides what is permitted. `calls` are the shortest that
    show it. `unkept` says why there are no exchanges, `operation_id` is by what the server's log names the request.
    """

    id: str
    title: str
    grade: str
    target: TargetFacts
    vm: str
    state: tuple[str, ...]
    call: str
    arguments: str
    expected: tuple[str, ...]
    observed: tuple[str, ...]
    difference: str
    promise: Promise
    situations: tuple[Promise, ...]
    seen: tuple[str, ...]
    calls: tuple[str, ...]
    exchanges: tuple[WireExchange, ...]
    unkept: str
    replay: str
    known: str = ""
    version: str = ""
    operation_id: str = ""


def bug_report(finding: Finding, result: RunResult, evidence: Evidence | None = None) -> BugReport:
    """Write the bug report of a finding of a run; without evidence it says what the finding alone says."""
    seen = evidence or Evidence()
    contract = _contract(finding.object)
    call = seen.call.call if seen.call is not None else finding.program[-1].call if finding.program else None
    return BugReport(
        finding.id,
        f"{finding.method or finding.object}: {_summary(finding)}",
        GRADES.get(finding.grade, finding.grade.value),
        result.target,
        _vm(finding, seen),
        _state(finding, seen),
        _call(finding, call, _caller(call, seen.accounts) if call is not None else ""),
        _json(call.arguments) if call is not None else "",
        _expected(finding),
        _observed(finding, seen),
        finding.detail,
        _promise(finding, contract),
        _situations(finding, contract),
        _times(finding),
        tuple(_step(step, seen.accounts) for step in finding.program),
        seen.exchanges,
        "" if seen.exchanges else _NOT_KEPT,
        finding.replay,
        result.deviations.known.get(finding.id, ""),
        result.version,
        finding.operation_id,
    )


@cache
def _contract(name: str) -> Contract | None:
    """Load a contract that ships; None for an object that no file is about: it may have been the run's own."""
    return load(name) if name in names() else None


def _summary(finding: Finding) -> str:
    """Say in a line what is wrong: not `OK` where `OK` was expected, but what then was not right."""
    observed = _in_words(finding.observed)
    certain = [word for word in finding.expected.split() if word[:1] not in "~?"]
    expected = " or ".join(outcomes(" ".join(certain)) or outcomes(finding.expected))
    if finding.field and finding.detail:
        return f"{observed}, but {finding.detail}"
    if CONCURRENT in finding.row:
        return f"{finding.detail or observed}; expected: {finding.expected}"
    if expected and finding.observed.partition(" (")[0] not in finding.expected.split():
        return f"answered {observed}, where {expected} is expected"
    return f"answered {observed}: {finding.detail or GRADES.get(finding.grade, finding.grade.value)}"


def _in_words(observed: str) -> str:
    name, _, channel = observed.partition(" (")
    said = "success" if name == "OK" else name
    if channel != "task)":
        return said
    return "success of its task" if name == OK else f"{said} as the error of its task"


def _vm(finding: Finding, seen: Evidence) -> str:
    moid, name = (seen.vm, seen.name) if seen.vm else finding.root
    return f"{name} ({moid})" if name and name != moid else moid


def _state(finding: Finding, seen: Evidence) -> tuple[str, ...]:
    lines = []
    known = finding.cause or _deviations(finding)
    lines += [unusual(name) for name in known]
    if CONCURRENT in finding.row:
        lines.append("many clients worked on the VM at once")
    elif not lines and not finding.after:
        lines.append("nothing is unusual about the call or its VM")
    if finding.after:
        lines.append(f"after {', '.join(finding.after)}, without which it does not show")
    if before := read_state(seen.before):
        lines.append(f"read before the call: {before}")
    elif finding.program and finding.program[-1].seen:
        last = finding.program[-1].seen
        lines.append(f"read before the call: {', '.join(f'{name} {value}' for name, value in last.items())}")
    for info in seen.at_work[:_TASKS]:
        lines.append(f"a task of the VM was not seen ended: {_task(info)}")
    return tuple(lines)


def _task(info: Mapping[str, Json]) -> str:
    task = as_ref(info.get("task"))
    named = task.value if task is not None else info.get("key", "")
    return f"{info.get('name') or info.get('descriptionId') or 'a task'} {named}, {info.get('state', 'unknown')}"


_WITHOUT_ACCOUNT = {"nobody": "nobody, without a session", "stranger": "a stranger, with a session that is made up"}
"""Who calls without a login, by the names that the calls have."""


def _call(finding: Finding, call: Call | None, account: str) -> str:
    if call is None:
        return finding.method
    shown = "the answer that shows it is of " if CONCURRENT in finding.row else ""
    where = f"{shown}{call.method} of {call.object.type} {call.object.value}, by {account}"
    if isinstance(call.payload, Envelope):
        where += f"; the request was edited, {call.payload.breaks}, and would have had the arguments below"
    return where


def _caller(call: Call, accounts: Mapping[str, str]) -> str:
    """Name the account that calls, where it is known, and the session where it is one of several of that account."""
    account = accounts.get(call.actor, "")
    alone = sum(each == account for each in accounts.values()) == 1
    if account and (alone or call.actor == "full"):
        return account
    if not account:
        return _WITHOUT_ACCOUNT.get(call.actor, f"the session {call.actor!r}")
    return f"{account} in the session {call.actor!r}"


def _expected(finding: Finding) -> tuple[str, ...]:
    return tuple(outcomes(finding.expected))


def _observed(finding: Finding, seen: Evidence) -> tuple[str, ...]:
    """Say what came: the outcome with its values, the end of the task, what showed it later."""
    lines = [_in_words(finding.observed)]
    if seen.call is not None:
        lines += _outcome(seen.call)
    if seen.task is not None:
        lines.append(f"its task: {_task(seen.task)}")
        if error := seen.task.get("error"):
            lines.append(f"the task's error: {_json(error, _SHORT * 4)}")
    if seen.shown is not None:
        shown = seen.shown
        lines.append(
            f"{shown.end - (seen.call.end if seen.call else shown.end):.3f} s later {shown.call.method} showed it"
        )
    if after := read_state(seen.after):
        lines.append(f"read last: {after}")
    if finding.detail and f"the reply: {finding.detail}" not in lines:
        lines.append(finding.detail)
    return tuple(dict.fromkeys(lines))


def _outcome(operation: Operation) -> list[str]:
    outcome = operation.outcome
    status = f"HTTP {operation.status}, " if operation.status else ""
    if isinstance(outcome, Faulted):
        return [f"{status}{_fault(outcome.fault)}", *_problems(operation)]
    if isinstance(outcome, Lost):
        return [f"{status}no usable answer: {outcome.reason}", *_problems(operation)]
    ref = as_ref(outcome.value)
    value = f"{ref.type} {ref.value}" if ref is not None else _json(outcome.value, _SHORT * 4)
    return [f"{status}returned {value}", *_problems(operation)]


def _fault(fault: Fault) -> str:
    fields = _json(fault.fields, _SHORT * 4)
    return f"fault {fault.type} {fields}" + (f", {fault.message!r}" if fault.message else "")


def _problems(operation: Operation) -> list[str]:
    return [f"the reply: {problem}" for problem in operation.problems[:_PROBLEMS]]


def _promise(finding: Finding, contract: Contract | None) -> Promise:
    """Find the sentence of the row: of a method its documented fault, or what it says of success, parameters, privilege."""
    last = finding.row.rpartition("/")[2]
    method = _method(finding, contract)
    faults = [*(method.fault if method else ()), *(contract.every_fault if contract else ())]
    fault = next((each for each in faults if each.type == last), None)
    says = (
        {
            "Success": f"{method.name} {method.says}",
            "parameters": f"{method.name} takes exactly {', '.join(method.parameters) or 'nothing'}",
            "privilege": f"{method.name} needs {' and '.join(method.privileges)}",
            "since": f"{method.name} is unknown below API version {method.since}",
            "result": f"{method.name} returns {'a Task with the result ' if method.has_task else ''}{method.result}",
        }
        if method
        else {}
    )
    source = fault.source if fault else method.source if method else ""
    page = page_of(source, contract.object, method.name) if contract and method else ""
    of_many = GUARANTEES.get(last, "") if CONCURRENT in finding.row else ""
    of_fault = f"{fault.type}: {fault.says}" if fault else says.get(last, "")
    said = BESIDE.get(finding.field) or of_many or of_fault
    return Promise(finding.row, said, cited(source), page)


def _situations(finding: Finding, contract: Contract | None) -> tuple[Promise, ...]:
    """List what decides: the situations of the contract that hold where nothing is unusual but the finding's cause."""
    unusual_ = [name for name in finding.cause if name in BY_NAME] if finding.cause else _deviations(finding)
    method = _method(finding, contract)
    if contract is None or method is None or CONCURRENT in finding.row:
        return ()
    place = cell_of(contract, method.name, unusual_)
    return tuple(
        Promise(each.id, f"{each.title}: {_permitted(each.permitted(method.name))}", cited(each.source))
        for each in holding(place.state, place.asked, contract)
        if each.permitted(method.name)
    )


def _method(finding: Finding, contract: Contract | None) -> Method | None:
    return next((each for each in contract.methods if each.name == finding.method), None) if contract else None


def _deviations(finding: Finding) -> tuple[str, ...]:
    """Name what the cell of a finding says is unusual."""
    return tuple(name for name in Label.parse(finding.cell).deviations if name in BY_NAME)


def _permitted(permits: tuple[msgspec.Struct, ...]) -> str:
    marks = {"imprecise": "~", "unsettled": "?"}
    words = [
        marks.get(str(getattr(each, "grade", "")), "") + ("@any" if each_name == ANY else each_name)
        for each in permits
        for each_name in [str(getattr(each, "outcome", ""))]
    ]
    return " or ".join(said for word in words for said in outcomes(word))


def _times(finding: Finding) -> tuple[str, ...]:
    lines = (
        [f"in {counted(len(finding.cells), 'place')} of the plan: {', '.join(finding.cells[:_CELLS])}"]
        if finding.cells
        else []
    )
    if len(finding.cells) > _CELLS:
        lines[0] += f" and {len(finding.cells) - _CELLS} more"
    if finding.repeats:
        lines.append(f"when its calls were sent again: {finding.repeats}")
    if finding.rows[1:]:
        lines.append(f"it also breaks {', '.join(finding.rows[1:])}")
    if finding.provisional:
        lines.append("the id is provisional: the calls were not made fewer, so it may be another one in the next run")
    return tuple(lines)


def _step(step: ReplayStep, accounts: Mapping[str, str]) -> str:
    call = step.call
    on = as_ref(call.arguments.get("vm"))
    where = f"{on.type} {on.value}" if on is not None else f"{call.object.type} {call.object.value}"
    state = f"; before it: {', '.join(step.seen.values())}" if step.seen else ""
    edited = f", edited: {call.payload.breaks}" if isinstance(call.payload, Envelope) else ""
    waits = "" if step.settled else "; its task is not awaited"
    return f"{call.method} on {where} by {_caller(call, accounts)}{edited}{waits}{state}"


def _json(value: Json, longest: int = LONGEST) -> str:
    """Write a value as JSON, its keys as the wire had them, cut with its length."""
    # not msgspec's: a text in it may be none that UTF-8 can hold
    text = json.dumps(_without_types(value), ensure_ascii=False, indent=2 if longest == LONGEST else None)
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters in all)"


def _without_types(value: Json) -> Json:
    """Write references as `TYPE VALUE`: what they are is said by that."""
    if (ref := as_ref(value)) is not None:
        return f"{ref.type} {ref.value}"
    if isinstance(value, dict):
        return {key: _without_types(item) for key, item in value.items()}
    return [_without_types(item) for item in value] if isinstance(value, list) else value
