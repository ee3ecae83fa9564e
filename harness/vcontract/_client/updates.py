"""Waits for changes of an object by WaitForUpdatesEx: it tells when a look is worth while, never what is so.

Methods and types: PropertyCollector.CreatePropertyCollector, CreateFilter and WaitForUpdatesEx,
PropertyFilter.DestroyPropertyFilter, TraversalSpec, WaitOptions (vendor WSDL).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from vcontract._client.guard import QUIET
from vcontract._client.properties import plain
from vcontract._terms import Arguments, Call, Faulted, Json, Operation, Ref, Returned, as_ref

if TYPE_CHECKING:
    from vcontract._client.session import Target

WAIT = "WaitForUpdatesEx"
NEEDED = frozenset({"CreatePropertyCollector", "CreateFilter", "DestroyPropertyFilter", WAIT})
"""The methods without which nothing can be waited for; a WSDL that somebody gives may lack some."""

LONGEST = 1
"""Seconds of one call that waits (whole ones, in the WSDL): a signal and the end of a run are heeded in between."""

_NEVER = frozenset({"NotSupported", "MethodNotFound"})
"""Who answers this will not support it later."""

_FAILURES = 3
"""So often in a row it may fail before it is not tried any more: what is in front of the server lets no call wait."""

_OVERSLEPT = 5 * LONGEST
"""Seconds of one wait after which whoever looked by himself would long have known: the server tells late."""

News: TypeAlias = Mapping[str, Mapping[str, Json]]
"""What has changed: by moId the values by path; None for one that is unset now. Empty: nothing has."""

Compact: TypeAlias = Callable[[dict[str, Json]], dict[str, Json]]


def is_quiet(done: Operation) -> bool:
    """Whether an operation neither changed anything nor told of a change: a read, or a wait without news."""
    if done.call.method == WAIT:
        return isinstance(done.outcome, Returned) and done.outcome.value is None
    return done.call.method in QUIET


class Updates:
    """A property collector of one session with one filter, for the object that was waited for last and the tasks on it.

    `paths` are those of a VM that count, `compact` is what remains of their values, as of those of a read.
    """

    def __init__(self, target: Target, actor: str, paths: Sequence[str], compact: Compact) -> None:
        self._target, self._actor, self._paths, self._compact = target, actor, tuple(paths), compact
        self._collector: Ref | None = None
        self._filter: Ref | None = None
        self._watched: Ref | None = None
        self._version = ""
        self._failures = self._late = 0

    @property
    def able(self) -> bool:
        """Whether the server can be waited for, as far as is known."""
        return max(self._failures, self._late) < _FAILURES and self._target.schema.operations.keys() >= NEEDED

    def wait(self, entity: Ref) -> News | None:
        """Wait until something about an entity or its recent tasks changes, for at most `LONGEST` seconds.

        None: that was not possible, or came back at once with nothing; whoever waits must pause and look by himself.
        A server that took far longer, in all or once, is not waited for any more: govmomi's works through all that has changed
        since the wait before, for each change anew (WaitForUpdatesEx of its simulator/property_collector.go).
        """
        if not self.able or not self._watch(entity):
            return None
        clock = self._target.recorder
        begun = clock.now()
        options = {"_typeName": "WaitOptions", "maxWaitSeconds": LONGEST}
        arguments: dict[str, Json] = {"version": self._version, "options": options}
        assert self._collector is not None  # since something is watched
        done = self._send(self._collector, WAIT, arguments, self._changes)
        self._late += int((clock.now() - begun) / _OVERSLEPT)
        if not isinstance(done.outcome, Returned):
            self._fail()
            return None
        if done.outcome.value is None and clock.now() - begun < LONGEST / 2:
            self._failures += 1
            return None
        self._failures = 0
        if done.outcome.value is None:
            return {}
        self._version = str(done.outcome.value["version"])
        changed: News = done.outcome.value["changed"]
        return changed

    def _watch(self, entity: Ref) -> bool:
        """Have the filter look at an entity and its tasks; whether it does."""
        if self._watched == entity:
            return True
        if self._collector is None:
            self._collector = self._made(self._target.manager("propertyCollector"), "CreatePropertyCollector", {})
        if self._filter is not None:
            self._send(self._filter, "DestroyPropertyFilter", {})
            self._filter = self._watched = None
        if self._collector is not None:
            arguments = {"spec": self._specification(entity), "partialUpdates": False}
            self._filter = self._made(self._collector, "CreateFilter", arguments)
        if self._filter is None:
            self._fail()
            return False
        self._watched = entity
        return True

    def _specification(self, entity: Ref) -> dict[str, Json]:
        paths = list(self._paths) if entity.type == "VirtualMachine" else ["runtime.connectionState"]
        tasks = {"_typeName": "TraversalSpec", "type": entity.type, "path": "recentTask", "skip": False}
        return {
            "_typeName": "PropertyFilterSpec",
            "propSet": [
                {"_typeName": "PropertySpec", "type": entity.type, "all": False, "pathSet": paths},
                {"_typeName": "PropertySpec", "type": "Task", "all": False, "pathSet": ["info.state"]},
            ],
            "objectSet": [{"_typeName": "ObjectSpec", "obj": entity.json(), "skip": False, "selectSet": [tasks]}],
        }

    def _made(self, ref: Ref, method: str, arguments: dict[str, Json]) -> Ref | None:
        outcome = self._send(ref, method, arguments).outcome
        if isinstance(outcome, Faulted) and outcome.fault.type in _NEVER:
            self._failures = _FAILURES
        return as_ref(outcome.value) if isinstance(outcome, Returned) else None

    def _send(
        self, ref: Ref, method: str, arguments: dict[str, Json], shape: Callable[[Json], Json] | None = None
    ) -> Operation:
        return self._target.send(Call(ref, method, Arguments(arguments), self._actor), shape=shape)

    def _fail(self) -> None:
        """Begin anew next time: the session may have ended, and its collector with it."""
        self._failures += 1
        self._collector = self._filter = self._watched = None
        self._version = ""

    def _changes(self, result: Json) -> Json:
        """Shape an UpdateSet as `{"version", "changed": News}`; None if it is none."""
        if not isinstance(result, Mapping):
            return None
        changed: dict[str, dict[str, Json]] = {}
        for filter_update in result.get("filterSet") or []:
            for update in filter_update.get("objectSet") or []:
                ref = as_ref(update.get("obj"))
                if ref is not None:
                    values = {change["name"]: plain(change.get("val")) for change in update.get("changeSet") or []}
                    unset = {path: None for path, value in values.items() if value is None}
                    there = {path: value for path, value in values.items() if value is not None}
                    changed[ref.value] = changed.get(ref.value, {}) | self._compact(there) | unset
        return {"version": result.get("version"), "changed": changed}
