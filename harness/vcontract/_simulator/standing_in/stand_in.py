"""The stand-in: a vCenter without VMs that has the tasks which a server behind never had, and words its faults.

Whoever puts it before a server says which requests are its own to answer: those that name an object of it. It shares the
property collector, the filters and the life of a task with the simulator, and thereby their dialect.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyVmomi import vim

from vcontract._simulator.http1 import Reply, Request, RequestParser
from vcontract._simulator.objects import Account, Invocation, ManagedObject
from vcontract._simulator.property_collector import PropertyCollector
from vcontract._simulator.property_filter import PropertyFilter
from vcontract._simulator.session_manager import COOKIE
from vcontract._simulator.settings import Settings
from vcontract._simulator.soap_writer import write_fault, write_reply
from vcontract._simulator.standing_in.values import make_fault
from vcontract._simulator.vcenter import VCenter
from vcontract._simulator.views import ListView

_FIRST = 1_000_000_000
"""The number of the first object: no vCenter counts its tasks that far, so no two ids are the same."""
_FOREVER = 1e9
_LOOK = 0.5
"""Seconds between two looks at whether the client of a call that waits is still there."""
_VERBS = {
    "CustomizeGuest_Task": "vm.GuestCustomizationManager.customize",
    "StartGuestNetwork_Task": "vm.GuestCustomizationManager.startNetwork",
    "AbortCustomization_Task": "vm.GuestCustomizationManager.abortCustomization",
}
_SESSION = re.compile(rf'(?:^|[;\s]){COOKIE}="?([^";]*)')


class _Entity(ManagedObject):
    """The VM of a task, of which nothing but its name is known here."""

    vmodl_type = vim.VirtualMachine

    def __init__(self, vcenter: VCenter, moid: str, name: str) -> None:
        super().__init__(vcenter, moid)
        self.get_name = lambda: name


@dataclass(frozen=True)
class Begun:
    """What a task is about: the method, the VM (moId and name), the user as UserSession shows it, and the session's cookie."""

    method: str
    vm: str
    name: str
    user: str
    cookie: str


