"""What holds after a call (promises F1 to F6): each check names what is broken, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model import TaskLife
from harness.terms import Call, Json, Operation, Ref, Returned, as_ref

GUEST_PATHS = ("guest.hostName", "guest.ipAddress", "guest.net")
Reading = Mapping[str, Json]


def no_task_after_refusal(
    operation: Operation,
    before: Reading | None,
    after: Reading | None,
    infos: Mapping[str, Reading],
    known: frozenset[str],
    account: str,
) -> str:
    """F1: after a synchronous fault no task of ours is new on the VM.

    `infos` maps a task to its info as read since, `known` are the tasks that other calls of ours were given. The task must
    be of our method and our user to count (oracle section D).
    """
    if before is None or after is None:
        return ""
    old = set(_tasks(before)) | known
    for task in _tasks(after):
        info = infos.get(task, {})
        if task not in old and info.get("name") == operation.call.method and _user(info) in {"", account.lower()}:
            return f"{task}, a {operation.call.method}, is in recentTask although the call was refused"
    return ""


def nothing_changed(before: Reading | None, after: Reading | None) -> str:
    """F1: a call that was refused changes nothing that the guest shows."""
    if before is None or after is None:
        return ""
    changed = [path for path in GUEST_PATHS if before.get(path) != after.get(path)]
    return f"{', '.join(changed)} changed although the call was refused" if changed else ""


def spec_applied(call: Call, after: Reading | None) -> str:
    """F2: after success every field that the specification sets is in the guest."""
    if after is None:
        return ""
    spec = call.arguments.get("spec", {})
    name = spec.get("identity", {}).get("hostName", {}).get("name")
    shown = str(after.get("guest.hostName", ""))
    if name and shown.split(".", maxsplit=1)[0].lower() != name.lower():
        return f"guest.hostName is {shown!r}, the specification says {name!r}"
    present = _addresses(after)
    for adapter in spec.get("nicSettingMap", ()):
        address = adapter.get("adapter", {}).get("ip", {}).get("ipAddress")
        if address and address not in present:
            return f"{address} is not in guest.net, the specification sets it"
    return ""


def network_started(after: Reading | None, nics: int) -> str:
    """F6: after success the guest has an address (a VM without a NIC can have none)."""
    if after is None or nics == 0:
        return ""
    return "" if _addresses(after) else "guest.net shows no address"


def cut_customizations(abort: TaskLife, lives: Sequence[TaskLife], publish: float) -> list[TaskLife]:
    """F4: list the customizations that ran into a successful abort and were read unfinished well after its end."""
    if abort.final is None:
        return []
    limit = abort.final[0].end + publish
    return [
        life
        for life in lives
        if life.kind == "customize"
        and life.vm == abort.vm
        and life.accepted.end <= abort.accepted.start
        and any(op.start > limit and info and info.get("state") in {"queued", "running"} for op, info in life.reads)
    ]


def singleton(reads: Sequence[Operation], content: str) -> str:
    """Every session sees the same reference; `content` is the property of ServiceContent that carries it."""
    seen = {
        ref
        for each in reads
        if isinstance(each.outcome, Returned) and isinstance(each.outcome.value, dict)
        if (ref := as_ref(each.outcome.value.get(content)))
    }
    return f"sessions see different references: {sorted(seen)}" if len(seen) > 1 else ""


def _tasks(reading: Reading) -> list[str]:
    return [ref.value for each in reading.get("recentTask") or () if (ref := as_ref(each))]


def _user(info: Reading) -> str:
    reason = info.get("reason")
    return str(reason.get("userName", "")).lower() if isinstance(reason, Mapping) else ""


def _addresses(reading: Reading) -> set[str]:
    found = {str(reading["guest.ipAddress"])} if reading.get("guest.ipAddress") else set()
    for nic in reading.get("guest.net") or ():
        found.update(str(each) for each in nic.get("ipAddress") or ())
    return found


def entity_of(info: Reading) -> Ref | None:
    """Give the entity that a TaskInfo names."""
    return as_ref(info.get("entity"))
