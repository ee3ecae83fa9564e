"""`stress --schedules N`: each schedule is drawn as a whole before it is executed, so that one with a race can be shrunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from vcontract._client import Recorder
from vcontract._config.config import Config, address_of
from vcontract._config.context import RunContext
from vcontract._config.request import RunRequest
from vcontract._contract import load, names
from vcontract._model.followed_task import KINDS
from vcontract._model.state import CUSTOMIZE
from vcontract._races.schedules import Fresh, Hunt, RaceTestbed, fit, race, simulated
from vcontract._run.preparation import Preparation
from vcontract._run.start import configured, opened
from vcontract._simulator import Settings
from vcontract._strategies.schedules import schedules
from vcontract._testbed import FULL, Site, claimant_of, claims_of, guard_of, marked, survey_target
from vcontract._testbed.embedded_simulator import fitting, stretch

_TASK_SECONDS = 0.02
_CLIENTS, _VMS, _MOST = 3, 2, 12
_OFTEN = 3
"""The weight of a method that needs a guest alone, against 1 of the others."""


def hunt(
    request: RunRequest, preparation: Preparation, examples: int, seconds: float, say: Callable[[str], None]
) -> bool:
    """Execute `examples` drawn schedules, for `seconds` at most; gives whether a race was found, and says which.

    Raises HarnessError for all that keeps it from running.
    """
    contract, config, seed = load(request.contract), configured(request, preparation), request.seed
    others = [load(name) for name in names() if name != request.contract]
    served = address_of(request, config)
    limits = Hunt(seed, examples, seconds=seconds, patience=config.task_seconds or Hunt().patience)
    if served:
        fresh = _on_target(request, preparation, config, seconds)
    else:
        fresh = simulated(contract, fitting(Settings(seed=seed, task_time=_TASK_SECONDS)), _VMS)
        limits = replace(limits, moment=limits.moment * stretch())
    exclusive = [method.name for method in contract.methods if KINDS.get(method.name) == CUSTOMIZE]
    methods = [*_OFTEN * exclusive, *(method.name for method in contract.methods)]
    drawn = schedules(methods, clients=_CLIENTS, vms=_VMS, most=_MOST)
    smallest = race(drawn, fresh, limits, contract, *others)
    if smallest is None:
        say(f"no race in {examples} schedules (seed {seed}), or none within {seconds:g} s")
        return False
    say(f"race after {smallest.executions} executions: {smallest.text()}")
    say(f"replay: {preparation.replay}")
    return True


def _on_target(request: RunRequest, preparation: Preparation, config: Config, seconds: float) -> Fresh:
    """Give a maker of grounds on the one target, each with sessions and a history of its own; for so many seconds at most."""
    contract, claimant = load(request.contract), claimant_of("schedules")
    context = RunContext(claimant=claimant)

    @contextmanager
    def fresh() -> Iterator[RaceTestbed]:
        with opened(request, preparation, config, Recorder()) as target:
            facts = marked(survey_target(target, config, contract), config, None)
            guard = guard_of(target, config, contract, "", facts.others, actor="", claimant=claimant)
            target.guard_with(guard)
            machines = fit(target, facts, _VMS)
            claims = claims_of(Site(target, contract, config, request, context), guard, facts, seconds)
            claims.take({vm.value: facts.vms[vm.value].name for vm in machines})
            try:
                yield RaceTestbed(target, facts, machines)
            finally:
                claims.release()
            target.logout(FULL)

    return fresh
