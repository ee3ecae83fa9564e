"""What becomes of each request: passed on as it is, answered in the server's place, or done to what a rule says."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from vcontract._disturbances.network.framing import Request
from vcontract._errors import HarnessError
from vcontract._inject.choosing import Chooser, Strike
from vcontract._inject.condition import Known
from vcontract._inject.gate import Ask, Gone, Sent, passed_on
from vcontract._inject.journal import Journal, Passed
from vcontract._inject.lateness import Lateness
from vcontract._inject.merging import Merging
from vcontract._inject.messages import content, cookie_in, header_of, outcome_of, page
from vcontract._inject.other_actor import OtherActor
from vcontract._inject.plausible import contract_of
from vcontract._inject.rules import LATE
from vcontract._inject.shown import Shown
from vcontract._inject.waiting import Dial
from vcontract._simulator.standing_in import Begun, StandIn

_USER = re.compile(rb"<(?:[\w.-]+:)?userName[^>]*>([^<]{1,256})<")
_THIS = re.compile(rb'<(?:[\w.-]+:)?_this[^>]*type\s*=\s*["\']([\w.:-]+)["\'][^>]*>\s*([^<\s]{1,256})\s*<')
_TASK = re.compile(rb'<(?:[\w.-]+:)?returnval[^>]*type\s*=\s*["\']Task["\'][^>]*>\s*([^<\s]{1,128})\s*<')
_NICS = re.compile(rb"<(?:[\w.-]+:)?nicSettingMap[ />]")
_LOGINS = ("Login", "LoginByToken", "LoginBySSPI", "LoginExtensionByCertificate", "CloneSession")
_BEFORE_LOGIN = (*_LOGINS, "RetrieveServiceContent", "")
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"


class Injector:
    """Says what a client gets for each request; it has the rules, the journal and the tasks that are injected."""

    def __init__(self, chooser: Chooser, stand_in: StandIn, journal: Journal, dial: Dial, other: OtherActor) -> None:
        self.chooser, self.stand_in, self.journal = chooser, stand_in, journal
        self._other = other
        self._merging = Merging(stand_in, journal, dial)
        self._users: dict[str, str] = {}
        self._expired: set[str] = set()
        self._running: dict[str, str] = {}
        self._lock = threading.Lock()
        self._over, self._shown = threading.Event(), Shown()
        self._lateness = Lateness(self._over.wait)
        self._acts: dict[str, Callable[[Request, Ask, Passed, Strike], Sent]] = {
            "delay": self._delay,
            "lost-before": lambda *_: Sent(b"", close=True),
            "lost-after": self._lost_after,
            "half-reply": self._half,
            "reset": lambda *_: Sent(b"", close=True, reset=True),
            "http-503": lambda *_: Sent(page(503, "Service Unavailable", b"", "text/plain"), close=True),
            "html": lambda *_: Sent(page(200, "OK", _PAGE, "text/html")),
            "expired-session": self._expire,
            "slow-task": self._late,
            "late-properties": self._late,
            "stuck-task": self._begin,
            "forgotten-task": self._begin,
        }

    def close(self) -> None:
        """End what waits."""
        self._over.set()
        self._other.close()
        self.stand_in.close()

    def __call__(self, request: Request, ask: Ask, gone: Gone) -> Sent:
        """Answer a request."""
        if not request.method:
            return passed_on(ask(request.raw))
        cookie = cookie_in(request.raw)
        call = self.journal.came(request.method, request.vm, cookie)
        if cookie in self._expired and request.method not in _BEFORE_LOGIN:
            call.outcome = "NotAuthenticated"
            return self._unauthenticated(request)
        call.strike = self.chooser.choose(request.method, request.vm, self._look)
        sent = self._pass(request, ask, gone) if call.strike is None else self._strike(request, ask, call)
        self._note(request, sent, call, cookie)
        return sent

    def _look(self, vm: str) -> Known:
        """Say what a VM is: our own simulator is asked; elsewhere it is what reads of clients showed."""
        if not self.chooser.own:
            return self._shown.of(vm)
        try:
            return self._other.look(vm)
        except HarnessError:
            return {}

    def _pass(self, request: Request, ask: Ask, gone: Gone) -> Sent:
        answered = self._merging.answered(request, ask, gone)
        if answered is None and self._keeps_late:
            answered = self._lateness.passed(request, ask)
        return passed_on(ask(request.raw)) if answered is None else answered

    def _strike(self, request: Request, ask: Ask, call: Passed) -> Sent:
        strike = call.strike
        assert strike is not None
        act = self._acts.get(strike.rule.answer)
        if act is not None:
            return act(request, ask, call, strike)
        if strike.rule.cause:
            return self._caused(request, ask, strike)
        if strike.rule.channel == "task":
            return self._begin(request, ask, call, strike)
        known = self._known(request, strike)
        action = header_of(request.raw, b"soapaction")
        return Sent(self.stand_in.fault(action, strike.fault, strike.rule.fields, known))

    def _caused(self, request: Request, ask: Ask, strike: Strike) -> Sent:
        """Have another actor bring the state about, and let the server answer; if he cannot, 503 says so."""
        try:
            self._other.bring_about(strike.fault, request.vm)
        except HarnessError as error:
            return Sent(page(503, "Service Unavailable", f"vcontract inject: {error}\n".encode(), "text/plain"))
        return passed_on(ask(request.raw))

    def _delay(self, request: Request, ask: Ask, call: Passed, strike: Strike) -> Sent:
        del call
        self._over.wait(strike.rule.seconds)
        return passed_on(ask(request.raw))

    @property
    def _keeps_late(self) -> bool:
        """Whether a rule has something shown late, so that reads are looked at."""
        return any(each.answer in LATE for each in self.chooser.rules)

    def _late(self, request: Request, ask: Ask, call: Passed, strike: Strike) -> Sent:
        """Pass the call on, and have what follows shown later."""
        if strike.rule.answer == "late-properties":
            self._lateness.delay_vm(request.vm, strike.rule.seconds)
        sent = passed_on(ask(request.raw))
        self._heard(sent.raw, call)
        if strike.rule.answer == "slow-task" and call.task:
            self._lateness.delay_task(call.task, strike.rule.seconds)
        return sent

    def _lost_after(self, request: Request, ask: Ask, call: Passed, strike: Strike) -> Sent:
        del strike
        self._heard(ask(request.raw), call)
        return Sent(b"", close=True)

    def _half(self, request: Request, ask: Ask, call: Passed, strike: Strike) -> Sent:
        del strike
        raw = ask(request.raw)
        self._heard(raw, call)
        return Sent(raw[: len(raw) // 2], close=True)

    def _expire(self, request: Request, ask: Ask, call: Passed, strike: Strike) -> Sent:
        del ask, call, strike
        cookie = cookie_in(request.raw)
        if cookie:
            self._expired.add(cookie)
        return self._unauthenticated(request)

    def _begin(self, request: Request, ask: Ask, call: Passed, strike: Strike) -> Sent:
        """Give a task that the server behind never had."""
        del ask
        rule, cookie = strike.rule, cookie_in(request.raw)
        about = Begun(request.method, request.vm, "", self._users.get(cookie, ""), cookie)
        stuck = not rule.is_fault
        moid = self.stand_in.begin(
            about, None if stuck else rule.seconds, strike.fault, rule.fields, self._known(request, strike)
        )
        self.journal.watch(moid)
        if rule.answer == "forgotten-task":
            self.stand_in.forget(moid)
        call.task = moid
        return Sent(self.stand_in.task(header_of(request.raw, b"soapaction"), request.method, moid))

    def _unauthenticated(self, request: Request) -> Sent:
        this = _THIS.search(request.raw)
        known = {"object": f"{this[1].decode()}:{this[2].decode()}"} if this else {}
        action = header_of(request.raw, b"soapaction")
        return Sent(self.stand_in.fault(action, "NotAuthenticated", {}, {**known, "privilegeId": "System.View"}))

    def _known(self, request: Request, strike: Strike) -> dict[str, Any]:
        """Say what is true of the call, for the fields of a fault."""
        found, vm = contract_of(request.method), request.vm
        nics = len(_NICS.findall(request.raw))
        known: dict[str, Any] = {
            "vm": vm,
            "existingState": strike.place.power if strike.place else "poweredOff",
            "requestedState": "poweredOn",
            "privilegeId": found[1].privilege if found else "System.View",
            "numberOfNicsInSpec": nics,
            "numberOfNicsInVM": nics + 1,
            "invalidProperty": "spec" if nics else "vm",
            "method": request.method,
        }
        if vm:
            known |= {"obj": f"VirtualMachine:{vm}", "object": f"VirtualMachine:{vm}"}
        if strike.fault == "TaskInProgress":
            known["task"] = self._in_progress(request)
        return known

    def _in_progress(self, request: Request) -> str:
        """Name the task that is in progress: the last one that the VM was given here, else one of another client.

        That one is begun for it, and runs for ever; it can be read.
        """
        running = self._running.get(request.vm, "")
        if running and (not self.stand_in.knows(running.encode()) or self.stand_in.state(running) == "running"):
            return running
        cookie = cookie_in(request.raw)
        other = Begun("CustomizeGuest_Task", request.vm, "", self._users.get(cookie, ""), cookie)
        moid = self.stand_in.begin(other, None, "", {}, {})
        with self._lock:
            self._running[request.vm] = moid
        return moid

    def _note(self, request: Request, sent: Sent, call: Passed, cookie: str) -> None:
        """Learn from what a client was told."""
        if not self.chooser.own and any(each.when.condition for each in self.chooser.rules):
            self._shown.hear(request, sent.raw)
        self._heard(sent.raw, call)
        if request.method in _LOGINS and call.outcome == "returned":
            own = cookie_in(sent.raw) or cookie
            user = _USER.search(content(sent.raw))
            self._users[own] = user[1].decode("utf-8", "replace") if user else ""
            self.stand_in.logged_in(own, self._users[own])
            self.journal.logged_in(call, own)
        elif request.method == "Logout" and call.outcome == "returned":
            self.journal.logged_out(call)
            self.stand_in.logged_out(cookie)
            self._users.pop(cookie, None)

    def _heard(self, raw: bytes, call: Passed) -> None:
        """Note the outcome of a call, the first that was heard of."""
        if call.outcome:
            return
        body = content(raw)
        call.outcome = outcome_of(raw, body)
        task = _TASK.search(body) if call.method.endswith("_Task") else None
        if task is not None:
            call.task = task[1].decode("latin-1")
