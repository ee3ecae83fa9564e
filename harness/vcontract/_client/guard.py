"""The guard: every call passes it, and it stops those that could disturb what is not ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from html import unescape
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from vcontract._client.marks import CONFIG, RUN, ClaimWatch, Marks, option
from vcontract._client.properties import read
from vcontract._errors import ClaimedError, HaltedError, SharedHostError, UnseenError
from vcontract._terms import MISSING, Arguments, Call, Envelope, Faulted, Json, Operation, Ref, Returned, as_ref

if TYPE_CHECKING:
    from vcontract._client.session import Target

QUIET = frozenset(
    {
        "RetrieveServiceContent",
        "CurrentTime",
        "RetrieveProperties",
        "RetrievePropertiesEx",
        "ContinueRetrievePropertiesEx",
        "CreateContainerView",
        "DestroyView",
        "HasPrivilegeOnEntities",
        "CreatePropertyCollector",
        "CreateFilter",
        "DestroyPropertyFilter",
    }
)
"""The methods by which nobody can have learned, or brought about, anything new of a VM: reads, and what prepares them."""

HARMLESS = QUIET | {"Login", "Logout", "WaitForUpdatesEx"}
"""The methods that change nothing. Every other method counts as disturbing, an unknown one too."""

ENDS = frozenset({"Destroy_Task", "UnregisterVM"})
"""The methods after which a VM is gone for good."""

FORK = "InstantClone_Task"
"""The method by which a run makes VMs of its own, and that does nothing else to their origin."""

TERMINATE = "TerminateSession"

BACK = "ReconnectHost_Task"
"""The method that brings a host back."""

FRESH = 0.1
"""Seconds for which a read of a VM's marks is valid, provided that no other call was sent since."""

_TRIES = 3
_TYPED = re.compile(rb'type\s*=\s*["\']VirtualMachine["\'][^>]*>\s*([^<>\s]+)\s*<')
_TEXTS = re.compile(rb">\s*([^<>\s]{1,128})\s*<")
_MOID = re.compile(r"[!-~]{1,128}")

Seen: TypeAlias = tuple[Operation, Mapping[str, Json] | None]
"""A read of a VM's marks, and what it showed; None: the VM is gone."""


class _Unseen(str):
    """The reason why a VM's marks are unknown: the answers to their reads were lost."""

    __slots__ = ()


class _Claimed(str):
    """The reason why a VM must not be touched now although it is ours: who claims it, or that this run no longer does."""

    __slots__ = ()


class _Shared(str):
    """The reason why a host that may be disconnected by its name must stay: who else is on it, or that it is not known."""

    __slots__ = ()


_KINDS = {_Unseen: UnseenError, _Claimed: ClaimedError}
"""What is raised for a reason of each kind; for another HaltedError."""


class Occupancy(msgspec.Struct, frozen=True):
    """A host's name, and the moIds of the VMs on it; `unknown` is the reason why these are not known, empty if they are."""

    name: str = ""
    vms: tuple[str, ...] = ()
    unknown: str = ""


Limit: TypeAlias = "Callable[[Call], str]"
"""Says why a call that is no read must not be sent, whatever it is about; empty if it may."""

Looks: TypeAlias = "Callable[[Target, Ref, str], Occupancy]"
"""Looks, as an actor, which VMs are on a host."""


