"""The disturbances of a stress run: the process on the path, the session that disturbs the system, and their notes."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from msgspec.structs import replace

from vcontract._client import Target
from vcontract._client.marks import options
from vcontract._client.properties import read
from vcontract._config.config import address_of
from vcontract._disturbances.network.catalogue import NETWORK
from vcontract._disturbances.planned import Fired, Planned, unfired
from vcontract._disturbances.proxy import Proxy
from vcontract._disturbances.scenario import load_scenario, schedule
from vcontract._disturbances.schedule_runner import ScheduleRunner
from vcontract._disturbances.system.catalogue import SYSTEM
from vcontract._disturbances.system.disturbance import Lever, NotStruckError, StrikeContext
from vcontract._disturbances.system.expired_session import Logins
from vcontract._errors import UsageError
from vcontract._history import DISTURBED
from vcontract._model import Lever as Line
from vcontract._model.moves import MOVES
from vcontract._run.start import configured
from vcontract._strategies import auth
from vcontract._stress.brief import Brief
from vcontract._stress.crew import Crew
from vcontract._terms import Arguments, Call, Json, Ref, Returned, as_ref
from vcontract._testbed import FULL, host_names, lost_hosts

_CALM = 1000
"""The factor of the answers that may be lost in a row before the target counts as gone."""
_DESTROYED = "vm-destroyed"
_STOPPING, _TICK = 0.1, 0.05
"""Seconds after which a server that restarts has stopped, and those between two checks whether it serves again."""


class Disturbing:
    """One scenario in one process: `prepare` it, `begin` with the load, `end` after it, then `strikes` gives what struck."""

    def __init__(
        self, scenario: str, planned: Sequence[Planned], path: Proxy | None, seed: int, simulator: int
    ) -> None:
        self.scenario, self.planned = scenario, tuple(planned)
        self._path, self._seed, self._simulator = path, seed, simulator
        self._logins: Logins | None = None
        self._runner: ScheduleRunner | None = None
        self._before = 0.0

    def hear(self, target: Target) -> None:
        """Listen to the logins from the first one on, and accept many more lost answers from the target."""
        self._logins = Logins(target.recorder)
        target.expect_losses(_CALM)

    def prepare(self, crew: Crew) -> None:
        """Find what can be struck. Raises UsageError if a disturbance of the scenario cannot strike anything."""
        crew.expect_losses()
        context = self._context(crew)
        for disturbance in {
            disturbance.name: disturbance for disturbance in self.planned if disturbance.name in SYSTEM
        }.values():
            kind = SYSTEM[disturbance.name]
            lacking = next((need for need in kind.needs if need not in crew.config.allow), "")
            why = f"the configuration does not allow {lacking}" if lacking else kind().lacks(context)
            if why:
                raise UsageError(f"--disturb {self.scenario}: {disturbance.name}: {why}")
        recorder = crew.target.recorder
        self._before = time.monotonic() - recorder.now()
        self._recorder, self._struck = recorder, context
        self._runner = ScheduleRunner(self.planned, context, self._seed, self._note)

    def begin(self) -> None:
        """Start the schedule."""
        zero = self._path.begin() if self._path else None
        if self._runner is not None:
            self._runner.begin(zero)

    def end(self) -> None:
        """End the schedule, heal what was disturbed, and destroy the spare clones."""
        if self._path is not None:
            self._path.calm()
        if self._runner is not None:
            self._runner.stop()
        for vm in self._struck.spare:
            with suppress(NotStruckError):
                self._struck.do(vm, MOVES["powerOff"].method)
                self._struck.do(vm, MOVES["destroy"].method)

    def strikes(self) -> tuple[dict[str, int], list[str]]:
        """Write the strikes on the path into the history; gives the strikes by name, and what is left open, a line each."""
        path = self._path.events() if self._path else ()
        for strike in path:
            self._note(
                {"what": "struck", "name": strike.name, "place": strike.place, "time": strike.time, **strike.facts}
            )
        fired: list[Fired] = [*path, *(self._runner.events() if self._runner else ())]
        open_ = [
            f"{missed.name}, planned for {missed.start:.1f} s, never struck" for missed in unfired(self.planned, fired)
        ]
        return dict(Counter(strike.name for strike in fired)), [
            *open_,
            *(self._runner.unhealed if self._runner else ()),
        ]

    def _note(self, facts: dict[str, Json]) -> None:
        """Write a note into the history, with its times by the recorder's clock: the strike `at`, its request `asked`."""
        times = {"at": facts["time"], "asked": facts.get("received", facts["time"])}
        self._recorder.observed(DISTURBED, facts | {name: moment - self._before for name, moment in times.items()})

    def _context(self, crew: Crew) -> StrikeContext:
        target, facts = crew.target, crew.facts
        allowed = crew.config.hosts if "host" in crew.config.allow else ()
        named = [moid for moid, name in host_names(target, facts).items() if name in allowed]
        hosts, kept = lost_hosts(target, crew.guard, named)
        context = StrikeContext(
            target,
            FULL,
            vms=tuple(crew.machines),
            hosts=tuple(Ref("HostSystem", moid) for moid in sorted(hosts)),
            kept=kept,
            sessions=self._logins or {},
            levers=_levers(crew),
            restart=_restart(target, self._simulator, crew.patience) if self._simulator else None,
            patience=crew.patience,
        )
        if any(disturbance.name == _DESTROYED for disturbance in self.planned):
            return dataclasses.replace(context, spare=(_clone(crew, context),))
        return context


