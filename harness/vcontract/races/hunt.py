"""`stress --schedules N`: whole schedules are drawn before anything is sent, so that a race among them can be made small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from vcontract.client import Recorder
from vcontract.config.config import Config
from vcontract.config.request import RunRequest
from vcontract.contract import load, names
from vcontract.model.state import CUSTOMIZE
from vcontract.model.tracker import KINDS
from vcontract.races.schedules import Fresh, Hunt, RaceTestbed, fit, race, simulated
from vcontract.run.preparation import Preparation
from vcontract.run.start import configured, opened
from vcontract.simulator import Settings
from vcontract.strategies.schedules import schedules
from vcontract.testbed import FULL, guard_of, marked, survey_target
from vcontract.testbed.embedded_simulator import fitting, stretch

_TASK_SECONDS = 0.02
_CLIENTS, _VMS, _MOST = 3, 2, 12
_OFTEN = 3
"""So much oftener is a method called that wants a guest for itself."""


def hunt(
    request: RunRequest, preparation: Preparation, examples: int, seconds: float, say: Callable[[str], None]
) -> bool:
    """Execute so many drawn schedules, for so many seconds at the most; says what was found, and gives whether anything was.

    Raises HarnessError for all that keeps it from running.
    """
    contract, config, seed = load(request.contract), configured(request, preparation), request.seed
    others = [load(each) for each in names() if each != request.contract]
    served = request.target or config.target
    told = Hunt(seed, examples, seconds=seconds, patience=config.task_seconds or Hunt().patience)
    if served:
        fresh = _on_target(request, preparation, config)
    else:
        fresh = simulated(contract, fitting(Settings(seed=seed, task_time=_TASK_SECONDS)), _VMS)
        told = replace(told, moment=told.moment * stretch())
    exclusive = [each.name for each in contract.methods if KINDS.get(each.name) == CUSTOMIZE]
    methods = [*_OFTEN * exclusive, *(each.name for each in contract.methods)]
    drawn = schedules(methods, clients=_CLIENTS, vms=_VMS, most=_MOST)
    found = race(drawn, fresh, told, contract, *others)
    if found is None:
        say(f"no race in {examples} schedules (seed {seed}), or none within {seconds:g} s")
        return False
    say(f"race after {found.executions} executions: {found.text()}")
    say(f"replay: {preparation.replay}")
    return True


def _on_target(request: RunRequest, preparation: Preparation, config: Config) -> Fresh:
    """Give a maker of what each schedule is executed on: the same target, with sessions and a history of its own."""
    contract = load(request.contract)

    @contextmanager
    def fresh() -> Iterator[RaceTestbed]:
        with opened(request, preparation, config, Recorder()) as target:
            facts = marked(survey_target(target, config, contract), config, None)
            target.guard_with(guard_of(target, config, contract, "", facts.others, actor=""))
            yield RaceTestbed(target, facts, fit(target, facts, _VMS))
            target.logout(FULL)

    return fresh