class StandIn:
    """Answers for what a server behind does not know; may be used by several threads. `close` ends what waits."""

    def __init__(self, api: str = Settings.api) -> None:
        told = Settings(api=api, seed=secrets.randbits(32), session_timeout=_FOREVER)
        self._vcenter = VCenter(told, lambda _: None, first=_FIRST)
        self._changed = threading.Condition(threading.RLock())
        self._closed = False

    def close(self) -> None:
        """End the calls that wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def fault(self, action: str, name: str, fields: Mapping[str, Any], known: Mapping[str, Any]) -> bytes:
        """Give a whole HTTP reply with a fault, as a client of a SOAPAction knows it. Raises UsageError for the fields."""
        body = write_fault(make_fault(name, fields, known), self._version(action))
        return Reply(500, body).encode()

    def task(self, action: str, method: str, moid: str) -> bytes:
        """Give a whole HTTP reply that returns a task of a method."""
        return Reply(200, write_reply(method, vim.Task, vim.Task(moid), self._version(action))).encode()

    def begin(
        self, about: Begun, seconds: float | None, fault: str, fields: Mapping[str, Any], known: Mapping[str, Any]
    ) -> str:
        """Begin a task that ends in a fault after some seconds (None: it runs for ever); gives its moId."""
        made = make_fault(fault, fields, known) if fault else None

        def body() -> None:
            if made is not None:
                raise made

        with self._changed:
            entity = self._vcenter.registry.find(about.vm) or _Entity(self._vcenter, about.vm, about.name)
            self._vcenter.registry.add(entity)
            call = Invocation(about.method, self._vcenter.versions.newest, self._session(about.cookie, about.user))
            task = self._vcenter.tasks.start(
                call,
                entity,
                name=about.method,
                description_id=_VERBS.get(about.method, f"VirtualMachine.{about.method.removesuffix('_Task')}"),
                body=body,
                duration=_FOREVER if seconds is None else seconds,
            )
            self._changed.notify_all()
            return task.moid

    def forget(self, moid: str) -> None:
        """Forget a task: reads of it are refused from now on, as of one that never was."""
        with self._changed:
            self._vcenter.registry.remove(moid)
            self._vcenter.wake()
            self._changed.notify_all()

    def state(self, moid: str) -> str:
        """Give the state of a task; empty for one that is forgotten."""
        with self._changed:
            self._vcenter.settle()
            task = self._vcenter.registry.find(moid)
            return "" if task is None else str(task.get_info().state)  # type: ignore[attr-defined] # only tasks have ids of ours

    @property
    def idle(self) -> bool:
        """Whether no task was ever begun here."""
        return not self._vcenter.tasks.history

    def tasks(self, vm: str = "") -> list[str]:
        """List the tasks that are here, oldest first; of one VM if given."""
        with self._changed:
            return [
                task.moid
                for task in self._vcenter.tasks.recent()
                if (not vm or task.entity.moid == vm) and self._vcenter.registry.find(task.moid) is task
            ]

    def knows(self, body: bytes) -> bool:
        """Whether a request, or a part of one, names an object that is here and nowhere else."""
        if self.idle:
            return False  # filters and views are here for tasks alone
        with self._changed:
            return any(moid.encode() in body for moid in self._own())

    def waits(self, cookie: str, collector: str) -> bool:
        """Whether a session has filters here, on a property collector."""
        with self._changed:
            session = self._vcenter.sessions.find(cookie) if cookie else None
            filters = self._vcenter.sessions.owned(session, PropertyFilter) if session else []
            return any(each.collector.moid == collector for each in filters)

    def answer(self, raw: bytes, collector: str = "", gone: Callable[[], bool] = lambda: False) -> bytes:
        """Answer a request, given as the bytes of HTTP; blocks as long as a real server would, or until the client is `gone`.

        `collector` is a property collector of the server behind on which the request makes a filter, or waits.
        """
        parser = RequestParser("127.0.0.1")
        parser.feed(raw)
        head, body = parser.complete[0]
        head = self._understood(head)
        with self._changed:
            if collector:
                self._collector(_cookie(head), collector)
            reply = self._vcenter.handle(head, body)
            self._changed.notify_all()
            if isinstance(reply, Reply):
                return reply.encode()
            self._vcenter.settle()
            while reply.reply is None:
                if self._closed or gone():
                    reply.cancel()
                    return b""
                due = self._vcenter.timeline.next_due()
                self._changed.wait(_LOOK if due is None else min(due, _LOOK))
                self._vcenter.settle()
            return reply.reply.encode()

    def logged_in(self, cookie: str, user: str) -> None:
        """Note whose session a cookie names, for what tasks show; no password gets here."""
        with self._changed:
            self._session(cookie, user)

    def logged_out(self, cookie: str) -> None:
        """Forget a session, and its filters with it."""
        with self._changed:
            session = self._vcenter.sessions.find(cookie)
            if session is not None:
                self._vcenter.sessions.end(session)
                self._changed.notify_all()

    def _own(self) -> list[str]:
        """List the moIds that no server behind has: tasks, the filters of sessions, and lists of such tasks."""
        made = [each.moid for kind in (PropertyFilter, ListView) for each in self._vcenter.registry.of_type(kind)]
        return [task.moid for task in self._vcenter.tasks.history] + made

    def _session(self, cookie: str, user: str = "") -> Any:
        found = self._vcenter.sessions.find(cookie)
        if found is None:
            call = Invocation("Login", self._vcenter.versions.newest, None, cookie)
            found = self._vcenter.sessions.login(call, Account(user, ""), "en", None)
        return found

    def _collector(self, cookie: str, moid: str) -> None:
        """Have a property collector of the server behind here too, for the filters that are ours."""
        session = self._session(cookie)
        if self._vcenter.registry.find(moid) is None:
            call = Invocation("CreatePropertyCollector", self._vcenter.versions.newest, session)
            self._vcenter.sessions.own(call, PropertyCollector(self._vcenter, moid))

    def _version(self, action: str) -> str:
        return self._vcenter.versions.asked(action) or self._vcenter.versions.newest

    def _understood(self, head: Request) -> Request:
        """Take a version that is not known here, as a newer server's, for the newest; have a session for the caller."""
        with self._changed, contextlib.suppress(KeyError):
            self._session(_cookie(head))
        if self._vcenter.versions.asked(head.headers.get("soapaction", "")) is None:
            newest = f'"urn:vim25/{self._vcenter.versions.api}"'
            head = replace(head, headers={**head.headers, "soapaction": newest})
        return replace(head, target="/sdk")


def _cookie(head: Request) -> str:
    found = _SESSION.search(head.headers.get("cookie", ""))
    return found[1] if found else ""
