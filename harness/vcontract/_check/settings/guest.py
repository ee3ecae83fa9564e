"""What one VM's guest has shown, what calls gave it, and what its last customization claims of it."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from vcontract._check.settings.boots import BootsSeen
from vcontract._check.settings.values import AddressClaim, Nic, nic_of
from vcontract._terms import Faulted, Operation

NAME, NET = "guest.hostName", "guest.net"


class Blamed(NamedTuple):
    """A call that a problem is about, as far as a judgement needs it: `observed` is OK or its fault."""

    op: int
    cell: str
    method: str
    vm: str
    observed: str
    judged: bool

    @classmethod
    def of(cls, operation: Operation, vm: str) -> Blamed:
        """Make it of an operation."""
        outcome = operation.outcome
        observed = outcome.fault.type if isinstance(outcome, Faulted) else "OK"
        judged = operation.purpose == "judge"
        return cls(operation.op, operation.cell, operation.call.method, vm, observed, judged)


class Value(NamedTuple):
    """A host name (`path` NAME) or an address (NET)."""

    path: str
    text: str


class Claimed:
    """One value that must show, and where that stands.

    It must show for `at` (infinity: nothing yet demands it) because of the call `by`. `bad` is when the first read that
    counts against it began; `seen`: it was shown since it was claimed, `done`: since `at`, or it was found missing.
    """

    __slots__ = ("address", "at", "bad", "by", "done", "name", "seen")

    def __init__(self, name: str = "", address: AddressClaim | None = None) -> None:
        self.name, self.address = name, address
        self.at = inf
        self.bad: float | None = None
        self.by: Blamed | None = None
        self.done = self.seen = False

    def demand(self, at: float, by: Blamed) -> None:
        """Demand it anew from a moment on."""
        self.at, self.by, self.bad, self.done = at, by, None, False

    def suspend(self) -> None:
        """Demand nothing until it is demanded anew."""
        self.at, self.bad = inf, None

    def look(self, start: float, late: float, *, good: bool, other: bool) -> bool:
        """Take a read: whether it shows the value, or another that counts against it. True if it is now found missing."""
        if good:
            self.seen, self.done, self.bad = True, self.done or self.at < inf, None
        if good or not other or self.done or start < self.at + late:
            return False
        if self.bad is None:
            self.bad = start
            return False
        self.done = start >= self.bad + late
        return self.done

    def awaits(self, read_at: float, late: float) -> float | None:
        """Say when it should be read next, if it was last read at a moment; None if that would tell nothing more."""
        if self.done or self.at == inf:
            return None
        if self.bad is not None:
            return self.bad + late if read_at <= self.bad or read_at < self.bad + late else None
        first = self.at + late
        if read_at < first:
            return first
        return first + late if read_at < first + late else None


class Claim:
    """What the last customization that succeeded claims: the call, when it was known to have ended, the values."""

    def __init__(self, by: Blamed, end: float, mappings: int, claimed: list[Claimed]) -> None:
        self.by, self.end, self.mappings, self.claimed = by, end, mappings, claimed

    def boots(self, at: float) -> None:
        """Demand everything from the end of a boot on."""
        for claimed in self.claimed:
            claimed.demand(at, self.by)

    def starts(self, at: float, by: Blamed) -> None:
        """Demand the addresses from the end of a network start on."""
        for claimed in self.claimed:
            if claimed.address is not None:
                claimed.demand(at, by)

    def suspend(self, *, names: bool = True) -> None:
        """Demand nothing until the next boot, or, without `names`, no address until the next network start or boot."""
        for claimed in self.claimed:
            if names or claimed.address is not None:
                claimed.suspend()

    def delay(self, at: float) -> None:
        """Begin to wait anew: what was to be read could not be."""
        for claimed in self.claimed:
            if claimed.at < inf:
                claimed.at, claimed.bad = max(claimed.at, at), None

    def fixes(self, nic: Nic, nics: list[Nic]) -> bool:
        """Whether it claims a static IPv4 address for a NIC."""
        return any(
            claimed.address is not None
            and claimed.address.version == 4
            and nic_of(claimed.address, nics, self.mappings) == nic
            for claimed in self.claimed
        )


class Guest:
    """One VM's guest.

    `shown` and `given` are its old values: those that it, or the VM that it was cloned from, has shown, and those of calls that
    were not refused; `known` are the kinds of which it has shown one. `refused` are values of refused calls. `nics` are the
    devices that have shown an address, `steady` those that showed one when nothing had happened for as long as reports may be
    late, `settled` those that did when nothing had that shows before a network start or a boot.
    `vague`: a customization left it undefined; `unknown`: it may be what it was before this history began; `waiting`: what was
    written before may still wait for a network start or a boot; `made_up`: its name may be one that nobody gave. `moved` is the
    last moment of anything that may change what is shown, `swayed` of what needs no such start for that, `busy` are the tasks
    that may still change it, `customizing` those of them that customize, `aborted` is when an abort was last accepted. `last`
    is the last judged call.
    """

    def __init__(self, runtime_late: float) -> None:
        self.shown: set[Value] = set()
        self.given: set[Value] = set()
        self.known: set[str] = set()
        self.refused: dict[Value, Blamed] = {}
        self.nics: set[int] = set()
        self.steady: set[int] = set()
        self.settled: set[int] = set()
        self.claim: Claim | None = None
        self.boots = BootsSeen(runtime_late)
        self.vague = self.unknown = self.made_up = False
        self.waiting = True
        self.moved = self.swayed = self.aborted = -inf
        self.read_at = -inf
        self.busy: set[str] = set()
        self.customizing: set[str] = set()
        self.last: Blamed | None = None

    def shows(self, value: Value) -> None:
        """Note a value that it shows."""
        self.shown.add(value)
        self.known.add(value.path)

    def old(self, value: Value) -> bool:
        """Whether it has had a value, or was given it."""
        return value in self.shown or value in self.given

    def moves(self, at: float, *, unseen: bool = False) -> None:
        """Note a moment of what may change what is shown: what shows next may be of then, however late it is read."""
        self.moved = max(self.moved, at)
        self.steady.clear()
        if not unseen:
            self.swayed = max(self.swayed, at)
            self.settled.clear()

    def rests(self, since: float, nics: set[int]) -> None:
        """Take a read that shows these NICs' addresses of a moment, or of later."""
        if not self.busy and since >= self.moved:
            self.steady = set(nics)
        if self.busy <= self.customizing and since >= self.swayed:
            self.settled = set(nics)

    def takes_up(self) -> None:
        """Let it take up what waits for a network start or a boot, which only this history's customizations replace."""
        self.unknown = self.unknown or self.waiting

    def becomes_known(self, since: float) -> None:
        """Take the last read, which shows what it was at a moment, or later: nothing of before this history is left to show.

        What a network start or a boot took up is reported late, and may first be read long after.
        """
        if not self.waiting and self.busy <= self.customizing and since >= self.swayed:
            self.unknown = False

    def undefined(self) -> None:
        """Claim nothing any more: nobody knows what the guest is now."""
        self.claim, self.vague = None, True

    def child(self, runtime_late: float, at: float) -> Guest:
        """Make the guest of an instant clone: it goes on with this one's memory, so this one's values are its own."""
        made = Guest(runtime_late)
        made.moved = made.swayed = at
        made.shown, made.given, made.known = set(self.shown), set(self.given), set(self.known)
        made.vague, made.unknown, made.made_up = self.vague, self.unknown, self.made_up
        made.waiting = self.waiting
        return made
