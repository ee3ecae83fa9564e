"""The fresh clones on which the inputs of an alphabet are made, one clone after the other, always by the same calls."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property

from msgspec.structs import replace

from vcontract._check import Judgement
from vcontract._contract import OK
from vcontract._findings.program import rebound
from vcontract._model import State, VmFacts
from vcontract._model.alphabet import BEFORE, SPEC, Alphabet, shown
from vcontract._model.followed_task import KINDS
from vcontract._model.state import CUSTOMIZE
from vcontract._strategies.customization import fixed_name
from vcontract._terms import Arguments, Call, Ref
from vcontract._testbed import Lane, NotArrangedError, judged_call

NAMES = ("vcontract-proof", "vcontract-proof-2")
"""Host names that the specification may set: the first that the guest has not yet."""


class FreshClones:
    """Clones of one VM that is ready: makes one, makes calls of an alphabet on it and reads it, destroys it.

    `label` is the cell under which clones are made and destroyed.
    """

    def __init__(self, lane: Lane, alphabet: Alphabet, label: str) -> None:
        self._driver, self._lane, self._alphabet, self._label = lane.driver, lane, alphabet, label
        self._vm: Ref | None = None
        self._first_calls: dict[str, tuple[str, Call]] = {}
        self._name_before = self._name_of_spec = ""
        self._customized = False

    @cached_property
    def parent(self) -> VmFacts:
        """The VM that is cloned. Raises NotArrangedError if there is none."""
        return self._lane.selection.choose(State())

    @property
    def vm(self) -> Ref:
        """The clone. Raises NotArrangedError if there is none."""
        if self._vm is None:
            raise NotArrangedError("there is no VM")
        return self._vm

    def make(self) -> None:
        """Make a clone, wait until it is ready with a free lock, and read it. Raises NotArrangedError."""
        self._driver.enter(self._label)
        clone = self._lane.arranger.clone(self.parent)
        self._vm = clone.ref
        self._lane.arranger.let_settle(clone)
        self._driver.read_vm(clone.ref)
        self._name_before, self._customized = self._host_name(), False
        self._name_of_spec = self._name_of_spec or next(name for name in NAMES if name != self._name_before)

    def destroy(self) -> None:
        """Destroy the clone, if there is one; one that cannot be destroyed is cleared away at the end of the run."""
        if self._vm is not None:
            self._driver.enter(self._label)
            clone, self._vm = self._vm, None
            with suppress(NotArrangedError):
                self._lane.cloner.destroy(clone)

    def judged(self, name: str) -> Judgement:
        """Make the call of an input on the clone, see it through, and give what the judge made of it."""
        judge = self._driver.judge
        with self._driver.attempt():
            judged_call(self._driver, self._call(name), self.vm, [])
            judge.close()
        last: Judgement = judge.judgements[-1]
        self._customized |= KINDS.get(last.method) == CUSTOMIZE and last.observed == OK
        return last

    def now(self) -> State:
        """Read the clone. Raises NotArrangedError."""
        return self._driver.now(self._driver.facts.vms[self.vm.value])

    def view(self, other_name: str = "") -> str:
        """Give what the last read shows of the clone; `other_name` stands for a host name that no call of ours set.

        A guest that was customized may bear its new name later (oracle section H), and one that boots none yet.
        """
        name, states = self._host_name(), self._driver.states(self.vm)
        guest = {"": "", self._name_before: BEFORE, self._name_of_spec: SPEC}.get(name, other_name or name)
        if guest == BEFORE and self._customized and any(state.guest == SPEC for state in states):
            guest = SPEC
        return shown(states, guest)

    def _host_name(self) -> str:
        reading = self._driver.tracker.readings.get(self._vm.value if self._vm else "") or {}
        return str(reading.get("guest.hostName", "")).partition(".")[0].lower()

    def _call(self, name: str) -> Call:
        """Give the call of an input: always the same but for the VM."""
        vm = self.vm
        if name not in self._first_calls:
            asked = self._alphabet.calls[name]
            call = self._lane.caller.call(asked, vm, self._driver.facts.vms)
            spec = call.arguments.get("spec")
            if isinstance(call.payload, Arguments) and spec and not asked.spec:
                spec = {**spec, "identity": {**spec["identity"], "hostName": fixed_name(self._name_of_spec)}}
                call = replace(call, payload=Arguments({**call.arguments, "spec": spec}))
            self._first_calls[name] = vm.value, call
        first, call = self._first_calls[name]
        return rebound(call, {first: vm.value})
