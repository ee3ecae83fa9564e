"""Runs every planted defect, and every variant, at several seeds; prints the kill matrix and keeps it in KILLS.md.

`python -m tests.defects.kill_matrix [--seeds N] [NAME ...]`: with names, only those, and KILLS.md is left alone. A defect
must be found, by a run that gets no hint, within MAX_CALLS judged calls and MAX_SECONDS; a variant must be quiet. Defects that
only a history of DEEP calls shows are left to exploration and `--complete`, unless they are named.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from tests.windows import skipping
from vcontract._client import Recorder, Target
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load, names
from vcontract._run.conformance import run_conformance
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._simulator.defects import DEFECTS, Defect
from vcontract._simulator.defects.registry import MANAGER
from vcontract._simulator.variants import VARIANTS
from vcontract._terms import Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

FIXED_SEED = 1
RANDOM_SEEDS = (271828, 577215, 141421, 662607, 173205)  # drawn once, so that a failure can be repeated
SEEDS = (FIXED_SEED, *RANDOM_SEEDS)
MAX_CALLS, MAX_SECONDS, MEDIAN_CALLS = 1500, 30.0, 300
QUIET_CALLS = 550  # of a variant at the random seeds; at the fixed one it gets a whole run
WHOLE = 0  # no limit
LONGEST = 300.0  # seconds: with them a hung run ends, and is no kill
TOLD: dict[str, dict[str, Any]] = {  # what the configuration must say of a target for it to be right
    "guest-is-reported-late": {"staleness": 0.3},
    "application-makes-up-names": {"generator": True},
}
DEEP = 3
SHALLOW = tuple(
    name
    for name, each in DEFECTS.known.items()
    if isinstance(each, Defect) and each.steps < DEEP and not each.concurrent  # one client does not see those
)
KILLS = Path(__file__).with_name("KILLS.md")


@dataclass(frozen=True)
class Shot:
    """One run against one defect or variant: its verdict, what was found first, after how many calls and seconds."""

    name: str
    seed: int
    verdict: str
    calls: int
    seconds: float
    row: str = ""
    grade: str = ""
    says: str = ""
    stuck: bool = False

    @property
    def found(self) -> bool:
        """Whether the run found a violation within the limit of calls."""
        return self.verdict == "violates" and self.calls <= MAX_CALLS

    @property
    def killed(self) -> bool:
        """Whether it did so within the limit of time, too; a task is stuck after the operator's time, twice when confirmed."""
        patience = 2 * EMBEDDED.task_seconds if self.stuck else 0.0
        return self.found and self.seconds <= MAX_SECONDS + patience


def contract_of(name: str) -> str:
    """Name the contract of the row that a defect breaks; what breaks every method's is tried with the manager's."""
    row = getattr(DEFECTS.known.get(name), "row", "")
    told = str(row).partition("/")[0]
    return told if told in names() else MANAGER


def shoot(name: str, seed: int, *, variant: bool = False, calls: int = 0) -> Shot:
    """Run a conformance run against a simulator with one defect, or one variant, until its first violation.

    `calls` limits the judged calls (0: as the matrix does).
    """
    config: Any = structs.replace(EMBEDDED, **TOLD.get(name, {}))
    chosen = frozenset({name} if name else ())
    settings = skipping(seed=seed)
    settings = replace(settings, variants=chosen) if variant else replace(settings, defects=chosen)
    limit = (WHOLE if seed == FIXED_SEED else QUIET_CALLS) if variant else MAX_CALLS
    options = RunRequest(
        seed=seed,
        max_calls=calls or limit,
        time_limit=LONGEST,
        shrink=Budget(attempts=0, seconds=0.0),
        stop_at_first=True,
    )
    with SimulatorServer(settings) as simulator:
        target = Target.open(simulator.url, recorder=Recorder(), secrets=secrets_of(config))
        began = time.monotonic()
        try:
            found = run_conformance(StartedRun(Site(target, load(contract_of(name)), config, options)))
        finally:
            target.close()
    seconds = time.monotonic() - began
    first = min(found.findings, key=lambda each: each.op, default=None)
    broken = next((each for each in found.rows if each.verdict is Verdict.VIOLATES), None)
    until = first.op if first else float("inf")
    calls = sum(each.purpose == "judge" and each.op <= until for each in target.recorder.operations)
    row, grade = (first.row, str(first.grade)) if first else (broken.id, "row") if broken else ("", "")
    unsure = [f"{each.id}: {each.reason}" for each in found.rows if each.verdict is not Verdict.CONFORMS]
    says = f"{first.cell}: {first.observed}, {first.detail}" if first else "; ".join(unsure)
    stuck = first is not None and first.observed.startswith("stuck")
    return Shot(name, seed, str(found.verdict), calls, seconds, row, grade, says, stuck)


