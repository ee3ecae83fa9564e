"""`vcontract run --dry-run`: what a run would send, to which VMs, how often and how long; nothing but reads is sent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vcontract._client import Recorder
from vcontract._config.request import RunRequest
from vcontract._config.risk import told as told_of
from vcontract._errors import UsageError
from vcontract._model.moves import DISTURBANCES, MOVES, On
from vcontract._model.state import HOST_LOST
from vcontract._proof.proof import prepared
from vcontract._report.safe_text import console_json, one_line
from vcontract._run.active_run import begin, set_out
from vcontract._run.estimates.estimate import Estimate, estimated
from vcontract._run.plan import Step
from vcontract._run.preparation import PLAIN, Preparation, context_of
from vcontract._run.risk.planning import plan_within_risk
from vcontract._run.start import configured, contract_of, opened
from vcontract._strategies.programs import LENGTH
from vcontract._testbed import Site, Testbed, host_names, surveyed

_CAST = "3 to 5"
_EACH = 5
"""About how many requests a move of a random program, or of a proof, takes with its reads; as measured on the simulator."""


class Rehearsal(msgspec.Struct, frozen=True):
    """What a run would do.

    `judged` counts by VM and method the steps, `arranging` by method the calls that bring VMs into states; `hosts` may be
    disconnected, `clones` VMs are made and destroyed. `estimate` gives calls, requests, arrangements and time as ranges; None:
    there is no plan. `more` says what the run does beside its plan.
    """

    url: str
    judged: dict[str, dict[str, int]]
    arranging: dict[str, int]
    hosts: list[str]
    clones: int
    estimate: Estimate | None
    more: list[str] = []

    def text(self) -> list[str]:
        """Give it in lines."""
        lines = [f"{self.url}: nothing but reads is sent now; the run would send"]
        if self.judged:
            total = sum(sum(counts.values()) for counts in self.judged.values())
            lines += [f"{total} steps, each a call to be judged, on {len(self.judged)} VMs"]
            lines += [f"  {vm}: {_listed(methods)}" for vm, methods in self.judged.items()]
            lines += [f"to arrange states, at the most: {_listed(self.arranging)}"]
            lines += [f"{self.clones} instant clones are made and destroyed, more for each finding that is cut down"]
        lines += [f"host {host} is disconnected and reconnected" for host in self.hosts]
        lines += self.estimate.text() if self.estimate is not None else []
        return [*lines, *self.more, "nothing was changed"]


def rehearsed(site: Site) -> Rehearsal:
    """Survey and plan as a run does, and count instead of doing. Raises HarnessError as a run does before it begins."""
    beginning = begin(site)
    testbed, planned = set_out(site, surveyed(beginning.asked(site), clones=False), plan_within_risk)
    request = site.request
    risk = [told_of(request.risk)] if request.risk else []
    steps = [] if request.explore_only else planned.plan.steps[: request.max_calls or None]
    if request.complete is not None:
        proof = prepared(site.contract, site.config, request)
        more = [*risk, *proof.text(), f"about {proof.calls * _EACH} requests"]
        return Rehearsal(site.target.url, {}, {}, _hosts(testbed, [], lost=bool(request.explore)), 0, None, more)
    estimate, walk = estimated(testbed, steps, claims=True)
    judged = {name: dict(walk.judged[name]) for name in sorted(walk.judged)}
    more = risk
    if request.explore:
        moves = request.explore * LENGTH
        programs = f"{request.explore} random programs of {LENGTH} moves, each on {_CAST} instant clones of its own"
        more = [*risk, f"{programs}: about {moves * _EACH} requests more"]
    hosts = _hosts(testbed, steps, lost=bool(request.explore))
    made = estimate if steps else None
    arranging = dict(sorted(walk.moves.items()))
    return Rehearsal(site.target.url, judged, arranging, hosts, walk.moves[MOVES["fork"].method], made, more)


def _hosts(testbed: Testbed, steps: Sequence[Step], *, lost: bool) -> list[str]:
    """Name the hosts that are disconnected for some steps, or `lost` anyway."""
    lost = lost or any(step.cell is not None and step.cell.state.connection in HOST_LOST for step in steps)
    lost = lost or any(step.disturb and DISTURBANCES[step.disturb].on is On.HOST for step in steps)
    names = host_names(testbed.site.target, testbed.driver.facts) if lost else {}
    return sorted(names[host] for host in testbed.lane.selection.hosts) if lost else []


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


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {method}" for method, count in counts.items() if count)