class Guard:
    """Decides which calls may be sent to one target; it reads a VM's marks again before each call that disturbs it.

    A VM is ours if it carries the mark, read just now and after all else that was sent; or if a run made it unmarked.
    Only VMs that a run made may be destroyed: those that carry the mark of one of `runs`, and those in `made`. A host may
    be touched if it has one of the names `hosts`, and be disconnected only if every VM on it is ours, as is looked up
    just then (`look_with`); a task or a snapshot if a call of ours made it, and its VM is ours still;
    a session may be ended if a login of ours opened it under this guard;
    an object of another type only by one of `methods`. A VM is left alone if another run claims it, or if this run claimed
    it and does no longer (`claims`). `others` are moIds that are known to be no VMs, `foreign` those of VMs known not to be
    ours. `touched` are the VMs that admitted calls were about; `made` has the objects that those
    calls made, each with the VMs that its call was about. The guard reads as `actor`; if that is empty, as the actor of
    the call, so that many actors may call at once.
    """

    def __init__(
        self,
        marks: Marks,
        actor: str,
        *,
        hosts: Collection[str],
        methods: Collection[str],
        runs: Collection[str] = (),
        others: Collection[str] = (),
        foreign: Collection[str] = (),
    ) -> None:
        self.marks = marks
        self._limit: Limit | None = None
        self._clones_only = False
        self.claims = ClaimWatch(marks)
        self.runs = set(runs)
        self.others, self.foreign = set(others), set(foreign)
        self.touched: set[str] = set()
        self.made: dict[Ref, frozenset[str]] = {}
        self._tenants: Looks | None = None
        self._actor, self._hosts, self._methods = actor, frozenset(hosts), frozenset(methods)
        self._tasks: dict[str, frozenset[str]] = {}
        self._sessions: set[str] = set()
        self._seen: dict[str, Seen] = {}
        self._marked: set[str] = set()
        self._told: set[str] = set()
        self._clone = ""

    def take_hosts_by_name(self) -> None:
        """Let hosts be disconnected by their names alone, where no server answers but a recording that tells no more."""
        self._tenants = lambda target, host, actor: Occupancy(self._name_of(target, host, actor))

    def look_with(self, tenants: Looks) -> None:
        """Let hosts be disconnected at all: before each time it is asked which VMs are on them."""
        self._tenants = tenants

    def keep_within(self, limit: Limit, touched: set[str]) -> None:
        """Let nothing that is no read leave against a limit; which VMs were touched all the same, whoever sets it says."""
        self._limit, self.touched = limit, touched

    def keep_to_clones(self) -> None:
        """Let no VM be disturbed that no run of ours made, but for being cloned, and no host."""
        self._clones_only = True

    def add_runs(self, runs: Collection[str]) -> None:
        """Let the VMs of more runs be destroyed."""
        self.runs |= set(runs)

    def admit(self, target: Target, call: Call) -> None:
        """Return if a call may be sent; raises HaltedError with the reason if not (UnseenError: reads of marks were lost).

        SharedHostError: a host is not to be disconnected for a VM on it that is not ours, or as it cannot be known.
        """
        if call.method in HARMLESS:
            return
        if self._limit is not None and (why := self._limit(call)):
            raise HaltedError(f"{call.method} on {call.object.value} was not sent: {why}")
        if why := self._object_refusal(target, call):
            halt = SharedHostError if isinstance(why, _Shared) else HaltedError
            raise halt(f"{call.method} on {call.object.value} was not sent: {why}")
        for vm in sorted(self._vms(call)):
            if why := self._refusal(target, vm, call):
                kind = next((kind for sort, kind in _KINDS.items() if isinstance(why, sort)), HaltedError)
                raise kind(f"{call.method} on {vm} was not sent: {why}")
            if self._limit is None and not self.marks.claims_by(call):
                self.touched.add(vm)

    def saw(self, vm: Ref, done: Operation) -> Seen | None:
        """Store the marks that a read of a VM shows, which asked at least for `marks.paths`; None if it was not answered."""
        outcome = done.outcome
        if isinstance(outcome, Returned) and isinstance(outcome.value, Mapping):
            self._seen[vm.value] = (done, outcome.value)
            self.claims.saw(vm.value, outcome.value)
            if self.marks.owners(outcome.value):
                self._marked.add(vm.value)
            return done, outcome.value
        if isinstance(outcome, Faulted) and outcome.fault.type == "ManagedObjectNotFound":
            self._seen[vm.value] = (done, None)
            return done, None
        return None

    def heard(self, done: Operation) -> None:
        """Store what an operation of ours made: a session, a task, or the result of a task."""
        outcome, method = done.outcome, done.call.method
        if not isinstance(outcome, Returned):
            return
        self.claims.heard(done)
        if method == "Login" and isinstance(outcome.value, Mapping):
            self._sessions.add(str(outcome.value.get("key")))
        if method not in HARMLESS:
            task = as_ref(outcome.value)
            if task is not None and task.type == "Task":
                self._tasks[task.value] = frozenset(self._vms(done.call))
                self._told.discard(task.value)  # a server that began anew gives moIds again
        elif method == "RetrievePropertiesEx" and isinstance(outcome.value, Mapping):
            info = outcome.value.get("info")
            if isinstance(info, Mapping) and info.get("key") in self._tasks:
                result = as_ref(info.get("result"))
                if result is not None:
                    self.made[result] = self._tasks[str(info["key"])]
                    told = info["key"] in self._told
                    (self._told.add if told else self._told.discard)(result.value)

    def resume(self, before: Iterable[Operation], clone: str) -> None:
        """Store what a run made, and which VMs it was about, before it was interrupted, as a history tells it.

        Anybody may have written the history: a VM that it calls made is destroyed only if it carries the mark and a name
        with `clone` in it, and no task, snapshot or session is ours on its word alone.
        """
        for done in before:
            self.heard(done)
            if self._limit is None and done.call.method not in HARMLESS and not self.marks.claims_by(done.call):
                self.touched |= self._vms(done.call)
        self._told |= {*self._tasks, *(ref.value for ref in self.made)}
        self._sessions.clear()
        self._clone = clone

    def vouch_for(self, made: Ref, vms: Collection[str]) -> None:
        """Take an object for one that a run made, since the target itself shows that; it belongs to these VMs."""
        self.made[made] = frozenset(vms)
        self._told.discard(made.value)

    def _object_refusal(self, target: Target, call: Call) -> str:
        """Say why the object of a call must not be touched; of VMs, `_refusal` says it."""
        ref = call.object
        if ref.type == "VirtualMachine":
            return ""
        if ref.type == "HostSystem":
            return "only clones may be disturbed" if self._clones_only else self.host_refusal(target, call)
        if ref.type == "Task":
            begun = ref.value in self._tasks and ref.value not in self._told
            return "" if begun else "no call of ours began this task"
        if ref.type == "VirtualMachineSnapshot":
            made = ref in self.made and ref.value not in self._told
            return "" if made else "no call of ours made this snapshot"
        if call.method == TERMINATE:
            keys = call.arguments.get("sessionId")
            ours = (
                isinstance(call.payload, Arguments)
                and isinstance(keys, list)
                and keys
                and self._sessions.issuperset(keys)
            )
            return "" if ours else "no login of ours opened this session"
        may = call.method in self._methods or self.marks.claims_by(call)
        return "" if may else f"nothing allows this on a {ref.type}"

    def host_refusal(self, target: Target, call: Call) -> str:
        """Say why a call about a host must not be sent; empty if it may. One that is lost may always be brought back."""
        ref, actor = call.object, self._actor or call.actor
        if call.method == BACK or self._tenants is None:
            seen = Occupancy(self._name_of(target, ref, actor), unknown="" if call.method == BACK else "nobody looked")
        else:
            seen = self._tenants(target, ref, actor)
        if seen.name not in self._hosts and not (seen.unknown and not seen.name):
            return f"the configuration names no host {seen.name or ref.value!r}"
        if seen.unknown:
            return _Shared(f"which VMs are on host {seen.name or ref.value} is not known: {seen.unknown}")
        strangers = ((vm, self._mark_of(target, vm, call)) for vm in seen.vms)
        return next((_Shared(f"{vm} is on host {seen.name} too: {why}") for vm, why in strangers if why), "")

    @staticmethod
    def _name_of(target: Target, ref: Ref, actor: str) -> str:
        """Read the name of an object; empty if it is not shown."""
        done = read(target, actor, ref, ["name"])
        values = done.outcome.value if isinstance(done.outcome, Returned) else None
        return str((values or {}).get("name", ""))

    def _refusal(self, target: Target, vm: str, call: Call) -> str:
        """Say why a VM must not be touched; empty if it is ours, or there is none of that name."""
        return "" if vm in self.others else self._mark_of(target, vm, call)

    def _mark_of(self, target: Target, vm: str, call: Call) -> str:
        """Say why a VM is not ours, by its marks as they are now; empty if it is, or there is none of that name."""
        known = self._seen.get(vm)
        clock = target.recorder
        if known is None or known[0].op != clock.last or clock.now() - known[0].end > FRESH:
            seen = self.read_marks(target, Ref("VirtualMachine", vm), self._actor or call.actor)
            if isinstance(seen, str):
                return seen
            known = seen
        values = known[1]
        return "" if values is None else self._mark_refusal(target, Ref("VirtualMachine", vm), values, call)

    def _mark_refusal(self, target: Target, vm: Ref, values: Mapping[str, Json], call: Call) -> str:
        """Say why a VM with these marks must not be touched."""
        if CONFIG in (refused := values.get(MISSING) or {}):
            return f"its marks cannot be read: {refused[CONFIG].get('_typeName')}"
        made = vm in self.made and vm.value not in self._told
        ends = call.method in ENDS and call.object == vm
        if ends and not made and option(values, RUN) not in self.runs and not self._told_clone(target, vm, call):
            return "no run of ours made this VM"
        own = made or option(values, RUN) in self.runs
        if self._clones_only and not own and (call.method, call.object) != (FORK, vm):
            return "no run of ours made this VM, and only clones may be disturbed"
        why = "" if made and vm.value not in self._marked else self.marks.refusal(values)
        if not why and (claimed := self.claims.refusal(vm.value, values, target.recorder.now(), call)):
            return _Claimed(claimed)
        return why

    def _told_clone(self, target: Target, vm: Ref, call: Call) -> bool:
        """Whether a history calls a VM made, and it has a name that runs give, and nobody else."""
        if vm not in self.made or not self._clone:
            return False
        return self._clone in self._name_of(target, vm, self._actor or call.actor)

    def read_marks(self, target: Target, vm: Ref, actor: str, more: Sequence[str] = ()) -> Seen | str:
        """Read the marks of a VM, with retries while the answer is lost; gives a text that says why if they cannot be read.

        `more` are properties that are read with them.
        """
        why = ""
        for _ in range(_TRIES):
            done = read(target, actor, vm, (*self.marks.paths, *more), self.marks.only)
            seen = self.saw(vm, done)
            outcome = done.outcome
            if seen is not None:
                return seen
            if isinstance(outcome, Faulted):
                return f"its marks cannot be read: {outcome.fault.type}"
            why = f"its marks cannot be read: {getattr(outcome, 'reason', 'no answer')}"
        return _Unseen(why)

    def _vms(self, call: Call) -> set[str]:
        """Name every VM that a call could be about."""
        refs = (call.object, *_refs(call.arguments))
        moids = {ref.value for ref in refs if ref.type == "VirtualMachine" or ref.value in self.foreign}
        moids |= self._tasks.get(call.object.value, frozenset()) if call.object.type == "Task" else frozenset()
        moids |= self.made.get(call.object, frozenset())
        if isinstance(call.payload, Envelope):  # what is broken may be read otherwise than it was meant
            moids |= _plain(_TYPED.findall(call.payload.body))
            moids |= _plain(_TEXTS.findall(call.payload.body)) & self.foreign
        return {moid for moid in moids if _MOID.fullmatch(moid)}  # nothing else is ever the name of an object


def _plain(texts: list[bytes]) -> set[str]:
    return {unescape(text.decode("utf-8", "replace")) for text in texts}


def _refs(value: Json) -> Iterator[Ref]:
    """Give every reference in a wire value."""
    ref = as_ref(value)
    if ref is not None:
        yield ref
    elif isinstance(value, Mapping):
        for field in value.values():
            yield from _refs(field)
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)
