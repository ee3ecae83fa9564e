"""What a saved run knows of each finding beside the finding itself: its call, the VM, the task, the exchanges on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from vcontract._exchanges import WireExchange, exchanges_of, read_exchanges
from vcontract._history import FACTS, retold
from vcontract._model import read_of
from vcontract._saved_file import held_by, understood
from vcontract._terms import Finding, Json, Observed, Operation, Ref, Returned, as_ref, subject

HISTORIES = "history*.jsonl"
BEFORE = 3
"""So many exchanges before the finding's call are shown."""
_LATER = 6
"""So many exchanges after it, at most."""
_ENDED = frozenset({"success", "error"})


class Evidence(msgspec.Struct, frozen=True):
    """What was seen of one finding; what is not known is empty.

    `vm` is the moId that the call was about, `name` the VM's, `accounts` the sessions'. `before` are the VM's properties as
    last read before the call, `after` as last read among what was judged with it. `at_work` are the TaskInfos of tasks of
    the VM that were not seen ended before the call, `task` is the info of the call's own. `call` is the finding's operation,
    `shown` the later one that showed it.
    """

    vm: str = ""
    name: str = ""
    accounts: Mapping[str, str] = {}
    call: Operation | None = None
    shown: Operation | None = None
    before: Mapping[str, Json] | None = None
    after: Mapping[str, Json] | None = None
    at_work: tuple[Mapping[str, Json], ...] = ()
    task: Mapping[str, Json] | None = None
    exchanges: tuple[WireExchange, ...] = ()


class _Seen(msgspec.Struct):
    """What of a finding was met on the way through a history."""

    last: int
    call: Operation | None = None
    shown: Operation | None = None
    before: Mapping[str, Json] | None = None
    after: Mapping[str, Json] | None = None
    at_work: tuple[Mapping[str, Json], ...] = ()


def gather(directory: Path, findings: Sequence[Finding], histories: Iterable[str] = ()) -> dict[str, Evidence]:
    """Go once through the histories of a run, for all findings. Raises RunFileError for a file that is none.

    `histories` are further files, relative to the directory. One without histories, or that is none, gives nothing.
    """
    found: dict[str, Evidence] = {}
    if not findings or not directory.is_dir():
        return found
    files = {*directory.glob(HISTORIES), *(held_by(directory, name) for name in histories)}
    for history in sorted(file for file in files if file.is_file()):
        exchanges = read_exchanges(history.with_name(exchanges_of(history.name)))
        with understood(history):
            for id_, evidence in _Pass(findings).through(history, exchanges).items():
                found.setdefault(id_, evidence)
    return found


class _Pass:
    """One way through one history."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._wanted = [finding for finding in findings if finding.op]
        self._calls = {op: [each for each in self._wanted if each.op == op] for op in {f.op for f in self._wanted}}
        self._names: dict[str, str] = {}
        self._accounts: dict[str, str] = {}
        self._reads: dict[str, Mapping[str, Json]] = {}
        self._tasks: dict[str, Mapping[str, Json]] = {}
        self._seen: dict[str, _Seen] = {}
        self._under_way: list[tuple[Finding, _Seen]] = []

    def through(self, history: Path, exchanges: Mapping[int, WireExchange]) -> dict[str, Evidence]:
        """Read it all; gives what it has of the findings."""
        for event in retold(history):
            if isinstance(event, Observed):
                if event.subject == FACTS:
                    self._hear_names(event.facts)
                continue
            for finding in self._calls.get(event.op, ()):
                self._begin(finding, event)
            if self._under_way:
                self._go_on(event)
            self._hear_read(event)
        return {
            finding.id: self._evidence(finding, self._seen[finding.id], exchanges)
            for finding in self._wanted
            if finding.id in self._seen
        }

    def _hear_names(self, facts: Mapping[str, Json]) -> None:
        vms, sessions = facts.get("vms"), facts.get("sessions")
        if isinstance(sessions, Mapping):
            self._accounts = {str(actor): str(account) for actor, account in sessions.items()}
        for moid, about in vms.items() if isinstance(vms, Mapping) else ():
            self._names[str(moid)] = str(about.get("name", "")) if isinstance(about, Mapping) else ""

    def _hear_read(self, operation: Operation) -> None:
        read = read_of(operation)
        ref, values = read if read is not None else (None, None)
        if ref is None or values is None:
            return
        if ref.type == "Task" and isinstance(values.get("info"), Mapping):
            self._tasks[ref.value] = values["info"]
        elif ref.type == "VirtualMachine" and "runtime.powerState" in values:
            self._reads[ref.value] = values

    def _begin(self, finding: Finding, operation: Operation) -> None:
        vm = subject(operation.call) or finding.root[0]
        at_work = tuple(
            info
            for info in self._tasks.values()
            if (entity := as_ref(info.get("entity"))) is not None
            and entity.value == vm
            and info.get("state") not in _ENDED
        )
        last = max((finding.op, finding.shown, *finding.ops))
        self._seen[finding.id] = _Seen(last, operation, None, self._reads.get(vm), None, at_work)
        self._under_way.append((finding, self._seen[finding.id]))

    def _go_on(self, operation: Operation) -> None:
        """Take an operation for the findings whose call was met and whose last operation was not."""
        self._under_way = [(finding, seen) for finding, seen in self._under_way if operation.op <= seen.last]
        read = read_of(operation)
        for finding, seen in self._under_way:
            if seen.call is None or operation.op <= finding.op:
                continue
            if read is not None and read[0].value == subject(seen.call.call) and read[1] is not None:
                seen.after = read[1]
            if finding.shown == operation.op:
                seen.shown = operation

    def _evidence(self, finding: Finding, seen: _Seen, exchanges: Mapping[int, WireExchange]) -> Evidence:
        assert seen.call is not None
        vm = subject(seen.call.call) or finding.root[0]
        return Evidence(
            vm,
            self._names.get(vm, "") or (finding.root[1] if finding.root[0] == vm else ""),
            self._accounts,
            seen.call,
            seen.shown,
            seen.before,
            seen.after,
            seen.at_work,
            self._tasks.get(task.value) if (task := _task_of(seen.call)) is not None else None,
            tuple(exchanges[op] for op in _shown_ops(finding, exchanges)),
        )


def _task_of(operation: Operation) -> Ref | None:
    value = operation.outcome.value if isinstance(operation.outcome, Returned) else None
    ref = as_ref(value)
    return ref if ref is not None and ref.type == "Task" else None


def _shown_ops(finding: Finding, exchanges: Mapping[int, WireExchange]) -> list[int]:
    """Choose the exchanges that are shown: the call, the three before it, the first ones after it, and what showed it."""
    wanted = {*range(finding.op - BEFORE, finding.op + 1), *sorted(finding.ops)[:_LATER], finding.shown}
    return sorted(op for op in wanted if op in exchanges)
