"""Builds the call of a cell: the oracle's classes of its request, filled with drawn values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TypeAlias
from zlib import crc32

from hypothesis import strategies as st

from vcontract._contract import Contract
from vcontract._model import Asked, Facts, State, VmFacts, cell_of
from vcontract._schema import Schema
from vcontract._strategies import auth, semantic
from vcontract._strategies import customization as gosc
from vcontract._strategies.case import MALFORMED, UNKNOWN_METHOD, UNLISTED, Case
from vcontract._strategies.cases import cases
from vcontract._strategies.closure import Closure
from vcontract._strategies.coverage import Coverage, coverage, shown
from vcontract._strategies.http_breaks import NOBODY, STRANGER
from vcontract._strategies.pool import Pool
from vcontract._terms import Arguments, Call, Json, Ref

DRAWN = 64
_SPECS, _CHOICES = gosc.linux_specs(), st.integers(0, 2**16)
HEAVY = ("15.longest", "15.tooLong", "18.tooLong", "1.many")
"""Changes that make a request large; only their own cases make them."""
Spec = dict[str, Json]
Vms: TypeAlias = Mapping[str, VmFacts]


__all__ = ["DRAWN", "Caller", "pool_of"]


class Caller:
    """Makes calls for one object; every choice comes from the seed.

    `actors` names the session for each privilege class (`held`, `nowhere`), and, as some account may have one privilege
    and lack another, for `nowhere` of one method by the method's name. With `in_turn` steps draw one after the other from
    one stream, as version 0.1.0 did: a recording of that answers to no other arguments.
    """

    def __init__(
        self,
        contract: Contract,
        schema: Schema,
        facts: Facts,
        actors: dict[str, str],
        seed: int,
        *,
        in_turn: bool = False,
    ) -> None:
        self.contract, self.schema, self.facts, self.actors = contract, schema, facts, actors
        self._specs = Pool(_SPECS, seed, DRAWN)
        self._params = Pool(gosc.config_params, seed + 1, DRAWN)
        self._choices = Pool(_CHOICES, seed + 2, DRAWN)
        self._seed = seed + 3
        self._pools: tuple[Pool[Json], ...] = (self._specs, self._params, self._choices)
        self._in_turn, self._places = in_turn, dict[str, tuple[int, ...]]()
        self._cases: dict[str, tuple[Case, ...]] = {}
        self._changes: dict[str, dict[str, semantic.Change]] = {}

    def call(self, asked: Asked, vm: Ref | None, vms: Vms | None = None) -> Call:
        """Build a call of this class; `vm` is the arranged machine (None: the class needs none).

        `vms` are the VMs by moId that are known by now (None: those of the facts).
        Raises LookupError with the reason if the facts or the schema hold nothing to build it from.
        """
        target, known = self._vm(asked, vm), self.facts.vms if vms is None else vms
        arguments: dict[str, Json] = {}
        for name, kind in self.contract.method(asked.method).takes.items():
            value = self._argument(name, kind, asked, target, known)
            if value is not None:
                arguments[name] = value
        call = Call(self._this(asked.this, target), asked.method, Arguments(arguments), self.actor(asked))
        return call if asked.request == "ok" else self._edited(asked.request, call)

    @contextmanager
    def drawing_for(self, step: str) -> Iterator[None]:
        """Draw what the seed and the step alone decide: the same whenever, and however often, and on whichever VM it is tried.

        So what is to confirm a violation sends the same arguments, and so does a run that takes its steps in another order.
        What is drawn after it is as if it had drawn nothing.
        """
        now = tuple(pool.place for pool in self._pools)
        own = tuple(crc32(f"{self._seed} {number} {step}".encode()) for number in range(len(self._pools)))
        known = self._places.setdefault(step, now if self._in_turn else own)
        try:
            self._go_to(known)
            yield
        finally:
            if known != now:
                self._go_to(now)

    def _go_to(self, places: Sequence[int]) -> None:
        for pool, place in zip(self._pools, places, strict=True):
            pool.place = place

    def start(self, method: str) -> State:
        """Give the state of a VM in which a valid call of a method is made."""
        return cell_of(self.contract, method).state

    def cases(self) -> tuple[Case, ...]:
        """List every case of every method: each way in which a call may be broken, or unusual and yet legal."""
        return tuple(case for method in self.contract.methods for case in self._of(method.name))

    def broken(self, case: Case, method: str, vm: Ref, vms: Vms | None = None) -> Call:
        """Apply a case to a valid call on a machine. Raises LookupError if the machine does not fit the case."""
        if case.nics > _nics(vm, self.facts.vms if vms is None else vms):
            raise LookupError(f"{case.label} needs a VM with {case.nics} NICs")
        return case.turn(self.call(Asked(method), vm, vms))

    def shown(self, sent: Collection[Call]) -> dict[str, list[str]]:
        """List, by method, the coverage goals of its arguments that the valid calls among `sent` exercise."""
        return {method.name: sorted(shown(Closure(self.schema, method.name), sent)) for method in self.contract.methods}

    def coverage(
        self, shown_by_method: Iterable[Mapping[str, Collection[str]]], taken: Collection[str]
    ) -> dict[str, Coverage]:
        """Measure the coverage by method: `shown_by_method` are results of `shown`, `taken` the names of the cases."""
        together = list(shown_by_method)
        return {
            method.name: coverage(
                Closure(self.schema, method.name),
                {name for part in together for name in part.get(method.name, ())},
                self._of(method.name),
                taken,
            )
            for method in self.contract.methods
        }

    def base(self, method: str) -> dict[str, Json]:
        """Give valid arguments for some VM with one NIC, the same at every call."""
        login = auth.accepted(self.facts.guests, may=True) or auth.name_password(auth.NOBODY, auth.NOBODYS)
        known: dict[str, Json] = {
            "vm": Ref("VirtualMachine", "vm-0").json(),
            "auth": login,
            "spec": gosc.SMALLEST,
            "pool": Ref("ResourcePool", "resgroup-0").json(),
        }
        return {name: known[name] for name in self.contract.method(method).takes if name in known}

    def _of(self, method: str) -> tuple[Case, ...]:
        if method not in self._cases:
            documented = self.contract.method(method)
            facts = self.facts
            self._cases[method] = cases(
                self.schema, documented, self.base(method), facts.guests, self._seed, facts.versions
            )
        return self._cases[method]

    def _argument(self, name: str, kind: str, asked: Asked, vm: Ref, vms: Vms) -> Json:
        """Build the argument of a parameter; None: it is optional and left out."""
        made: dict[str, Callable[[], Json]] = {
            "vm": vm.json,
            "auth": lambda: self._auth(asked.login),
            "spec": lambda: self._spec(asked, _nics(vm, vms)),
            "configParams": self._params.next,
        }
        if name in made:
            return made[name]()
        other = self._other(kind, asked, vm, vms)
        return other.json() if other is not None else None

    def _other(self, kind: str, asked: Asked, vm: Ref, vms: Vms) -> Ref | None:
        """Choose a reference beside the VM's: one that fits the VM, or a wrong one if the class says so; None: leave it out."""
        if asked.argument == "unknown":
            return Ref(kind, "vcontract-0")
        if asked.argument == "otherType":
            return Ref(kind, _first(self.facts.others, "Folder", "no Folder is known"))
        if kind == "ResourcePool" and vm.value in vms:
            return pool_of(vm, vms)
        if kind == "HostSystem":
            host = vms[vm.value].host if vm.value in vms else ""
            return Ref(kind, host) if host and self._choices.next() % 2 else None
        return Ref(kind, _first(self.facts.others, kind, f"no {kind} is known"))

    def _vm(self, asked: Asked, vm: Ref | None) -> Ref:
        if asked.vm == "unknown":
            return Ref("VirtualMachine", "vm-0")
        if asked.vm == "otherType":
            moid = _first(self.facts.others, "Folder", "no Folder is known")
            return Ref(("VirtualMachine", "Folder")[self._choices.next() % 2], moid)
        if vm is None:
            raise LookupError("the cell needs a VM")
        return vm

    def _this(self, this: str, vm: Ref) -> Ref:
        manager = self.facts.manager
        if this == "unknown":
            return Ref(manager.type, f"{manager.value or 'vm'}-0")
        if this == "otherType":
            return Ref(manager.type, _first(self.facts.others, "Folder", "no Folder is known"))
        return vm if self.facts.itself else manager

    def actor(self, asked: Asked) -> str:
        """Name the session for a call of a class. Raises LookupError if no account is known to be such."""
        if asked.session == "none":
            return (NOBODY, STRANGER)[self._choices.next() % 2]
        actor = self.actors.get(f"{asked.privilege}:{asked.method}") or self.actors.get(asked.privilege)
        if actor is None:
            raise LookupError(f"no account has the privilege {asked.privilege}")
        return actor

    def _auth(self, login: str) -> dict[str, Json]:
        if login in {"rejected", "unsettled"}:
            made = auth.rejected() if login == "rejected" else auth.unsettled()
            able = [
                login for name, login in made.items() if not name.lower().endswith(("long", "longuser", "longpassword"))
            ]
            return able[self._choices.next() % len(able)]
        accepted = auth.accepted(self.facts.guests, may=login == "accepted")
        if accepted is None:
            raise LookupError(f"no guest account whose login is {login}")
        return accepted

    def _spec(self, asked: Asked, nics: int) -> Spec:
        drawn = self._specs.next()
        if "nicCount" in asked.spec:
            return gosc.fitted(drawn, nics + 1 if nics == 0 or self._choices.next() % 2 else nics - 1)
        spec = gosc.fitted(drawn, nics)
        wanted = next((kind for kind in ("rule", "inferred") if kind in asked.spec), "")
        return self._changed(asked.method, wanted, spec) if wanted else spec

    def _changed(self, method: str, kind: str, spec: Spec) -> Spec:
        """Apply a change of a kind that the schema can express and that fits the specification."""
        if not self._changes:
            self._changes = semantic.changes_of(self.schema, method, self.base(method))
        able = [change for name, change in self._changes[kind].items() if name not in HEAVY]
        first = self._choices.next()
        for number in range(len(able)):
            with suppress(LookupError):  # it has no adapter to change
                return able[(first + number) % len(able)](spec)
        raise LookupError(f"API {self.schema.api_version} has nothing to say what is {kind}")

    def _edited(self, request: str, call: Call) -> Call:
        """Break a call in one of the ways of a class: if malformed, in its parameters or by half of its bytes."""
        able = [case for case in self._of(call.method) if case.expects == request]
        if request == UNKNOWN_METHOD and not able:  # the server lists no version before the method
            able = [case for case in self._of(call.method) if case.expects == UNLISTED]
        if request == MALFORMED:
            able = [
                case
                for case in able
                if (case.tier == "schema" and case.constraint.startswith(call.method)) or case.constraint == "truncated"
            ]
        if not able:
            raise LookupError(f"no case of {call.method} is {request}")
        return able[self._choices.next() % len(able)].turn(call)


def pool_of(vm: Ref, vms: Vms) -> Ref:
    """Give the resource pool of a VM, or of another on its host, as a template is in none. Raises LookupError."""
    facts = vms.get(vm.value)
    near = [other.pool for other in vms.values() if other.pool and facts and other.host == facts.host]
    if facts is None or not near:
        raise LookupError("no resource pool is known")
    return Ref("ResourcePool", facts.pool or near[0])


def _nics(vm: Ref, vms: Vms) -> int:
    return vms[vm.value].nics if vm.value in vms else 1


def _first(others: dict[str, str], kind: str, otherwise: str) -> str:
    for moid, type_ in others.items():
        if type_ == kind:
            return moid
    raise LookupError(otherwise)
