"""Follows what each VM's guest was given and has shown, and finds what no source permits (oracle section H).

Settings of a customization show late, in parts, and only after a network start or a boot. So a claim is demanded only then,
of two reads as far apart as reports may be late; until then every old value is as good. At any time a guest shows nothing
that only a refused call carries, and nothing that was given to another VM. Any other value that it never had is a note, or a
problem where nobody else changes the VMs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import NamedTuple

from vcontract._check.settings.boots import BOOTING
from vcontract._check.settings.guest import NAME, NET, Blamed, Claim, Claimed, Guest, Value
from vcontract._check.settings.values import (
    AddressClaim,
    Nic,
    address_claims,
    is_label,
    label,
    name_given,
    nic_of,
    nics_of,
)
from vcontract._model import State, TaskLife, Tracker, observe, read_of
from vcontract._model.followed_task import KINDS
from vcontract._model.moves import MOVES, methods_where
from vcontract._model.spec_rules import broken
from vcontract._model.state import ABORT, CONNECTED, CUSTOMIZE, NETWORK, OFF, ON
from vcontract._terms import UNSENT, Arguments, Faulted, Json, Lost, Operation, Returned, as_ref, subject

_REVERTS = methods_where(lambda move: move.reverts)
_OFFLINE, _RECONFIGURE, _FORK = (MOVES[name].method for name in ("customizeNextBoot", "reconfigure", "fork"))
_IN_GUEST = MOVES["stopTools"].method
_UNSEEN = (CUSTOMIZE, ABORT)
"""What gives no NIC another address before a network start or a boot: until then one goes on with what it had."""


class Problem(NamedTuple):
    """What a read showed that no source permits (`hard`), or that is only odd: `FIELD: why`, and the call that it is about.

    `op` is the operation that showed it.
    """

    by: Blamed
    text: str
    op: int
    hard: bool = True


class Settings:
    """Takes every operation of a history, each after the tracker has; gives the problems that it shows."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._guests: dict[str, Guest] = {}
        self._givers: dict[Value, dict[str, Blamed]] = {}
        self._specs: dict[str, tuple[Blamed, Mapping[str, Json], float]] = {}
        self._parents: dict[str, str] = {}

    def feed(self, operation: Operation) -> list[Problem]:
        """Take one operation."""
        read = read_of(operation)
        if read is None:
            vm = subject(operation.call)
            if vm in self._tracker.facts.vms and operation.purpose != "read":
                self._called(operation, vm)
            return []
        ref, values = read
        if ref.type == "Task":
            life = self._tracker.tasks.get(ref.value)
            if life is not None and life.over and life.reads and life.reads[-1][0] is operation:
                self._ended(operation, life)
            return []
        if ref.value not in self._tracker.facts.vms or not values or "runtime.powerState" not in values:
            return []
        return list(self._read(operation, ref.value, values))

    def awaits(self, vm: str) -> float | None:
        """Say at which moment a VM should be read next for what it must show; None if nothing is awaited."""
        guest = self._guest(vm)
        claimed = guest.claim.claimed if guest.claim is not None else []
        late = self._tracker.facts.staleness
        moments = [moment for each in claimed if (moment := each.awaits(guest.read_at, late)) is not None]
        return min(moments, default=None)

    def new(self, vm: str, spec: Mapping[str, Json]) -> bool:
        """Whether a specification gives a VM a name, and each of its NICs a static address, that no VM here ever had."""
        guest, fixed = self._guest(vm), {claim.place for claim in address_claims(spec) if claim.version == 4}
        values = self._values(vm, spec)
        whole = len(fixed) == len(spec.get("nicSettingMap") or ()) and is_label(label(name_given(spec)))
        return whole and not any(guest.old(value) or value in self._givers for value in values)

    def parent(self, vm: str) -> str:
        """Name the VM of which another was cloned in this history; empty if it was not."""
        return self._parents.get(vm, "")

    def resume(self) -> None:
        """Forget what an interruption of the run makes uncertain."""
        for guest in self._guests.values():
            guest.claim, guest.unknown, guest.waiting = None, True, True
            guest.busy.clear()
            guest.customizing.clear()
            guest.moves(-inf)

    def _guest(self, vm: str) -> Guest:
        if vm not in self._guests:
            self._guests[vm] = Guest(self._tracker.facts.runtime_staleness)
        return self._guests[vm]

    def _family(self, vm: str) -> str:
        known = self._tracker.facts.vms.get(vm)
        return known.family if known is not None else "linux"

    def _values(self, vm: str, spec: Mapping[str, Json]) -> set[Value]:
        name = label(name_given(spec), self._family(vm))
        found = {Value(NET, claim.address) for claim in address_claims(spec) if claim.version == 4}
        return found | ({Value(NAME, name)} if name else set())

    def _called(self, operation: Operation, vm: str) -> None:
        guest, method, outcome = self._guest(vm), operation.call.method, operation.outcome
        if isinstance(outcome, Lost) and outcome.reason.startswith(UNSENT):
            return
        by = Blamed.of(operation, vm)
        guest.last = by if by.judged else guest.last
        spec = (operation.call.arguments.get("spec") or {}) if method in {_OFFLINE, *KINDS} else {}
        values = self._values(vm, spec)
        if isinstance(outcome, Faulted):
            guest.refused |= {value: by for value in values if not guest.old(value)}
            return
        guest.given |= values
        for value in values:
            self._givers.setdefault(value, {})[vm] = by
        if spec:
            guest.made_up = guest.made_up or not is_label(label(name_given(spec)))
        ref = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        task = ref.value if ref is not None and ref.type == "Task" else ""
        guest.moves(operation.end, unseen=KINDS.get(method) in _UNSEEN)
        guest.boots.called(method, operation.start, operation.end, sure=isinstance(outcome, Returned))
        if task:
            guest.busy.add(task)
        self._changed(operation, guest, task)
        if KINDS.get(method) == CUSTOMIZE and task:
            plain = isinstance(operation.call.payload, Arguments) and not broken(spec, self._tracker.facts.vms[vm])[0]
            # what no source shows to be legal, a guest may take up in a way of its own
            self._specs[task] = by, spec if plain else {}, operation.start

    def _changed(self, operation: Operation, guest: Guest, task: str) -> None:
        """Let go of what a call that was not refused makes uncertain."""
        method, kind = operation.call.method, KINDS.get(operation.call.method)
        claim, late = guest.claim, self._tracker.facts.staleness
        if kind == NETWORK or method in BOOTING:
            guest.takes_up()
        if kind == CUSTOMIZE:
            guest.claim = None
            guest.customizing.add(task)
            guest.vague = guest.vague or not task
        elif kind == NETWORK and claim is not None:
            claim.suspend(names=False)
        elif kind == ABORT:
            guest.claim, guest.aborted = None, operation.end
        elif method in _REVERTS:  # what was written and not taken up when the snapshot was made waits again
            guest.claim, guest.unknown, guest.waiting = None, True, True
        elif method in BOOTING and claim is not None:
            claim.suspend()
            if guest.boots.cut == operation.end and operation.start <= claim.end + late:
                guest.undefined()  # what the customization wrote may not have been on the disk yet
        elif method == _OFFLINE or self._rewires(operation):
            guest.claim = None

    def _rewires(self, operation: Operation) -> bool:
        """Whether a call may change NICs, or does in the guest what no lever does."""
        method, arguments = operation.call.method, operation.call.arguments
        if method == _RECONFIGURE:
            return bool((arguments.get("spec") or {}).get("deviceChange"))
        return method == _IN_GUEST and not self._tracker.facts.lever(arguments)

    def _ended(self, operation: Operation, life: TaskLife) -> None:
        guest = self._guest(life.vm)
        if life.ref.value not in guest.busy:
            return
        guest.busy.discard(life.ref.value)
        guest.moves(operation.end, unseen=life.kind in _UNSEEN)
        method, accepted = life.accepted.call.method, life.accepted.start
        won = life.final is not None and life.final[1].get("state") == "success"
        guest.boots.called(method, accepted, operation.end, sure=won)
        if life.kind == CUSTOMIZE:
            guest.customizing.discard(life.ref.value)
            by, spec, start = self._specs.pop(life.ref.value, (None, {}, 0.0))
            alone = not guest.customizing and guest.claim is None and guest.aborted < start
            if won and by is not None and spec and alone and guest.boots.cut < start:
                guest.claim, guest.vague = self._claim(by, operation.end, life.vm, spec), False
                guest.waiting = False
                guest.becomes_known(guest.read_at - self._tracker.facts.staleness)
            else:
                guest.undefined()
        elif life.kind == NETWORK and won and guest.claim is not None and accepted >= guest.claim.end:
            guest.claim.starts(operation.end, Blamed.of(life.accepted, life.vm))
        elif method == _FORK and won and life.final is not None:
            child = as_ref(life.final[1].get("result"))
            if child is not None:
                self._guests[child.value] = guest.child(self._tracker.facts.runtime_staleness, operation.end)
                self._parents[child.value] = life.vm

    def _claim(self, by: Blamed, end: float, vm: str, spec: Mapping[str, Json]) -> Claim:
        name = label(name_given(spec), self._family(vm))
        claimed = [Claimed(name=name)] if is_label(name) else []
        claimed += [Claimed(address=claim) for claim in address_claims(spec)]
        return Claim(by, end, len(spec.get("nicSettingMap") or ()), claimed)

    def _read(self, operation: Operation, vm: str, values: Mapping[str, Json]) -> Iterator[Problem]:
        guest, state = self._guest(vm), observe(State(), values)
        began = guest.boots.saw(operation.start, state)
        guest.read_at = operation.start
        claim = guest.claim
        if values.get("config.tools.pendingCustomization"):
            guest.claim = claim = None  # the package will give the guest other settings
        if state.power != ON or state.connection != CONNECTED or state.tools != "ready":
            self._down(operation, guest, state)
            return
        if began is not None:
            guest.takes_up()
            if claim is not None:
                claim.suspend()
                if began >= claim.end:
                    claim.boots(operation.end)
        name, nics = label(str(values.get("guest.hostName") or ""), self._family(vm)), nics_of(values)
        old = {name: guest.old(Value(NAME, name))}
        yield from self._never_had(operation, vm, guest, name, nics)
        guest.becomes_known(operation.start - self._tracker.facts.staleness)
        if guest.claim is not None:
            yield from self._missing(operation, guest.claim, (name, old[name]), nics)
            if any(claimed.name and claimed.seen for claimed in guest.claim.claimed):
                guest.made_up = False

    @staticmethod
    def _down(operation: Operation, guest: Guest, state: State) -> None:
        """Take a read of a VM of which Tools tell nothing."""
        guest.moves(operation.end)
        if guest.claim is not None:
            guest.claim.delay(operation.end)
            if state.power == OFF and guest.boots.asked < guest.claim.end:
                guest.undefined()  # somebody else turned it off, who knows how

    def _never_had(self, operation: Operation, vm: str, guest: Guest, name: str, nics: list[Nic]) -> Iterator[Problem]:
        """Find the values that the guest has never had; from now on it has had them."""
        if name:
            value = Value(NAME, name)
            if not guest.old(value) and NAME in guest.known and not guest.unknown:
                yield from self._other(operation, vm, guest, value, hard=not guest.vague and not guest.made_up)
            guest.shows(value)
        for nic in nics:
            if not nic.connected or not nic.v4:
                continue
            known = nic.key in guest.nics and not guest.unknown
            fixed = guest.claim is not None and guest.claim.fixes(nic, nics)
            more = any(guest.old(Value(NET, address)) for address in nic.v4)
            for address in sorted(nic.v4):
                value = Value(NET, address)
                if known and not guest.old(value):
                    # more may be added; and without a claim DHCP may give any, but not while nothing happens
                    odd = not more and nic.key in (guest.settled if fixed else guest.steady)
                    yield from self._other(operation, vm, guest, value, hard=odd and not guest.vague)
            for address in nic.v4:
                guest.shows(Value(NET, address))
            guest.nics.add(nic.key)
        shown = {nic.key for nic in nics if nic.connected and nic.v4}
        guest.rests(operation.start - self._tracker.facts.staleness, shown)

    def _other(self, operation: Operation, vm: str, guest: Guest, value: Value, *, hard: bool) -> Iterator[Problem]:
        """Say what is wrong with a value that the guest has never had; `hard`: nothing that we know of can have given it."""
        what = f"{value.path}: it shows {value.text}, "
        others = {other: by for other, by in self._givers.get(value, {}).items() if other != vm}
        if others:
            other, by = next(reversed(others.items()))
            yield Problem(by, f"{what}which operation {by.op} gave to {other}", operation.op)
        elif value in guest.refused:
            by = guest.refused[value]
            yield Problem(by, f"{what}which only operation {by.op} gives it, and that was refused", operation.op)
        elif hard and guest.last is not None:
            alone = self._tracker.facts.alone
            yield Problem(guest.last, f"{what}which it never had and no call gave it", operation.op, hard=alone)

    def _missing(
        self, operation: Operation, claim: Claim, name: tuple[str, bool], nics: list[Nic]
    ) -> Iterator[Problem]:
        """Find what the last customization claims and two reads did not show."""
        late = self._tracker.facts.staleness
        for claimed in claim.claimed:
            if claimed.address is None:
                shown, old = name
                good, other, path = shown == claimed.name, bool(shown) and old, NAME
                instead, wanted = shown, claimed.name
            else:
                good, instead = _of_nic(claimed.address, nics, claim.mappings)
                other, path, wanted = bool(instead), NET, claimed.address.address
            if not claimed.look(operation.start, late, good=good, other=other and not good):
                continue
            since = "a boot" if claimed.by == claim.by else "a network start"
            blamed = [claim.by] if claimed.by is None or claimed.by == claim.by or not claimed.seen else []
            blamed += [claimed.by] if claimed.by is not None and claimed.by != claim.by else []
            for by in blamed:
                why = f"after {since} it shows {instead} and not {wanted}, which operation {claim.by.op} gave it"
                yield Problem(by, f"{path}: {why}", operation.op)


def _of_nic(claim: AddressClaim, nics: list[Nic], mappings: int) -> tuple[bool, str]:
    """Say whether the NIC of a claim shows it, and which other addresses of that version it shows."""
    nic = nic_of(claim, nics, mappings)
    if nic is None:
        return False, ""
    addresses = nic.addresses(claim.version)
    return claim.address in addresses, ", ".join(sorted(addresses - {claim.address}))