def _shoot(order: tuple[str, int, bool]) -> Shot:
    name, seed, variant = order
    return shoot(name, seed, variant=variant)


def all_shots(defects: Iterable[str], variants: Iterable[str], seeds: Sequence[int], more: int = 0) -> list[Shot]:
    """Run every defect and variant at every seed, on all cores; with `more`, as many at once beyond those.

    A run waits for a quarter of its time: what has no limit of time may be done while another one does.
    """
    orders = [(name, seed, False) for name in defects for seed in seeds]
    orders += [(name, seed, True) for name in variants for seed in seeds]
    shots = []
    with multiprocessing.get_context("spawn").Pool((os.cpu_count() or 1) + more) as pool:
        for shot in pool.imap_unordered(_shoot, orders):
            shots.append(shot)
            good = shot.killed if shot.name in DEFECTS.known else shot.verdict == "conforms"
            with suppress(BrokenPipeError):
                told = shot.says if shot.name not in DEFECTS.known or not good else f"{shot.row} {shot.grade}"
                print(  # noqa: T201 - a script talks
                    f"{'  ' if good else '! '}{shot.name} seed {shot.seed}: {shot.verdict},"
                    f" {shot.calls} calls, {shot.seconds:.1f} s. {told}",
                    flush=True,
                )
    return shots


def table(shots: Sequence[Shot], seeds: Sequence[int]) -> str:
    """Write the kill matrix as Markdown: a line for each defect, the worst of its seeds."""
    lines = [
        "# Kill matrix",
        "",
        f"Written by `make defects`: each planted defect against plain runs at seeds {', '.join(map(str, seeds))}.",
        "",
        "In how many it is found, row and grade of the first finding at the first seed, judged calls (median, most), seconds.",
        "",
        "| defect | breaks | found | row | grade | calls | most | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_name: dict[str, list[Shot]] = {}
    for each in sorted(shots, key=lambda shot: (shot.name, shot.seed != FIXED_SEED, shot.seed)):
        by_name.setdefault(each.name, []).append(each)
    for name, mine in by_name.items():
        killed = [each for each in mine if each.killed]
        shown = killed[0] if killed else mine[0]
        calls = [each.calls for each in mine]
        lines.append(
            f"| {name} | {_short(DEFECTS.known[name].row)} | {len(killed)}/{len(mine)} | {_short(shown.row)} "  # type: ignore[attr-defined] # the catalogue of defects holds defects
            f"| {shown.grade} | {statistics.median(calls):g} | {max(calls)} | {max(each.seconds for each in mine):.1f} |"
        )
    found = [each.calls for each in shots if each.killed]
    median = statistics.median(found) if found else float("nan")
    lines += ["", f"{len(by_name)} defects, {len(found)} of {len(shots)} runs found theirs, median {median:g} calls."]
    return "\n".join(lines) + "\n"


def _short(row: str) -> str:
    return row.removeprefix(f"{MANAGER}/")


def main(arguments: Sequence[str]) -> int:
    """Run all, or the named; gives the exit code: 0 if every defect was found and every variant quiet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a defect or a variant; none: all")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many of the seeds, the fixed one first")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--defects-only", action="store_true", help="leave the variants out")
    only.add_argument("--variants-only", action="store_true", help="leave the defects out, and KILLS.md alone")
    given = parser.parse_args(arguments)
    seeds = SEEDS[: given.seeds]
    defects = [each for each in (DEFECTS.known if given.names else SHALLOW) if not given.names or each in given.names]
    variants = [each for each in VARIANTS.known if not given.names or each in given.names]
    hit = [] if given.variants_only else all_shots(defects, (), seeds)
    if hit:
        text = table(hit, seeds)
        if not given.names:
            KILLS.write_text(text, "utf-8")
        print(text, flush=True)  # noqa: T201 - a script talks
    loud = [] if given.defects_only else all_shots((), variants, seeds, more=1)
    bad = [each for each in hit if not each.killed] + [each for each in loud if each.verdict != "conforms"]
    if loud:
        quiet = sum(each.verdict == "conforms" for each in loud)
        print(f"{len(variants)} variants, {quiet} of {len(loud)} runs were quiet.")  # noqa: T201 - same
    for each in bad:
        print(f"{each.name} at seed {each.seed}: {each.verdict}. {each.says}")  # noqa: T201 - same
    slow = bool(hit) and statistics.median(each.calls for each in hit) > MEDIAN_CALLS
    return 1 if bad or slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