def _restart(target: Target, simulator: int, patience: float) -> Callable[[], None]:
    """Make a function that restarts the service of this run's simulator, and returns once that answers."""

    def restart() -> None:
        os.kill(simulator, signal.SIGHUP)
        time.sleep(_STOPPING)
        instance, until = Ref("ServiceInstance", "ServiceInstance"), time.monotonic() + patience
        while not isinstance(target.send(Call(instance, "CurrentTime", Arguments({}), FULL)).outcome, Returned):
            if time.monotonic() > until:
                raise NotStruckError(f"the server did not come back within {patience:g} s")
            time.sleep(_TICK)

    return restart


def _clone(crew: Crew, context: StrikeContext) -> Ref:
    """Make an instant clone that may be destroyed, and let the clients work on it too. Raises UsageError."""
    parent = crew.machines[0]
    run = crew.run
    spec = {
        "_typeName": "VirtualMachineInstantCloneSpec",
        "name": f"{crew.facts.vms[parent.value].name}-vcontract-spare-{run}",
        "location": {"_typeName": "VirtualMachineRelocateSpec"},
        "config": options(owner=crew.config.owner, run=run),
    }
    try:
        child = as_ref(context.do(parent, MOVES["fork"].method, spec=spec))
    except NotStruckError as error:
        raise UsageError(f"--disturb: {_DESTROYED} needs a clone: {error}") from error
    if child is None:
        raise UsageError(f"--disturb: {_DESTROYED} needs a clone, and InstantClone_Task gave none")
    crew.add_machine(replace(crew.facts.vms[parent.value], ref=child, name=spec["name"]))
    return child


def _levers(crew: Crew) -> dict[str, Lever]:
    """Make the calls that act in a guest, by the name of their lever."""
    target, login = crew.target, auth.accepted(crew.facts.guests, may=True)
    processes = None
    if "guestOperationsManager" in target.content:
        done = read(target, FULL, target.manager("guestOperationsManager"), ["processManager"])
        values = done.outcome.value if isinstance(done.outcome, Returned) else None
        processes = as_ref((values or {}).get("processManager"))

    def lever(line: Line) -> Lever | None:
        if line.extra_config:
            return lambda vm, actor: Call(vm, MOVES["reconfigure"].method, Arguments({"spec": line.spec()}), actor)
        if processes is None or login is None:
            return None
        spec = {"_typeName": "GuestProgramSpec", "programPath": line.program, "arguments": line.arguments}
        return lambda vm, actor: Call(
            processes, MOVES[line.does].method, Arguments({"vm": vm.json(), "auth": login, "spec": spec}), actor
        )

    levers = {line.does: lever(line) for line in crew.facts.levers}
    return {name: maker for name, maker in levers.items() if maker is not None}


@contextmanager
def disturbed(brief: Brief) -> Iterator[tuple[Brief, Disturbing | None]]:
    """Start what disturbs the path to the target, if the load names a scenario; gives the brief that uses that path.

    Raises UsageError for an unknown scenario, or one that cannot disturb this path.
    """
    if not brief.load.disturb:
        yield brief, None
        return
    seed = brief.request.seed + brief.load.share[0]
    scenario = load_scenario(brief.load.disturb)
    planned = schedule(scenario, seed, brief.load.seconds)
    if not any(disturbance.name in NETWORK for disturbance in planned):
        yield brief, Disturbing(scenario.name, planned, None, seed, brief.simulator)
        return
    config = configured(brief.request, brief.preparation())
    if config.proxy:
        raise UsageError(
            f"--disturb {scenario.name}: its own proxy would stand where the configuration has {config.proxy}"
        )
    with Proxy(address_of(brief.request, config), planned, seed) as path:
        yield replace(brief, proxy=path.tunnel), Disturbing(scenario.name, planned, path, seed, brief.simulator)
