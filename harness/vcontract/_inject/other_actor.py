"""Another actor, who brings about on our own simulator what a fault needs, so that what is read of the VM agrees with it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from vcontract._client import Recorder, Target, Trust
from vcontract._client.properties import read
from vcontract._client.secrets import Secrets
from vcontract._client.tasks import GOING, follow, info
from vcontract._config.config import LOOPBACK
from vcontract._errors import TargetError
from vcontract._inject.condition import ASKED, Known
from vcontract._model import STATE_PATHS, State, observe, recent_tasks
from vcontract._model.state import ABORT, CUSTOMIZE, EXCLUSIVE, NETWORK
from vcontract._terms import SECRET, Arguments, Call, Faulted, Json, Ref, Returned, as_ref

POWER_OFF, SNAPSHOT = "PowerOffVM_Task", "CreateSnapshot_Task"
CAUSES: Mapping[str, str] = {
    "InvalidPowerState": POWER_OFF,
    "TaskInProgress": SNAPSHOT,
    "InvalidState": "stopTools",
    "CustomizationPending": "orphanLock",
    "CustomizationFault": "removeEngine",
}
"""For each fault that can be caused: the call of the other actor, or the lever in the guest (vcontract._config)."""

_WORK = {"customize": CUSTOMIZE, "startNetwork": NETWORK, "abortCustomization": ABORT}
"""The kind of a task's work, by the last word of its `descriptionId`; any other keeps others off the VM."""
_ACTOR, _DEADLINE = "cause", 60.0
_ACCOUNT = next(each for each in LOOPBACK.account if each.role == "full")
_GUEST = next(each for each in LOOPBACK.guest if each.may_customize)


class OtherActor:
    """Logs in at our own simulator when it is first needed; for several threads. `close` ends its session."""

    def __init__(self, url: str, trust: Trust) -> None:
        self._url, self._trust, self._lock = url, trust, threading.Lock()
        self._target: Target | None = None

    def bring_about(self, fault: str, vm: str) -> None:
        """Do to a VM (moId) what a fault needs; one that is so already is left. Raises TargetError if it cannot be done."""
        cause, machine = CAUSES[fault], Ref("VirtualMachine", vm)
        with self._lock:
            target = self._opened()
            if cause == POWER_OFF:
                self._task(target, machine, cause, {})
            elif cause == SNAPSHOT:
                told = {"name": "vcontract inject", "memory": False, "quiesce": False}
                self._send(target, machine, cause, told)  # it is not waited for: while it runs, the VM is busy
            else:
                self._lever(target, machine, cause)

    def look(self, vm: str) -> Known:
        """Read what a VM (moId) is now; nothing is known if it cannot be read. Raises TargetError if nobody is there."""
        with self._lock:
            target = self._opened()
            done = read(target, _ACTOR, Ref("VirtualMachine", vm), STATE_PATHS)
            if isinstance(done.outcome, Faulted) and done.outcome.fault.type == "ManagedObjectNotFound":
                return {"exists": False}
            if not isinstance(done.outcome, Returned):
                return {}
            state, running = observe(State(), done.outcome.value), ""
            for moid in recent_tasks(done.outcome.value):
                told = info(read(target, _ACTOR, Ref("Task", moid), ["info"]))
                if told.get("state") in GOING:
                    running = _WORK.get(str(told.get("descriptionId", "")).rpartition(".")[2], EXCLUSIVE)
            return {name: getattr(state, name) for name in ASKED} | {"running": running}

    def close(self) -> None:
        """End the session."""
        with self._lock:
            if self._target is not None:
                self._target.close()
                self._target = None

    def _opened(self) -> Target:
        if self._target is None:
            known = {"account.full": _ACCOUNT.password, f"guest.{_GUEST.username}": _GUEST.password}
            secrets = Secrets(known, public=known)  # the simulator's documented ones
            self._target = Target.open(self._url, recorder=Recorder(), secrets=secrets, trust=self._trust)
            self._target.login(_ACTOR, _ACCOUNT.username, "account.full")
        return self._target

    def _lever(self, target: Target, vm: Ref, does: str) -> None:
        lever = next(each for each in LOOPBACK.lever if each.does == does)
        done = read(target, _ACTOR, target.manager("guestOperationsManager"), ["processManager"])
        manager = as_ref(done.outcome.value.get("processManager")) if isinstance(done.outcome, Returned) else None
        if manager is None:
            raise TargetError(f"{self._url}: shows no processManager")
        auth = {
            "_typeName": "NamePasswordAuthentication",
            "interactiveSession": False,
            "username": _GUEST.username,
            "password": f"{SECRET}guest.{_GUEST.username}",
        }
        spec = {"_typeName": "GuestProgramSpec", "programPath": lever.program, "arguments": lever.arguments}
        self._send(target, manager, "StartProgramInGuest", {"vm": vm.json(), "auth": auth, "spec": spec})

    def _task(self, target: Target, of: Ref, method: str, arguments: dict[str, Json]) -> None:
        task = as_ref(self._send(target, of, method, arguments))
        if task is not None:
            follow(target, _ACTOR, task, deadline_seconds=_DEADLINE)

    def _send(self, target: Target, of: Ref, method: str, arguments: dict[str, Json]) -> Json:
        """Make a call; gives its value, or None if the VM is in that state already. Raises TargetError."""
        outcome = target.send(Call(of, method, Arguments(arguments), _ACTOR), "arrange").outcome
        if isinstance(outcome, Returned):
            return outcome.value
        if isinstance(outcome, Faulted) and outcome.fault.type in CAUSES:
            return None
        raise TargetError(f"{self._url}: {method} to bring a state about: {outcome}")
