"""Translates reads of properties into what the model knows of a VM and of a task."""

from __future__ import annotations

from collections.abc import Mapping
from sys import intern

from msgspec.structs import replace

from vcontract._model.state import State, settle
from vcontract._terms import Faulted, Json, Operation, Ref, Returned, as_ref

FROZEN_PATHS = ("runtime.instantCloneFrozen", "runtime.paused")
"""The paths that tell of a guest that executes nothing although it reads as on; older APIs have neither."""
_STABLE = (
    "runtime.powerState",
    "runtime.connectionState",
    "runtime.bootTime",
    "runtime.question",
    "runtime.host",
    *FROZEN_PATHS,
    "config.template",
    "config.tools.pendingCustomization",
    "guest.toolsRunningStatus",
    "guest.toolsVersionStatus2",
    "guest.guestOperationsReady",
)
STATE_PATHS = (*_STABLE, "guest.hostName", "guest.ipAddress", "guest.net", "recentTask")
"""The paths of a VM that a verdict rests on; one read asks for all of them."""

TASK_PATHS = ("info",)
_NIC = ("macAddress", "connected", "deviceConfigId")
_READS = {"RetrievePropertiesEx", "RetrieveProperties"}


def compact(values: dict[str, Json]) -> dict[str, Json]:
    """Keep of a VM's values what a verdict rests on: each NIC's device, MAC and addresses, each recent task's moId."""
    kept = dict(values)
    if "guest.net" in values:
        kept["guest.net"] = [_compact_nic(nic) for nic in values["guest.net"]]
    if "recentTask" in values:
        # a server may list all tasks that ever were, and each read has the list: equal names are one object
        kept["recentTask"] = [intern(str(task.get("value"))) for task in values["recentTask"]]
    return kept


def _compact_nic(nic: Mapping[str, Json]) -> dict[str, Json]:
    kept = {name: nic[name] for name in _NIC if name in nic}
    return {"ipAddress": nic.get("ipAddress") or [], **kept}


def recent_tasks(values: Mapping[str, Json]) -> list[str]:
    """List the moIds of the tasks in a VM's `recentTask`, whether compact or as the wire has it."""
    return [task if isinstance(task, str) else task["value"] for task in values.get("recentTask") or ()]


def read_of(operation: Operation) -> tuple[Ref, Mapping[str, Json] | None] | None:
    """Give the object that an operation read and the values by path; None if it read nothing.

    The values are None if the object is gone, or is a task that could not be read.
    """
    ref = _asked(operation)
    if ref is None:
        return None
    outcome = operation.outcome
    if isinstance(outcome, Returned) and isinstance(outcome.value, Mapping):
        return ref, outcome.value
    if isinstance(outcome, Faulted) and (ref.type == "Task" or outcome.fault.type == "ManagedObjectNotFound"):
        return ref, None
    return None


def asks_session(operation: Operation) -> bool:
    """Whether an operation asks the session manager, of whom a run reads only whether the caller's session lives."""
    asked = _asked(operation)
    return asked is not None and asked.type == "SessionManager"


def _asked(operation: Operation) -> Ref | None:
    if operation.call.method not in _READS:
        return None
    sets = operation.call.arguments.get("specSet") or [{}]
    objects = sets[0].get("objectSet") or [{}]
    return as_ref(objects[0].get("obj"))


def observe(state: State, values: Mapping[str, Json] | None) -> State:
    """Update a state by a read; the fields that no property shows (lock, engine) stay as they are."""
    if values is None:
        return settle(replace(state, exists=False))
    seen = replace(
        state,
        exists=True,
        power=values.get("runtime.powerState", state.power),
        connection=values.get("runtime.connectionState", state.connection),
        template=bool(values.get("config.template", state.template)),
        question="runtime.question" in values,
        pending=bool(values.get("config.tools.pendingCustomization")),
        frozen=any(values.get(path) is True for path in FROZEN_PATHS),
        tools=tools_shown(values),
    )
    return settle(seen)


def tools_shown(values: Mapping[str, Json]) -> str:
    """Name the state of Tools that a read of a VM shows, whatever its power."""
    version = values.get("guest.toolsVersionStatus2", "")
    running = values.get("guest.toolsRunningStatus", "")
    if version == "guestToolsNotInstalled":
        return "never"
    if running == "guestToolsNotRunning" or not running:
        return "stopped"
    if version in {"guestToolsTooOld", "guestToolsBlacklisted"}:
        return "old"
    return (
        "ready" if running == "guestToolsRunning" and values.get("guest.guestOperationsReady") is True else "starting"
    )


def steady(before: Mapping[str, Json] | None, after: Mapping[str, Json] | None) -> bool:
    """Whether two reads of a VM show the same cell (oracle rule A5)."""
    if before is None or after is None:
        return before is after
    return all(_value(before, path) == _value(after, path) for path in _STABLE)


def _value(values: Mapping[str, Json], path: str) -> Json:
    return values.get(path) is True if path in FROZEN_PATHS else values.get(path)  # unset is no
