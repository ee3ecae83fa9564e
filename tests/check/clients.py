"""Concurrent clients of one simulator: threads, each with its own session, that call and read what they like on few VMs."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from tests.windows import fitted, stretch
from vcontract._client import Recorder, Target
from vcontract._client.properties import read
from vcontract._client.tasks import follow
from vcontract._config.config import LOOPBACK
from vcontract._contract import Contract
from vcontract._history import FACTS
from vcontract._model import STATE_PATHS, Facts, compact
from vcontract._simulator import Settings, SimulatorServer
from vcontract._terms import Arguments, Call, Json, Operation, Ref, Returned, as_ref
from vcontract._testbed.survey import secrets_of, survey_target

GUESTS = ("root",) * 8 + ("user", "nobody")
CALLS = ("CustomizeGuest_Task",) * 4 + ("AbortCustomization_Task",) * 3 + ("StartGuestNetwork_Task",) * 2
POWER = ("PowerOffVM_Task", "PowerOnVM_Task", "PowerOnVM_Task", "ResetVM_Task", "SuspendVM_Task")


class Client:
    """One thread's way through its calls, as the crowd to which it belongs is told to."""

    def __init__(self, target: Target, facts: Facts, machines: list[Ref], number: int, crowd: Crowd) -> None:
        self._target, self._facts, self._machines, self._crowd = target, facts, machines, crowd
        self._actor, self._names = f"client-{number}", (f"c{number}-{turn}" for turn in count())
        self._rng = Random(f"{crowd.seed} {number}")  # noqa: S311 - no secret
        target.login(self._actor, "administrator@vsphere.local", "account.full")

    def work(self, calls: int, spec: dict[str, Json]) -> None:
        """Make so many calls, each in turn."""
        for _ in range(calls):
            vm = self._rng.choice(self._machines)
            kind = self._rng.random()
            if kind < 0.2:
                read(self._target, self._actor, vm, STATE_PATHS, compact)
            elif kind < 0.3 and self._crowd.wild:
                self._follow(Call(vm, self._rng.choice(self._crowd.power), Arguments({}), self._actor), "arrange")
            elif kind < 0.33 and self._crowd.wild:
                self._pull(vm)
            else:
                self._follow(self._call(vm, spec), "judge")

    def _call(self, vm: Ref, spec: dict[str, Json]) -> Call:
        method, guest = self._rng.choice(self._crowd.methods), self._rng.choice(GUESTS)
        if self._crowd.named:
            host = {"_typeName": "CustomizationFixedName", "name": next(self._names)}
            spec = {**spec, "identity": {**spec["identity"], "hostName": host}}
        values = {"vm": vm.json(), "auth": auth(guest)} | ({"spec": spec} if method == "CustomizeGuest_Task" else {})
        return Call(self._facts.manager, method, Arguments(values), self._actor)

    def _follow(self, call: Call, purpose: str) -> None:
        done = self._target.send(call, purpose)
        task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
        if task is not None and self._rng.random() < 0.95:
            follow(self._target, self._actor, task, deadline_seconds=self._crowd.patience * stretch(), poll=0.001)

    def _pull(self, vm: Ref) -> None:
        lever = next(each for each in self._facts.levers if each.does == "orphanLock")
        processes = Ref("GuestProcessManager", "guestOperationsProcessManager")
        spec = {"_typeName": "GuestProgramSpec", "programPath": lever.program, "arguments": lever.arguments}
        arguments = Arguments({"vm": vm.json(), "auth": auth("root"), "spec": spec})
        self._target.send(Call(processes, "StartProgramInGuest", arguments, self._actor), "arrange")


def auth(username: str) -> dict[str, Any]:
    """Give a login of a guest by its user."""
    password = f"secret:guest.{username}"
    return {
        "_typeName": "NamePasswordAuthentication",
        "interactiveSession": False,
        "username": username,
        "password": password,
    }


class Crowd(msgspec.Struct, frozen=True):
    """How many clients make how many calls each, on a simulator that is told what.

    The `wild` also switch VMs and do things in their guests; the `named` give each customization a host name of its own.
    """

    clients: int
    calls: int
    seed: int = 1
    wild: bool = False
    named: bool = False
    methods: tuple[str, ...] = CALLS
    power: tuple[str, ...] = POWER
    patience: float = 5.0
    defects: frozenset[str] = frozenset()
    variants: frozenset[str] = frozenset()

    def settings(self) -> Settings:
        """Give what the simulator is told; it is slow enough for its tasks to be seen running."""
        return fitted(
            seed=self.seed, task_time=0.02, task_retention_count=1000, defects=self.defects, variants=self.variants
        )


def recorded(
    contract: Contract, spec: dict[str, Json], crowd: Crowd, path: Path | None = None
) -> tuple[Facts, list[Operation]]:
    """Let clients loose on two VMs of a new simulator; gives the facts, and the operations in the order of their ends."""
    recorder = Recorder(path)
    with SimulatorServer(crowd.settings()) as server:
        target = Target.open(server.url, secrets=secrets_of(LOOPBACK), recorder=recorder)
        facts = survey_target(target, LOOPBACK, contract)
        recorder.observed(FACTS, msgspec.to_builtins(facts))
        machines = [each.ref for each in facts.vms.values() if each.name in {"linux-1", "linux-2"}]
        several = [Client(target, facts, machines, number, crowd) for number in range(crowd.clients)]
        threads = [threading.Thread(target=each.work, args=(crowd.calls, spec)) for each in several]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        target.close()
    recorder.close()
    return facts, sorted(recorder.operations, key=lambda each: each.end)
