"""Executes drawn schedules of several clients, each on a fresh server, until one breaks a guarantee; then shrinks it.

A race shows only in some executions: a schedule counts as breaking if one of a few executions breaks something, and the
smallest is executed several times more to measure how often it does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from operator import attrgetter
from random import Random

import msgspec
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy
from msgspec.structs import replace

from vcontract._check.concurrent import judge_concurrent
from vcontract._client import Recorder, Target
from vcontract._client.properties import read
from vcontract._client.tasks import follow
from vcontract._config.config import LOOPBACK
from vcontract._contract import Contract
from vcontract._errors import HarnessError, TargetError
from vcontract._model import STATE_PATHS, Facts, compact
from vcontract._model.followed_task import KINDS
from vcontract._model.state import CUSTOMIZE
from vcontract._simulator import Settings, SimulatorServer
from vcontract._strategies.auth import accepted
from vcontract._strategies.constants import fixed_constants
from vcontract._strategies.customization import SMALLEST, fixed_name
from vcontract._strategies.schedules import Schedule, Turn, shown, size
from vcontract._terms import Arguments, Call, Operation, Ref, Returned, as_ref
from vcontract._testbed import FULL, customizable, guard_of, secrets_of, survey_target

_POLL = 0.001


class RaceTestbed(msgspec.Struct, frozen=True):
    """A fresh server: the target, the facts of its survey, and VMs that may be customized."""

    target: Target
    facts: Facts
    machines: tuple[Ref, ...]


Fresh = Callable[[], AbstractContextManager[RaceTestbed]]


class Hunt(msgspec.Struct, frozen=True):
    """How a race is searched: `examples` schedules are executed once, smaller ones up to `tries` times, for `seconds` in all.

    The smallest is executed `again` times more. One moment of a schedule lasts `moment` seconds; a task is followed for
    `patience` seconds.
    """

    seed: int = 0
    examples: int = 100
    tries: int = 3
    seconds: float = 60.0
    again: int = 10
    moment: float = 0.005
    patience: float = 2.0


class Race(msgspec.Struct, frozen=True):
    """The smallest schedule that broke guarantees (`rows`), and in how many of its further executions (`seen` of `again`)."""

    schedule: Schedule
    rows: tuple[str, ...]
    seen: int
    again: int
    executions: int

    def text(self) -> str:
        """Describe it: what broke, how often, and the schedule."""
        broke = ", ".join(row.rpartition("/")[2] for row in self.rows)
        return f"{broke}: in {self.seen} of {self.again} executions of\n{shown(self.schedule)}"


def simulated(contract: Contract, simulator: Settings, vms: int = 2) -> Fresh:
    """Give a maker of fresh simulators with the same settings, each with a guarded target.

    They are alike down to the names of their objects, so the survey of the first one holds for all.
    """
    known: list[tuple[Facts, tuple[Ref, ...]]] = []

    @contextmanager
    def fresh() -> Iterator[RaceTestbed]:
        with SimulatorServer(simulator) as server:
            target = Target.open(server.url, secrets=secrets_of(LOOPBACK), recorder=Recorder())
            try:
                if known:
                    target.login(FULL, known[0][0].sessions[FULL], "account.full")
                else:
                    facts = survey_target(target, LOOPBACK, contract)
                    known.append((facts, fit(target, facts, vms)))
                facts, machines = known[0]
                target.guard_with(guard_of(target, LOOPBACK, contract, "", facts.others, actor=""))
                yield RaceTestbed(target, facts, machines)
            finally:
                target.close()

    return fresh


def execute(schedule: Schedule, testbed: RaceTestbed, hunt: Hunt) -> list[Operation]:
    """Let each client take its turns in a thread of its own; gives all operations in the order of their ends.

    Each customization gives a host name of its own, and every VM is read at the end.
    """
    turns: dict[int, list[tuple[int, Turn]]] = {}
    for place, turn in enumerate(schedule):
        turns.setdefault(turn.client, []).append((place, turn))
    failed: list[BaseException] = []
    gate = threading.Barrier(len(turns))

    def work(client: int) -> None:
        try:
            actor = f"client-{client + 1}"
            testbed.target.login(actor, testbed.facts.sessions[FULL], "account.full")
            gate.wait(hunt.patience)
            for place, turn in turns[client]:
                time.sleep(turn.wait * hunt.moment)
                _take(testbed, actor, place, turn, hunt.patience)
        except (HarnessError, threading.BrokenBarrierError) as error:
            failed.append(error)
            gate.abort()

    threads = [threading.Thread(target=work, args=(client,)) for client in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in failed:
        if isinstance(error, HarnessError):
            raise error
    for vm in testbed.machines:
        read(testbed.target, FULL, vm, STATE_PATHS, compact)
    return sorted(testbed.target.recorder.operations, key=attrgetter("end"))


def broken_by(schedule: Schedule, fresh: Fresh, hunt: Hunt, judged: Contract, *others: Contract) -> tuple[str, ...]:
    """Execute a schedule on a fresh server and name the guarantees that it broke."""
    with fresh() as testbed:
        operations = execute(schedule, testbed, hunt)
        facts = replace(testbed.facts, task_seconds=hunt.patience)
    return tuple(sorted({finding.row for finding in judge_concurrent(operations, facts, judged, *others).findings}))


def race(drawn: SearchStrategy[Schedule], fresh: Fresh, hunt: Hunt, judged: Contract, *others: Contract) -> Race | None:
    """Search for a schedule that breaks something, and shrink it; None if none was found."""
    until, count = time.monotonic() + hunt.seconds, 0
    known: dict[Schedule, tuple[str, ...]] = {}

    def breaks(schedule: Schedule) -> bool:
        """Whether a schedule breaks something; cached, as Hypothesis needs the same answer each time."""
        nonlocal count
        if schedule in known or time.monotonic() > until:
            return bool(known.get(schedule))
        known[schedule] = ()
        for _ in range(hunt.tries if any(known.values()) else 1):  # once each until one breaks, then with retries
            count += 1
            if rows := broken_by(schedule, fresh, hunt, judged, *others):
                known[schedule] = rows
                break
        return bool(known[schedule])

    quietly = settings(
        max_examples=hunt.examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with fixed_constants(), suppress(HypothesisException):  # none was found
        find(drawn, breaks, settings=quietly, random=Random(hunt.seed))  # noqa: S311 - no secret
    breaking = [schedule for schedule, rows in known.items() if rows]
    if not breaking:
        return None
    least = min(breaking, key=lambda schedule: (size(schedule), schedule))
    until += hunt.seconds / 2
    while shorter := next((candidate for candidate in _without_one(least) if breaks(candidate)), None):
        least = shorter
    again = [broken_by(least, fresh, hunt, judged, *others) for _ in range(hunt.again)]
    return Race(least, known[least], sum(map(bool, again)), hunt.again, count)


def _without_one(schedule: Schedule) -> Iterator[Schedule]:
    """Give each schedule that has one turn less."""
    if len(schedule) > 1:
        yield from (schedule[:place] + schedule[place + 1 :] for place in range(len(schedule)))


def _take(testbed: RaceTestbed, actor: str, place: int, turn: Turn, patience: float) -> None:
    """Make one call and follow its task to its end."""
    vm = testbed.machines[turn.vm]
    method, values = turn.method, {}
    manager = method in KINDS
    if manager:
        values = {"vm": vm.json(), "auth": accepted(testbed.facts.guests, may=True)}
    if KINDS.get(method) == CUSTOMIZE:
        identity = SMALLEST["identity"] | {"hostName": fixed_name(f"turn-{place + 1}")}
        values["spec"] = SMALLEST | {"identity": identity}
    call = Call(testbed.facts.manager if manager else vm, method, Arguments(values), actor)
    outcome = testbed.target.send(call, "judge" if manager else "arrange").outcome
    task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
    if task is not None:
        follow(testbed.target, actor, task, deadline_seconds=patience, poll=_POLL)


def fit(target: Target, facts: Facts, vms: int) -> tuple[Ref, ...]:
    """Choose VMs with one NIC, by name, that can be customized at once. Raises TargetError if there are too few."""
    chosen = [vm.ref for vm in customizable(target, facts) if vm.nics == 1]
    if len(chosen) < vms:
        raise TargetError(f"{target.url}: {len(chosen)} VMs could be customized at once, {vms} are needed")
    return tuple(chosen[:vms])
