"""`vcontract run --dry-run`: what a run would send, to which VMs, how often and how long; nothing but reads is sent."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from statistics import median

import msgspec

from vcontract.client import Recorder
from vcontract.config.request import RunRequest
from vcontract.errors import UsageError
from vcontract.model import State
from vcontract.model.moves import DISTURBANCES, MOVES, Move, On
from vcontract.model.state import CUSTOMIZE, EXCLUSIVE, HOST_LOST, OFF, SUSPENDED
from vcontract.proof.proof import prepared
from vcontract.report.safe_text import console_json, one_line
from vcontract.run.active_run import begin, set_out
from vcontract.run.plan import Plan, Step
from vcontract.run.planning import plan_whole_run
from vcontract.run.preparation import PLAIN, Preparation, context_of
from vcontract.run.start import configured, contract_of, opened
from vcontract.strategies.programs import LENGTH
from vcontract.testbed import NotArrangedError, Site, Testbed, host_names, surveyed
from vcontract.workers.shares import wanted

READS = 4
"""About how many reads go with a call, as measured on the simulator."""
_CAST = "3 to 5"


class Rehearsal(msgspec.Struct, frozen=True):
    """What a run would do.

    `judged` counts by VM and method the calls under test, `arranging` by method about how many bring VMs into states;
    `hosts` may be disconnected, `clones` VMs are made and destroyed. `seconds` is the least that it takes.
    """

    url: str
    judged: dict[str, dict[str, int]]
    arranging: dict[str, int]
    hosts: list[str]
    clones: int
    requests: int
    seconds: float
    more: list[str] = []

    def text(self) -> list[str]:
        """Give it in lines."""
        lines = [f"{self.url}: nothing but reads is sent now; the run would send"]
        if self.judged:
            total = sum(sum(counts.values()) for counts in self.judged.values())
            lines += [f"{total} calls to be judged, on {len(self.judged)} VMs"]
            lines += [f"  {vm}: {_listed(methods)}" for vm, methods in self.judged.items()]
            lines += [f"about {sum(self.arranging.values())} calls to arrange states: {_listed(self.arranging)}"]
            lines += [f"{self.clones} instant clones are made and destroyed, more for each finding that is cut down"]
        lines += [f"host {host} is disconnected and reconnected" for host in self.hosts]
        lines += self.more
        return [
            *lines,
            f"about {self.requests} requests; at least {self.seconds:.0f} s, and what the target needs for its tasks",
            "nothing was changed",
        ]


def rehearsed(site: Site) -> Rehearsal:
    """Survey and plan as a run does, and count instead of doing. Raises HarnessError as a run does before it begins."""
    beginning = begin(site)
    testbed, planned = set_out(site, surveyed(beginning.asked(site), clones=False), plan_whole_run)
    lane, request = testbed.lane, site.request
    judged: dict[str, Counter[str]] = {}
    arranging: Counter[str] = Counter()
    standing: dict[str, State] = {}
    clones = 0
    steps = [] if request.explore_only else planned.plan.steps[: request.max_calls or None]
    for step in steps:
        state, on_host, nics = wanted(step, testbed.caller)
        vm = "none"
        with suppress(NotArrangedError):
            vm = lane.selection.choose(state, on_host=on_host, nics=nics).name
        judged.setdefault(vm, Counter())[step.cell.method if step.cell else step.method] += 1
        disturbance = DISTURBANCES.get(step.disturb)
        clones += (disturbance is not None and disturbance.ends_vm) or step.prior == "onClone"
        if standing.get(vm) != state:
            arranging.update(_calls(state, standing.get(vm, State())))
        standing[vm] = state
        arranging.update(_disturbing(disturbance) if disturbance is not None else ())
    clones += any(step.cell is not None and not step.cell.state.exists for step in steps)
    arranging.update({MOVES["fork"].method: clones, MOVES["destroy"].method: clones})
    return _summed(
        testbed, planned.plan, {name: dict(judged[name]) for name in sorted(judged)}, arranging, clones, steps
    )


def _summed(
    testbed: Testbed,
    plan: Plan,
    judged: dict[str, dict[str, int]],
    arranging: Counter[str],
    clones: int,
    steps: list[Step],
) -> Rehearsal:
    site, facts = testbed.site, testbed.driver.facts
    request = site.request
    calls = len(steps) + sum(arranging.values())
    took = median([operation.end - operation.start for operation in site.target.recorder.operations])
    lost = any(step.cell is not None and step.cell.state.connection in HOST_LOST for step in steps)
    lost = lost or any(step.disturb and DISTURBANCES[step.disturb].on is On.HOST for step in steps)
    more = []
    if request.explore:
        calls += request.explore * LENGTH
        more = [f"{request.explore} random programs of {LENGTH} moves, each on {_CAST} instant clones of its own"]
    if request.complete is not None:
        judged, arranging, clones, lost = {}, Counter(), 0, False
        proof = prepared(site.contract, site.config, request)
        calls, more = proof.calls, proof.text()
    names = host_names(site.target, facts)
    hosts = sorted(names[host] for host in testbed.lane.selection.hosts) if lost or request.explore else []
    requests = calls * (1 + READS)
    settling = plan.arrangements * facts.staleness
    return Rehearsal(
        site.target.url, judged, dict(sorted(arranging.items())), hosts, clones, requests,
        requests * took + settling, more,
    )  # fmt: skip


def told(request: RunRequest, preparation: Preparation = PLAIN) -> str:
    """Tell what a run would do, as text or, if it asks for that, as JSON. Raises HarnessError."""
    rehearsal = rehearse(request, preparation)
    if request.output == "json":
        return console_json(msgspec.json.encode(rehearsal).decode())
    return "\n".join(map(one_line, rehearsal.text()))


def rehearse(request: RunRequest, preparation: Preparation = PLAIN) -> Rehearsal:
    """Count what a run would do. Raises HarnessError."""
    if preparation.interrupted is not None:
        raise UsageError("--dry-run tells of a whole run; leave --resume out")
    contract, config = contract_of(request), configured(request, preparation)
    with opened(request, preparation, config, Recorder()) as target:
        return rehearsed(Site(target, contract, config, request, context_of(preparation)))


def _calls(want: State, now: State) -> list[str]:
    """Name the calls that bring a VM from one state into another, about."""
    power = {OFF: "powerOff", SUSPENDED: "suspend"}.get(want.power, "powerOn")
    guest = "customize" if want.running == CUSTOMIZE else "startNetwork"
    needed = {
        "hostBack": now.connection in HOST_LOST,
        "markAsVirtualMachine": now.template and not want.template,
        power: want.power != now.power,
        "markAsTemplate": want.template and not now.template,
        "reset": want.tools == "starting" or (now.tools == "stopped" and want.tools == "ready"),
        "stopTools": want.tools == "stopped" != now.tools,
        "restoreEngine": want.engine != now.engine,
        "orphanLock": want.orphaned and not now.orphaned,
        "abort": now.orphaned and not want.orphaned,
        "customizeNextBoot": want.pending and not now.pending,
        "hostLost": want.connection in HOST_LOST,
        "snapshot": want.running == EXCLUSIVE,
        "removeSnapshot": want.running == EXCLUSIVE,
        guest: want.running not in {"", EXCLUSIVE},
    }
    return list(dict.fromkeys(MOVES[name].method for name, so in needed.items() if so))


def _disturbing(move: Move) -> list[str]:
    """Name the calls of a disturbance; a session that is to end is opened first."""
    return [MOVES["logIn"].method, move.method] if move.on is On.SESSION else [move.method]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {method}" for method, count in counts.items() if count)
