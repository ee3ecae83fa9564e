"""Every case against the simulator, judged as in a run: what is valid is accepted, what is broken is refused by the rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.windows import fitted
from vcontract._check import Judge
from vcontract._client import Target
from vcontract._contract import Contract
from vcontract._model import Asked
from vcontract._simulator import SimulatorServer
from vcontract._strategies.calls import Caller
from vcontract._terms import Call, Ref, Verdict
from vcontract._testbed.actors import FULL
from vcontract._testbed.driver import Driver
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.judged_calls import judged_call
from vcontract._testbed.survey import secrets_of, survey_target

QUICK = 0.001


class Ring:
    """A target, its judge, and one ready Linux VM for each number of NICs."""

    def __init__(self, target: Target, contract: Contract) -> None:
        facts = survey_target(target, EMBEDDED, contract)
        bases = {name: each.base for name, each in target.schema.types.items() if each.base}
        self.judge = Judge(facts, contract, bases)
        target.recorder.listeners.append(self.judge.feed)
        self.driver = Driver(target, self.judge)
        self.caller = Caller(contract, target.schema, facts, {"held": FULL}, 1)
        self.vms: dict[int, Ref] = {}
        for vm in facts.vms.values():
            self.driver.read_vm(vm.ref)
            ready = all(each.tools == "ready" and each.engine == "ok" for each in self.driver.states(vm.ref))
            if vm.family == "linux" and ready:
                self.vms.setdefault(vm.nics, vm.ref)

    def send(self, label: str, call: Call, vm: Ref) -> None:
        """Send a call as a judged one and see it through."""
        self.driver.enter(label)
        judged_call(self.driver, call, vm, [])

    def violations(self) -> list[str]:
        """Tell what is no conforming answer."""
        self.judge.close()
        return [
            f"{each.cell}: {each.observed} is {each.grade}, expected {each.expected}: {each.why}"
            for each in self.judge.judgements
            if each.verdict is not Verdict.CONFORMS
        ]


@contextmanager
def ring(contract: Contract, api: str) -> Iterator[Ring]:
    """Start a simulator of a version and survey it."""
    with SimulatorServer(fitted(api=api, task_time=QUICK)) as simulator:
        target = Target.open(simulator.url, secrets=secrets_of(EMBEDDED))
        try:
            yield Ring(target, contract)
        finally:
            target.close()


@pytest.mark.parametrize(
    ("api", "share"),
    [("8.0.3.0", 4), *(pytest.param(each, 1, marks=pytest.mark.long) for each in ("6.8.7", "8.0.3.0", "9.1.0.0"))],
)
def test_every_case_is_answered_as_the_contract_allows(contract: Contract, api: str, share: int) -> None:
    """No case of any tier leads to a violation; what is odd and legal succeeds, and no broken request does.

    Of a share of 4 every fourth case is sent and all that travels in its own way, of 1 each.
    """
    with ring(contract, api) as judged:
        every = judged.caller.cases()
        large = [each for each in every if each.constraint in {"text.megabytes", "longPassword"}]
        chosen = [*(each for each in every if each.tier == "http"), *large, *every[::share]]
        cases = {each.name: each for each in chosen}
        for name, case in cases.items():
            vm = judged.vms[2 if case.nics else 1]
            judged.send(name, judged.caller.broken(case, case.method, vm), vm)
        assert judged.violations() == []
        assert [each.cell for each in judged.judge.judgements] == list(cases)
        for each in judged.judge.judgements:
            case = cases[each.cell]
            if case.kind == "legal" or case.expects not in {"", "unsettled"}:
                assert (each.observed == "OK") == (case.kind == "legal"), each


def test_promised_calls_succeed(contract: Contract) -> None:
    """Whatever valid call is drawn succeeds, on VMs with any number of NICs."""
    with ring(contract, "9.1.0.0") as judged:
        for number in range(40):
            for nics, vm in judged.vms.items():
                judged.send(f"{nics}:{number}", judged.caller.call(Asked("CustomizeGuest_Task"), vm), vm)
        assert judged.violations() == []
        assert {each.observed for each in judged.judge.judgements} == {"OK"}
        assert {1, 2} <= set(judged.vms)
