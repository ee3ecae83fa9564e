"""Makes the inputs of an alphabet on a target, each on a VM that began as a fresh clone, and gives what is seen of it."""

from __future__ import annotations

from contextlib import suppress

from vcontract._check.learned import answer_key
from vcontract._client.tasks import info
from vcontract._model.alphabet import Alphabet
from vcontract._model.automata import DONE, told
from vcontract._model.moves import MOVES
from vcontract._model.state import OFF, ON, SUSPENDED
from vcontract._proof.fresh_clones import FreshClones
from vcontract._terms import Faulted, Json, Ref, Returned, as_ref
from vcontract._testbed import Lane, NotArrangedError

CELL = "automaton"
ANOTHER = "another"
"""What stands for a host name that is neither the first one nor the specification's."""


class CloneInputs:
    """A target as a machine: every input is seen through to its end, and answered with outcome, channel and a read of the VM.

    An input is made whatever state the VM is in; that it is refused is an answer like any other.
    """

    def __init__(self, lane: Lane, alphabet: Alphabet) -> None:
        self._driver, self._lane, self._alphabet = lane.driver, lane, alphabet
        self._clones = FreshClones(lane, alphabet, f"{CELL}: reset")
        self._woken = ""

    def reset(self) -> None:
        """Take a fresh clone, ready and with a free lock. Raises NotArrangedError."""
        self.close()
        self._clones.make()

    def close(self) -> None:
        """Destroy the clone; one that cannot be is cleared away at the end of the run."""
        self._clones.destroy()

    def make(self, name: str) -> str:
        """Make an input, and give the answer. Raises NotArrangedError."""
        vm = self._clones.vm
        self._driver.enter(f"{CELL}: {name}")
        if name in self._alphabet.calls:
            outcome = self._call(name)
        elif not MOVES[name].lever:
            outcome = self._power(name, vm)
        else:
            outcome = self._lever(name, vm)
        return told(outcome, self._clones.view(ANOTHER))

    def _call(self, name: str) -> str:
        last = self._clones.judged(name)
        key = answer_key(last, self._driver.judge.contract, sure=False)
        if key is None:
            raise NotArrangedError(f"{name}: {last.why or last.observed}")
        return f"{key[0]} ({key[1]})"

    def _power(self, name: str, vm: Ref) -> str:
        before = self._clones.now()
        outcome = self._sent(vm, MOVES[name].method, {})
        if outcome != DONE:
            self._driver.look(vm)
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
        if tools and self._clones.now().power == ON:
            with suppress(NotArrangedError):
                self._driver.wait.until(f"Tools {tools}", lambda: self._clones.now().tools == tools, whose=what)
        vm = self._clones.vm
        self._lane.arranger.let_settle(self._driver.facts.vms[vm.value])
        self._driver.look(vm)
