"""Runs defects with shrinking, and tells what their findings are called; with `python -m`, of all that are named."""

from __future__ import annotations

import multiprocessing
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from msgspec import structs

from tests.windows import skipping
from vcontract._client import Recorder, Target
from vcontract._config.request import RunRequest
from vcontract._contract import load, names
from vcontract._report.result import RunResult
from vcontract._run.conformance import replay_finding, run_conformance
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._simulator.defects import DEFECTS, Defect
from vcontract._simulator.defects.registry import MANAGER
from vcontract._terms import Finding, Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

CONFIRM = 3
DEEP = 3
TWENTY = tuple(random.Random(2026).sample(sorted(DEFECTS.known), 20))  # noqa: S311 - a sample, no secret


@dataclass(frozen=True)
class Told:
    """What a run said of some defects: the ids that last, rows that raced or have no finding, replays that show nothing."""

    names: tuple[str, ...]
    seed: int
    verdict: str
    ids: dict[str, str] = field(default_factory=dict)
    provisional: tuple[str, ...] = ()
    raced: tuple[str, ...] = ()
    rows_alone: tuple[str, ...] = ()
    not_replayed: tuple[str, ...] = ()


def seen_by_one_client(name: str) -> bool:
    """Whether a plain run of one client can see a defect: it takes no exploration, and no other client at the same time."""
    known = DEFECTS.known[name]
    return isinstance(known, Defect) and not known.concurrent and known.steps < DEEP


def run_with(
    names_: Iterable[str], seed: int, confirm: int = 1, *, replayed: bool = False, **asked: object
) -> tuple[RunResult, Told]:
    """Run against a simulator with these defects; `asked` are fields of the request. With `replayed` all is sent again."""
    chosen = tuple(names_)
    told = str(getattr(DEFECTS.known[chosen[0]], "row", "")).partition("/")[0]
    contract = load(told if told in names() else MANAGER)
    config = structs.replace(EMBEDDED, confirm=confirm)
    request = RunRequest(seed=seed, **asked)  # type: ignore[arg-type] # fields of the request

    def done(finding: Finding | None = None) -> RunResult:
        """Make the run, or send a finding again, to a server that nobody has spoken to."""
        with SimulatorServer(replace(skipping(seed=seed), defects=frozenset(chosen))) as simulator:
            target = Target.open(simulator.url, recorder=Recorder(), secrets=secrets_of(config))
            try:
                started = StartedRun(Site(target, contract, config, request))
                return run_conformance(started) if finding is None else replay_finding(started, finding)
            finally:
                target.close()

    result = done()
    lasting = [each for each in result.findings if not each.provisional]
    silent = [each.id for each in lasting if replayed and each.id not in {one.id for one in done(each).findings}]
    return result, Told(
        chosen,
        seed,
        str(result.verdict),
        {each.id: _line(each) for each in lasting},
        tuple(_line(each) for each in result.findings if each.provisional),
        tuple(row.id for row in result.rows if "raced: seen in" in row.reason),
        tuple(row.id for row in result.rows if row.verdict is Verdict.VIOLATES and not _breaking(result, row.id)),
        tuple(silent),
    )


def _breaking(result: RunResult, row: str) -> bool:
    return any(finding.breaks(row) for finding in result.findings)


def _line(finding: Finding) -> str:
    reasons = "; ".join(finding.reasons)
    return f"{finding.row.partition('/')[2]} {finding.grade}: {finding.observed} [{reasons}] {finding.repeats}"


def _told(order: tuple[str, int]) -> Told:
    name, seed = order
    return run_with([name], seed, CONFIRM, replayed=True)[1]


def told_of(orders: Sequence[tuple[str, int]], processes: int) -> list[Told]:
    """Run each defect at its seed, `CONFIRM` times each violation, each finding sent again; prints what comes."""
    found = []
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for told in pool.imap_unordered(_told, orders):
            found.append(told)
            print(f"{told.names[0]} seed {told.seed}: {told.verdict}", flush=True)  # noqa: T201 - a list that takes hours
            for id_, line in told.ids.items():
                print(f"  {id_} {line}", flush=True)  # noqa: T201 - the same
            for what in ("provisional", "raced", "rows_alone", "not_replayed"):
                for line in getattr(told, what):
                    print(f"  {what}: {line}", flush=True)  # noqa: T201 - the same
    return found


if __name__ == "__main__":
    told_of([(name, 1) for name in sys.argv[1:] or DEFECTS.known if seen_by_one_client(name)], 1)
