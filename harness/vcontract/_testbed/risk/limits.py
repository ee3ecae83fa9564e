"""The limits of the levels of risk at which no VM is changed: what may be sent there beside reads."""

from __future__ import annotations

from collections.abc import Iterable

from vcontract._check import Judge
from vcontract._config.request import RunRequest
from vcontract._config.risk import OBSERVE, arranges, level_of
from vcontract._model import State, classify, expect
from vcontract._terms import Call, Operation, Returned, as_ref, subject


class NothingButReads:
    """Lets no call leave that is no read; so no VM is ever `touched`."""

    over = "--risk observe makes no call of the contract's methods"

    def __init__(self) -> None:
        self.touched: set[str] = set()

    def refusal(self, call: Call) -> str:
        """Say why a call must not be sent."""
        return f"--risk observe sends nothing but reads, and {call.method} is none"


class NothingButRefusals:
    """Lets a call of the contract leave only if it must be refused in every state that its VM may be in.

    One that was carried out all the same is the last one (`over`); from then on its VM may be put back, and counts among
    `touched`. `before` are the operations of a run that goes on.
    """

    def __init__(self, judge: Judge, before: Iterable[Operation] = ()) -> None:
        self._judge = judge
        self.touched: set[str] = set()
        self._methods = {method.name: method for method in judge.contract.methods}
        self._accepted: list[Operation] = []
        for done in before:
            self.hear(done)

    def hear(self, done: Operation) -> None:
        """Take one operation, after the judge has."""
        if done.purpose == "judge" and done.call.method in self._methods and isinstance(done.outcome, Returned):
            self._accepted.append(done)
        self.touched.clear()
        self.touched |= {subject(accepted.call) for accepted in self._carried_out()}

    def refusal(self, call: Call) -> str:
        """Say why a call must not be sent; empty if it may."""
        if subject(call) in self.touched:
            return ""
        method = self._methods.get(call.method)
        if method is None:
            return f"--risk refusals brings no VM into a state, and {call.method} may"
        tracker = self._judge.tracker
        asked = classify(call, method, tracker.facts)
        vm = subject(call)
        states = tracker.states_at(vm, tracker.latest) if asked.vm == "ok" else frozenset({State()})
        if expect(states, asked, self._judge.contract).accepts:
            return f"--risk refusals makes no call that may succeed, and this {call.method} may"
        return ""

    @property
    def over(self) -> str:
        """The reason why no further call is to be judged: one was accepted that had to be refused, and is not seen to fail."""
        return next(
            (
                f"{done.call.method} about {subject(done.call)} had to be refused and was carried out: that ends the run"
                for done in self._carried_out()
            ),
            "",
        )

    def _carried_out(self) -> list[Operation]:
        """List the accepted calls whose tasks were not read ended in error."""
        return [done for done in self._accepted if not self._failed(done)]

    def _failed(self, done: Operation) -> bool:
        task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
        life = self._judge.tracker.tasks.get(task.value) if task is not None else None
        return life is not None and bool(life.fault)


Limited = NothingButReads | NothingButRefusals


def limit_of(request: RunRequest, judge: Judge, before: Iterable[Operation]) -> Limited | None:
    """Give the limit of a request's level; None where VMs are brought into states."""
    level = level_of(request)
    if arranges(level):
        return None
    return NothingButReads() if level == OBSERVE else NothingButRefusals(judge, before)
