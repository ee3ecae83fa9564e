"""A simulated vCenter behind a gate, in this process: what a test of a client calls, and what it may ask of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec.structs import replace

from vcontract._client import Recorder, Target
from vcontract._client.properties import read
from vcontract._client.wire import parse_url
from vcontract._config.config import LOOPBACK
from vcontract._errors import UsageError
from vcontract._inject.rules import Channel, Rule, Rules, When
from vcontract._inject.serving import Opened, opened
from vcontract._simulator import Settings, SimulatorServer
from vcontract._terms import Ref, Returned
from vcontract._testbed import FULL
from vcontract._testbed.marked_vms import names_of
from vcontract._testbed.survey import log_in, secrets_of

_FULL_ALONE = replace(LOOPBACK, account=tuple(each for each in LOOPBACK.account if each.role == "full"))
_POWER, _TOOLS, _CONNECTION = "runtime.powerState", "guest.toolsRunningStatus", "runtime.connectionState"
_HOST_NAME, _TASKS = "guest.hostName", "recentTask"


class Login(msgspec.Struct, frozen=True):
    """A name and a password that the simulator accepts."""

    username: str
    password: str


class Vm(msgspec.Struct, frozen=True):
    """A VM: its name and its moId."""

    name: str
    moid: str


class VmState(msgspec.Struct, frozen=True):
    """What a read of a VM shows, as the API words it; empty what is unset. `tasks` are the moIds of its recent tasks."""

    power: str = ""
    tools: str = ""
    host_name: str = ""
    connection: str = ""
    tasks: tuple[str, ...] = ()


class Called(msgspec.Struct, frozen=True):
    """A call that the client sent: the method, the VM's moId (empty: none), what it was told, and what was injected."""

    method: str
    vm: str
    outcome: str
    injected: str = ""


class ServedVCenter:
    """A simulated vCenter: `url` is what a client is given; `administrator` may all, `viewer` reads, `guest` customizes."""

    administrator = Login("administrator@vsphere.local", "vcontract")
    operator = Login("operator@vsphere.local", "vcontract")
    viewer = Login("viewer@vsphere.local", "vcontract")
    guest = Login("root", "guest")
    guest_without_rights = Login("user", "guest")

    def __init__(self, gate: Opened, behind: str) -> None:
        self.url, self._gate, self._behind = gate.url, gate, behind
        self.host, self.port = parse_url(gate.url).host, parse_url(gate.url).port
        self._target: Target | None = None
        self._lock = threading.Lock()
        self._first = 0

    def inject(  # noqa: PLR0913 - what a rule may say, by name
        self,
        method: str,
        answer: str,
        *,
        channel: Channel = "call",
        times: int | None = None,
        nth: int | None = None,
        condition: str = "",
        seconds: float = 0.05,
        fields: Mapping[str, Any] | None = None,
        illegal: bool = False,
        cause: bool = False,
    ) -> None:
        """Give calls of a method (a shell pattern) an answer, as a rule of `inject.toml` does; `condition` is its `while`.

        Raises UsageError.
        """
        rule = Rule(
            method, answer, channel=channel, times=times, when=When(nth=nth, condition=condition),
            seconds=seconds, fields=dict(fields or {}),
            illegal=illegal, cause=cause,
        )  # fmt: skip
        self._gate.injector.chooser.add(rule)

    @property
    def calls(self) -> tuple[Called, ...]:
        """What the client has sent in this test, in order."""
        return tuple(
            Called(
                each.method, each.vm, each.outcome, each.strike.fault or each.strike.rule.answer if each.strike else ""
            )
            for each in self._gate.injector.journal.passed[self._first :]
        )

    def vm(self, name: str) -> Vm:
        """Find a VM by its name. Raises UsageError, with the names that there are."""
        names = {shown: ref for ref, shown in names_of(self._own(), FULL).items()}
        if name not in names:
            raise UsageError(f"no VM is called {name}; there are {', '.join(sorted(names))}")
        return Vm(name, names[name].value)

    def state(self, vm: Vm | str) -> VmState:
        """Read a VM (or one by its name) at the server itself, whatever is injected. Raises UsageError."""
        which = self.vm(vm) if isinstance(vm, str) else vm
        done = read(
            self._own(), FULL, Ref("VirtualMachine", which.moid), [_POWER, _TOOLS, _HOST_NAME, _CONNECTION, _TASKS]
        )
        if not isinstance(done.outcome, Returned):
            raise UsageError(f"{which.name}: cannot be read: {done.outcome}")
        shown = done.outcome.value
        power, tools, name, connection = (
            str(shown.get(path, "")) for path in (_POWER, _TOOLS, _HOST_NAME, _CONNECTION)
        )
        return VmState(power, tools, name, connection, tuple(str(each["value"]) for each in shown.get(_TASKS) or ()))

    def calm(self) -> None:
        """Drop what is injected, and begin `calls` anew."""
        self._gate.injector.chooser.clear()
        self._first = len(self._gate.injector.journal.passed)

    def close(self) -> None:
        """Close the session by which VMs are read."""
        if self._target is not None:
            self._target.close()

    def _own(self) -> Target:
        """Give a session of our own at the server, which is none of the client's calls."""
        with self._lock:
            if self._target is None:
                self._target = Target.open(self._behind, recorder=Recorder(), secrets=secrets_of(_FULL_ALONE))
                log_in(self._target, _FULL_ALONE)
            return self._target


@contextmanager
def served(settings: Settings | None = None) -> Iterator[ServedVCenter]:
    """Serve a vCenter on a free port of loopback, in threads of this process."""
    with SimulatorServer(settings) as simulator, opened("127.0.0.1:0", parse_url(simulator.url), Rules()) as gate:
        made = ServedVCenter(gate, simulator.url)
        try:
            yield made
        finally:
            made.close()
