"""Makes the inputs of an alphabet on a target, each on a VM that began as a fresh clone, and gives what is seen of it."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from vcontract.check import Judgement
from vcontract.check.learned import answer_key
from vcontract.client.tasks import info
from vcontract.findings.program import rebound
from vcontract.model import State, VmFacts
from vcontract.model.alphabet import BEFORE, SPEC, Alphabet, shown
from vcontract.model.automata import DONE, told
from vcontract.model.moves import MOVES
from vcontract.model.state import OFF, ON, SUSPENDED
from vcontract.proof.word_runner import NAMES
from vcontract.strategies.customization import fixed_name
from vcontract.terms import Arguments, Call, Faulted, Json, Ref, Returned, as_ref
from vcontract.testbed import Lane, NotArrangedError, judged_call

CELL = "automaton"
ANOTHER = "another"
"""What stands for a host name that is neither the first one nor the specification's."""


class Inputs:
    """A target as a machine: every input is seen through to its end, and answered with outcome, channel and a read of the VM.

    An input is made whatever state the VM is in; that it is refused is an answer like any other.
    """

    def __init__(self, lane: Lane, alphabet: Alphabet) -> None:
        self._driver, self._caller, self._lane, self._alphabet = lane.driver, lane.caller, lane, alphabet
        self._parent: VmFacts | None = None
        self._made: dict[str, tuple[str, Call]] = {}
        self._vm: Ref | None = None
        self._before = self._spec = ""
        self._woken = ""

    def reset(self) -> None:
        """Take a fresh clone, ready and with a free lock. Raises NotArrangedError."""
        self.close()
        self._driver.enter(f"{CELL}: reset")
        self._parent = self._parent or self._lane.selection.choose(State())
        made = self._lane.arranger.clone(self._parent)
        self._vm = made.ref
        self._lane.arranger.let_settle(made)
        self._driver.read_vm(made.ref)
        self._before = self._name()
        self._spec = self._spec or next(each for each in NAMES if each != self._before)

    def close(self) -> None:
        """Destroy the clone; one that cannot be is cleared away at the end of the run."""
        if self._vm is not None:
            self._driver.enter(f"{CELL}: reset")
            gone, self._vm = self._vm, None
            with suppress(NotArrangedError):
                self._lane.cloner.destroy(gone)

    def make(self, name: str) -> str:
        """Make an input, and give the answer. Raises NotArrangedError."""
        if self._vm is None:
            raise NotArrangedError("there is no VM")
        self._driver.enter(f"{CELL}: {name}")
        if name in self._alphabet.calls:
            outcome = self._call(name, self._vm)
        elif not MOVES[name].lever:
            outcome = self._power(name, self._vm)
        else:
            outcome = self._lever(name, self._vm)
        whose = {self._before: BEFORE, self._spec: SPEC}.get(self._name(), ANOTHER)
        return told(outcome, shown(self._driver.states(self._vm), whose))

    def _call(self, name: str, vm: Ref) -> str:
        judge = self._driver.judge
        with self._driver.attempt():
            judged_call(self._driver, self._payload(name, vm), vm, [])
            judge.close()
        last: Judgement = judge.judgements[-1]
        key = answer_key(last, judge.contract, sure=False)
        if key is None:
            raise NotArrangedError(f"{name}: {last.why or last.observed}")
        return f"{key[0]} ({key[1]})"

    def _power(self, name: str, vm: Ref) -> str:
        before = self._now()
        outcome = self._sent(vm, MOVES[name].method, {})
        if outcome != DONE:
            self._driver.read_vm(vm)
            return outcome
        if name == "suspend":
            self._woken = before.tools
        boots = name == "reset" or before.power == OFF
        # a resumed guest goes on as it was; one that boots has its Tools started
        until = self._woken if name == "powerOn" and before.power == SUSPENDED else "ready" if boots else ""
        self._awaited(name, until if name in {"powerOn", "reset"} else "")
        return outcome

    def _lever(self, name: str, vm: Ref) -> str:
        outcome = self._sent(*self._lane.levers.call_of(vm, name))
        self._awaited(name, "stopped" if outcome == DONE and name == "stopTools" else "")
        return outcome

    def _sent(self, ref: Ref, method: str, arguments: dict[str, Json]) -> str:
        """Make an arranging call, and see it through. Raises NotArrangedError if no answer came."""
        done = self._driver.call(ref, method, arguments)
        if isinstance(done.outcome, Faulted):
            return f"{done.outcome.fault.type} (call)"
        if not isinstance(done.outcome, Returned):
            raise NotArrangedError(f"{method}: {done.outcome.reason}")
        task = as_ref(done.outcome.value)
        if task is None or task.type != "Task":
            return DONE
        reads = self._driver.tasks.follow(task)
        last = info(reads[-1]) if reads else {}
        if last.get("state") == "error":
            return f"{(last.get('error') or {}).get('fault', {}).get('_typeName', 'unknown')} (task)"
        if last.get("state") != "success":
            raise NotArrangedError(f"{method}: no end in time")
        return DONE

    def _awaited(self, what: str, tools: str) -> None:
        """Wait until Tools are as they will be; a server on which they never are is seen as it is."""
        if tools and self._now().power == ON:
            with suppress(NotArrangedError):
                self._driver.wait.until(f"{what}: Tools {tools}", lambda: self._now().tools == tools)
        if self._vm is not None:
            self._lane.arranger.let_settle(self._driver.facts.vms[self._vm.value])
            self._driver.read_vm(self._vm)

    def _now(self) -> State:
        if self._vm is None:
            raise NotArrangedError("there is no VM")
        return self._driver.now(self._driver.facts.vms[self._vm.value])

    def _name(self) -> str:
        reading = self._driver.tracker.readings.get(self._vm.value if self._vm else "") or {}
        return str(reading.get("guest.hostName", "")).partition(".")[0].lower()

    def _payload(self, name: str, vm: Ref) -> Call:
        """Give the call of an input: always the same but for the VM."""
        if name not in self._made:
            asked = self._alphabet.calls[name]
            call = self._caller.call(asked, vm, self._driver.facts.vms)
            spec = call.arguments.get("spec")
            if isinstance(call.payload, Arguments) and spec and not asked.spec:
                spec = {**spec, "identity": {**spec["identity"], "hostName": fixed_name(self._spec)}}
                call = replace(call, payload=Arguments({**call.arguments, "spec": spec}))
            self._made[name] = vm.value, call
        first, call = self._made[name]
        return rebound(call, {first: vm.value})
