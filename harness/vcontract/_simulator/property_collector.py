"""The PropertyCollector: reading many properties at once, and waiting for them to change."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyVmomi import vmodl

from vcontract._simulator.data_objects import make
from vcontract._simulator.objects import Invocation, ManagedObject, Session
from vcontract._simulator.pending import NotYet, Pending
from vcontract._simulator.property_filter import PropertyFilter
from vcontract._simulator.property_selection import check_spec, read_wanted, select

if TYPE_CHECKING:
    from vcontract._simulator.vcenter import VCenter

_PC = vmodl.query.PropertyCollector
# Bound once, as the vendor looks a nested type up at each mention.
_CONTENT, _RESULT = _PC.ObjectContent, _PC.RetrieveResult


@dataclass
class _State:
    """What a collector keeps for one session."""

    session: Session
    version: int = 0
    last: Any = None
    backlog: list[tuple[PropertyFilter, Any]] = field(default_factory=list)
    cancels: int = 0
    unread: dict[str, list[Any]] = field(default_factory=dict)


class PropertyCollector(ManagedObject):
    """A vmodl.query.PropertyCollector; filters and versions belong to the session that made them."""

    vmodl_type = _PC

    def __init__(self, vcenter: VCenter, moid: str) -> None:
        super().__init__(vcenter, moid)
        self._states: dict[str, _State] = {}
        self._tokens = itertools.count(1)

    def property_for(self, name: str, session: Session | None) -> Any:
        """Give a property; `filter` has the filters of the calling session."""
        if name == "filter" and session is not None:
            return [filter_.ref for filter_ in self._filters(session)]
        return super().property_for(name, session)

    def RetrieveProperties(self, call: Invocation, specSet: list[Any]) -> list[Any]:
        """Read properties, all at once; InvalidProperty, ManagedObjectNotFound."""
        contents: dict[str, Any] = {}
        for spec in specSet:
            check_spec(spec, call)
            for moid, selected in select(spec, self.vcenter.registry, call).items():
                values, missing = read_wanted(selected, spec, call)
                properties = [make(vmodl.DynamicProperty, name=path, val=value) for path, value in values.items()]
                if moid in contents:
                    contents[moid].propSet.extend(properties)
                    contents[moid].missingSet.extend(missing)
                else:
                    contents[moid] = make(_CONTENT, obj=selected.ref, propSet=properties, missingSet=missing)
        return list(contents.values())

    def RetrievePropertiesEx(self, call: Invocation, specSet: list[Any], options: Any) -> Any:
        """Read properties, `options.maxObjects` objects at a time; None if nothing was selected."""
        size = options.maxObjects
        if size is not None and size <= 0:
            raise vmodl.fault.InvalidArgument(invalidProperty="options.maxObjects")
        contents = self.RetrieveProperties(call, specSet)
        if not contents:
            return None
        return make(_RESULT, **self._page(call, contents, size if call.session else None))

    def ContinueRetrievePropertiesEx(self, call: Invocation, token: str) -> Any:
        """Give the next part of an earlier RetrievePropertiesEx; InvalidArgument for a token that is not open."""
        size, _, _ = token.partition(":")
        rest = self._state(call).unread.pop(token, None)
        if rest is None:
            raise vmodl.fault.InvalidArgument(invalidProperty="token")
        return make(_RESULT, **self._page(call, rest, int(size)))

    def CancelRetrievePropertiesEx(self, call: Invocation, token: str) -> None:
        """Drop what was not read of an earlier RetrievePropertiesEx."""
        if self._state(call).unread.pop(token, None) is None:
            raise vmodl.fault.InvalidArgument(invalidProperty="token")

    def _page(self, call: Invocation, contents: list[Any], size: int | None) -> dict[str, Any]:
        if size is None or len(contents) <= size:
            return {"objects": contents}
        token = f"{size}:{next(self._tokens)}"
        self._state(call).unread[token] = contents[size:]
        return {"token": token, "objects": contents[:size]}

    def CreateFilter(self, call: Invocation, spec: Any, partialUpdates: bool) -> Any:  # noqa: FBT001 - the WSDL's signature
        """Create a filter for this session; InvalidProperty, ManagedObjectNotFound."""
        check_spec(spec, call)
        select(spec, self.vcenter.registry, call)
        made = PropertyFilter(self.vcenter, self.vcenter.session_moid(call), self, (spec, partialUpdates))
        self.vcenter.sessions.own(call, made)
        self.vcenter.wake()  # a call that waits in this session shows the new filter's objects
        return made.ref

    def CreatePropertyCollector(self, call: Invocation) -> Any:
        """Create another collector for this session, with filters and versions of its own."""
        made = PropertyCollector(self.vcenter, self.vcenter.session_moid(call))
        self.vcenter.sessions.own(call, made)
        return made.ref

    def DestroyPropertyCollector(self, call: Invocation) -> None:
        """End a collector that was created; NotSupported for the one of ServiceContent."""
        if self not in self.vcenter.sessions.owned(self._state(call).session, PropertyCollector):
            raise vmodl.fault.NotSupported
        for filter_ in self._filters(self._state(call).session):
            self.vcenter.sessions.release(call, filter_)
        self.CancelWaitForUpdates(call)
        self.vcenter.sessions.release(call, self)

    def WaitForUpdates(self, call: Invocation, version: str | None = None) -> Any:
        """Wait until something changes; InvalidCollectorVersion, RequestCanceled."""
        return self._wait(call, version, None, None)

    def CheckForUpdates(self, call: Invocation, version: str | None = None) -> Any:
        """Give what has changed; None if nothing."""
        return self._wait(call, version, 0, None)

    def WaitForUpdatesEx(self, call: Invocation, version: str | None = None, options: Any = None) -> Any:
        """Wait until something changes, at most `maxWaitSeconds`; None if nothing did."""
        most = options.maxObjectUpdates if options else None
        wait = options.maxWaitSeconds if options else None
        if (most is not None and most <= 0) or (wait is not None and wait < 0):
            raise vmodl.fault.InvalidArgument(invalidProperty="options")
        return self._wait(call, version, wait, most)

    def CancelWaitForUpdates(self, call: Invocation) -> None:
        """End the calls that wait in this session with RequestCanceled."""
        self._state(call).cancels += 1
        self.vcenter.wake()

    def _wait(self, call: Invocation, version: str | None, seconds: int | None, most: int | None) -> Any:
        state = self._state(call)
        if not version:
            state.backlog.clear()
            for filter_ in self._filters(state.session):
                filter_.forget()
        elif state.last is not None and version == str(state.version - 1):
            return state.last  # its reply was lost on the way
        elif version != str(state.version):
            raise vmodl.query.InvalidCollectorVersion
        cancels = state.cancels

        def poll() -> Any:
            if state.cancels != cancels or not self.vcenter.sessions.alive(state.session):
                raise vmodl.fault.RequestCanceled(msg="The request was canceled.")
            return self._updates(call, state, most)

        first = poll()
        if first is not NotYet:
            return first
        return None if seconds == 0 else Pending(poll, seconds)

    def _updates(self, call: Invocation, state: _State, most: int | None) -> Any:
        if not state.backlog:
            state.backlog = [
                (filter_, update) for filter_ in self._filters(state.session) for update in filter_.updates(call)
            ]
        if not state.backlog:
            return NotYet
        now, state.backlog = state.backlog[:most], state.backlog[len(state.backlog[:most]) :]
        grouped: dict[str, Any] = {}
        for filter_, update in now:
            grouped.setdefault(filter_.moid, _PC.FilterUpdate(filter=filter_.ref)).objectSet.append(update)
        state.version += 1
        state.last = _PC.UpdateSet(version=str(state.version), filterSet=list(grouped.values()))
        if most is not None:
            state.last.truncated = bool(state.backlog)
        return state.last

    def _filters(self, session: Session) -> list[PropertyFilter]:
        return [
            filter_ for filter_ in self.vcenter.sessions.owned(session, PropertyFilter) if filter_.collector is self
        ]

    def _state(self, call: Invocation) -> _State:
        session = call.session
        assert session is not None  # the dispatcher refuses calls without one
        if session.key not in self._states:
            alive = self.vcenter.sessions.alive
            self._states = {key: state for key, state in self._states.items() if alive(state.session)}
            self._states[session.key] = _State(session)
        return self._states[session.key]
