"""What Tools have told of a guest's name and adapters: later than it is so, in parts, and in an order of their own."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcontract._simulator.virtual_machine.machine import Machine

Addresses = tuple[tuple[str, int], ...]
"""Addresses of an adapter, each with the length of its prefix."""
SOON, WHOLE = 0.1, 0.3
"""Shares of the longest time: a report of the name takes as much at the least, and one of all addresses."""


@dataclass(frozen=True)
class NicReport:
    """An adapter as Tools see it in the guest."""

    key: int
    mac: str
    connected: bool
    addresses: Addresses


@dataclass(frozen=True)
class NameReport:
    """The name of a guest, and its domain."""

    host_name: str
    domain: str


class Reports:
    """What vCenter shows of one guest: what Tools told last, which is `report_time` seconds old at the most.

    Name and adapters come each after a time of its own, drawn by the settings' seed; adapters first without addresses, or with
    those that a link has by itself. Until the first report a boot shows nothing, and an instant clone what its parent shows.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._up = False
        self._name: NameReport | None = None
        self._nics: tuple[NicReport, ...] = ()
        self._seen: tuple[NameReport | None, tuple[NicReport, ...]] = None, ()
        self._random: random.Random | None = None

    @property
    def name(self) -> NameReport | None:
        """What was told of the name; None: nothing yet."""
        return self._name if self._most else self._name_now()

    @property
    def nics(self) -> tuple[NicReport, ...]:
        """What was told of the adapters, in any order."""
        return self._nics if self._most else self._nics_now()

    def settle(self) -> None:
        """Have told everything, as of a guest that came up long ago."""
        self._up = True
        self._name, self._nics = self._seen = self._name_now(), self._nics_now()

    def inherit(self, parent: Reports) -> None:
        """Show what another guest's Tools have told."""
        self._name, self._nics = parent.name, parent.nics

    def forget(self) -> None:
        """Show nothing, as the guest boots."""
        self._up = False
        self._name, self._nics = None, ()

    def look(self) -> None:
        """Have Tools, if they run, tell what is not as it was the last time that this was called."""
        if not self._most:
            return
        before, self._up = self._up, self._machine.tools_status == "guestToolsRunning"
        if not self._up:
            return
        now = self._name_now(), self._nics_now()
        known, self._seen = self._seen if before else (None, ()), now
        if now[0] not in {known[0], self._name}:
            self._tell_name()
        if now[1] != known[1] and now[1] != self._nics:
            self._tell_nics()

    @property
    def _most(self) -> float:
        return self._machine.vcenter.settings.report_time

    def _tell_name(self) -> None:
        def tell() -> None:
            self._show(self._name_now(), self._nics)

        self._machine.vcenter.timeline.after(self._most * self._draw().uniform(SOON, 1.0), tell)

    def _tell_nics(self) -> None:
        draw, after = self._draw(), self._machine.vcenter.timeline.after
        whole = self._most * draw.uniform(WHOLE, 1.0)
        after(whole * draw.uniform(SOON, 1.0 - SOON), lambda: self._show(self._name, self._partly()))
        after(whole, lambda: self._show(self._name, tuple(draw.sample(now := self._nics_now(), len(now)))))

    def _show(self, name: NameReport | None, nics: tuple[NicReport, ...]) -> None:
        if self._machine.tools_status == "guestToolsRunning" and (name, nics) != (self._name, self._nics):
            self._name, self._nics = name, nics
            self._machine.vcenter.changed(self._machine)

    def _partly(self) -> tuple[NicReport, ...]:
        """Give what is told of adapters whose addresses are not there yet; now and then there is not even an adapter."""
        draw = self._draw()
        own: Addresses = draw.choice([(), (("169.254.7.1", 16),), (("fe80::250:56ff:fe00:1", 64),)])
        told = tuple(replace(nic, addresses=own if nic.connected else ()) for nic in self._nics_now())
        return tuple(draw.sample(told, draw.choice([0, len(told), len(told)])))

    def _draw(self) -> random.Random:
        if self._random is None:
            seed = f"{self._machine.vcenter.settings.seed} {self._machine.moid}"
            self._random = random.Random(seed)  # noqa: S311 - repeatable choices, no secret
        return self._random

    def _name_now(self) -> NameReport:
        guest = self._machine.guest
        return NameReport(guest.host_name, guest.network.domain)

    def _nics_now(self) -> tuple[NicReport, ...]:
        interfaces, decide = self._machine.guest.network.interfaces, self._machine.vcenter.decisions
        told = []
        for nic, interface in zip(self._machine.nics, interfaces, strict=True):
            held = (((interface.address, interface.prefix),) if interface.address else ()) + tuple(interface.ipv6)
            addresses = decide.addresses(held) if nic.connected else ()
            told.append(NicReport(nic.key, nic.mac, nic.connected, addresses))
        return tuple(told)
