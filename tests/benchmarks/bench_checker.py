"""Measures the search for a legal order, beside a Wing-Gong-Lowe search and beside Porcupine; writes into RESULTS.md.

Run it by `make bench` on a machine that does nothing else; `--quick` leaves out what takes minutes. An operation is what oracle
section E calls one: the acceptance of a task, its end, a refused call, a read. Times are those of the processor; beside
Porcupine, which may use several, those of the clock. The ratios travel from machine to machine, the times do not.
"""

from __future__ import annotations

import argparse
import importlib
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from vcontract._check.concurrent import judge_concurrent
from vcontract._check.linearizable import Answer, Steps, linearize
from vcontract._check.vm_steps import END, TAKE
from vcontract._contract import load
from vcontract._history import FACTS, stream
from vcontract._model import facts_of
from vcontract._terms import Observed, Operation

HERE = Path(__file__)
# the judges and the histories of the tests, and what these share
sys.path[:0] = [str(HERE.parents[1] / "check"), str(HERE.parents[2])]
CLIENTS, HISTORIES, MACHINE, SPECIFICATION, WGL, PORCUPINE = (
    importlib.import_module(each)
    for each in ("clients", "histories", "step_chains", "specification", "wgl", "porcupine")
)
write_section = importlib.import_module("sections").write_section  # the files beside this one
LONGER = importlib.import_module("longer")
MANAGER = "VirtualMachineGuestCustomizationManager"
HASTE = 0.95
GIB = 1 << 30


def searched(machine: Any, steps: Steps, rounds: int = 1) -> float:
    """Give the seconds that a search takes, the least of some rounds."""
    return min(spent(lambda: linearize(machine.numbered.table, 1, steps)) for _ in range(rounds))


def spent(action: Callable[[], object]) -> float:
    """Give the seconds of the processor that an action takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def history(machine: Any, clients: int, operations: int, *, seed: int = 1) -> Any:
    """Make a valid history of one VM."""
    made = HISTORIES.History(machine.numbered.table, 0, clients, Random(seed), machine.veto, HASTE)  # noqa: S311 - no secret
    assert made.grow(operations, machine.choose) == operations
    return made


def counted(machine: Any, steps: Steps) -> int:
    """Count the operations of a history: that a task takes hold is none, its end is one."""
    return sum(machine.kinds[kind].role != TAKE for kind in steps.kinds)


def planted(machine: Any, steps: Steps) -> Steps:
    """Plant a violation nine tenths of the way, or soon before: a customization ends, and none can have begun."""
    roles, limit = [machine.kinds[kind].role for kind in steps.kinds], len(steps.events) * 9 // 10
    held, place = set[int](), 0
    for index, event in enumerate(steps.events[:limit]):
        if event & 1:
            held.discard(event >> 1)
        elif roles[event >> 1] in {TAKE, END}:
            held.add(event >> 1)
        if not held:  # one that may be running would end in its place
            place = index + 1
    assert place > limit * 0.95
    end, number = next(number for number, step in enumerate(machine.kinds) if step.role == END), len(steps.kinds)
    events = (*steps.events[:place], 2 * number, 2 * number + 1, *steps.events[place:])
    return Steps((*steps.kinds, end), (*steps.before, -1), events)


def speeds(machine: Any, *, quick: bool) -> Iterator[str]:
    """Measure one VM with some clients, and beside it the other search, as far as that gets."""
    yield "| history | operations | operations/s | goal | Wing-Gong-Lowe, operations/s | ratio |"
    yield "|---|---|---|---|---|---|"
    for clients, size, goal in (
        (2, 10_000, 0),
        (8, 1_000, 0),
        (8, 10_000, 0),
        (8, 100_000, 100_000),
        (16, 20_000, 30_000),
    ):
        steps = history(machine, clients, size // 10 if quick else size).steps()
        count = counted(machine, steps)
        assert linearize(machine.numbered.table, 1, steps).answer is Answer.LEGAL
        speed = count / searched(machine, steps)
        other = ratio = "not tried"
        if clients < 16 and count < 20_000:
            beside = count / spent(partial(WGL.legal, machine.numbered.table, 1, steps))
            other, ratio = f"{beside:,.0f}", f"{speed / beside:.1f}"
        yield f"| {clients} clients on one VM | {count:,} | {speed:,.0f} | {_met(speed, goal)} | {other} | {ratio} |"
    several = [history(machine, 2, 2_000 if quick else 12_500, seed=seed).steps() for seed in range(8)]
    count = sum(counted(machine, each) for each in several)
    speed = count / spent(lambda: [linearize(machine.numbered.table, 1, each) for each in several])
    yield f"| 16 clients on 8 VMs | {count:,} | {speed:,.0f} | {_met(speed, 200_000)} | not tried | not tried |"


def _met(speed: float, goal: float) -> str:
    return f"{goal:,}: {'met' if speed >= goal else '**missed**'}" if goal else ""


def beside_porcupine(machine: Any, *, quick: bool) -> Iterator[str]:
    """Measure the same histories by Porcupine, in turn: its own process, our model as tables, partitioned by VM."""
    yield ""
    if not PORCUPINE.PROGRAM.exists():
        yield "Beside Porcupine: not measured, for build/porcupine was not built (make test-deps)."
        return
    yield "| history | operations | operations/s | Porcupine, operations/s | ratio | goal |"
    yield "|---|---|---|---|---|---|"
    rows: list[tuple[str, list[Steps], float]] = []
    for clients, size in ((2, 1_000), (8, 1_000), (2, 10_000), (8, 10_000), (8, 100_000), (16, 10_000)):
        steps = history(machine, clients, size // 10 if quick else size).steps()
        rows.append((f"{clients} clients on one VM", [steps], 0.5 if size < 10_000 else 1))
    for size in (1_000, 12_500):
        several = [history(machine, 2, size // 10 if quick else size, seed=seed).steps() for seed in range(8)]
        rows.append(("16 clients on 8 VMs", several, 0.5))
    for size in (1_000, 10_000):
        steps = planted(machine, history(machine, 8, size // 10 if quick else size).steps())
        rows.append(("8 clients on one VM, with a violation", [steps], 0.5 if size < 10_000 else 1))
    with tempfile.TemporaryDirectory() as place:
        told = [steps for _, steps, _ in rows]
        with PORCUPINE.Porcupine(machine.numbered.table, 1, told, Path(place, "histories.json")) as judge:
            for number, row in enumerate(rows):
                yield _row_beside(machine, judge, number, *row)


def _row_beside(machine: Any, judge: Any, number: int, name: str, several: list[Steps], goal: float) -> str:
    """Judge one history by both, five times or until both together took a minute; the ratio is the median one."""
    count = sum(counted(machine, each) for each in several)
    ours, theirs, ratios = list[float](), list[float](), list[float]()
    while len(ours) < 5 and sum(ours) + sum(theirs) < 60:
        table = MACHINE.ChainModel().numbered.table  # nothing that an earlier round found out is used again
        start = time.perf_counter()
        answers = {linearize(table, 1, each).answer for each in several}
        ours.append(time.perf_counter() - start)
        answer, seconds = judge.judge(number, 60)
        assert answer is Answer.INCONCLUSIVE or answer is (
            Answer.ILLEGAL if Answer.ILLEGAL in answers else Answer.LEGAL
        )
        theirs.append(math.inf if answer is Answer.INCONCLUSIVE else seconds)
        ratios.append(theirs[-1] / ours[-1])
    ratio = statistics.median(ratios)
    slow = "not within a minute" if ratio == math.inf else f"{count / min(theirs):,.0f}"
    met = f"{goal}: {'met' if ratio >= goal else '**missed**'}"
    return f"| {name} | {count:,} | {count / min(ours):,.0f} | {slow} | {'' if ratio == math.inf else f'{ratio:.2f}'} | {met} |"


def growth(machine: Any, *, quick: bool) -> str:
    """Fit the time to the length of the history on logarithmic scales: 1 is linear."""
    sizes = (1_000, 10_000, 50_000) if quick else (1_000, 10_000, 100_000, 1_000_000)
    points = []
    for size in sizes:
        steps = history(machine, 8, size).steps()
        linearize(machine.numbered.table, 1, history(machine, 8, 1_000, seed=2).steps())
        taken = searched(machine, steps, 3)
        points.append((math.log(counted(machine, steps)), math.log(taken)))
    mean_x, mean_y = (sum(each[axis] for each in points) / len(points) for axis in (0, 1))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    told = ", ".join(f"{math.exp(x):,.0f} in {math.exp(y):.3f} s" for x, y in points)
    return f"Growth at 8 clients: time ~ operations^{slope:.2f} ({told})."


def oddities(machine: Any, *, quick: bool) -> Iterator[str]:
    """Measure a planted violation, and lost replies."""
    steps = history(machine, 8, 5_000 if quick else 50_000).steps()
    valid = searched(machine, steps, 3)
    broken = planted(machine, steps)
    assert linearize(machine.numbered.table, 1, broken).answer is Answer.ILLEGAL
    violating = searched(machine, broken, 3)
    yield (
        f"A violation planted nine tenths of the way takes {violating / valid:.2f} of the valid history's time"
        f" (1.2: {'met' if violating <= 1.2 * valid else '**missed**'})."
    )
    slowest = dict.fromkeys((Answer.LEGAL, Answer.ILLEGAL), 0.0)
    for seed in range(20):
        lossy = machine.losing(history(machine, 8, 1_000, seed=seed).steps(), 20, Random(seed))  # noqa: S311 - no secret
        for each in (lossy, planted(machine, lossy)):
            found = linearize(machine.numbered.table, 1, each)
            taken = searched(machine, each)
            slowest[found.answer] = max(slowest[found.answer], taken)
    yield (
        f"20 lost replies in 1,000 calls at 8 clients, the slowest of 20 histories: {slowest[Answer.LEGAL]:.3f} s valid,"
        f" {slowest[Answer.ILLEGAL]:.3f} s violating (0.2: {'met' if max(slowest.values()) < 0.2 else '**missed**'})."
    )


def saved(place: Path, operations: int) -> Path:
    """Save a history of so many operations: one that was recorded, over and over."""
    once = place / "once.jsonl"
    _, made = CLIENTS.recorded(load(MANAGER), SPECIFICATION.SPEC, CLIENTS.Crowd(8, 100), once)
    lines = [each for each in once.read_bytes().splitlines(keepends=True) if b'"event":"observed"' not in each]
    span, last = made[-1].end + 1.0, max(each.op for each in made)
    path = place / "history.jsonl"
    with path.open("wb") as file:
        for turn in range(math.ceil(operations / len(made))):
            for line in lines:
                moved = LONGER.moved(line, turn * last, turn * span)
                file.write(moved.replace(b'"task-', b'"task-%d-' % turn))
    return path


def judge_saved(path: str) -> None:
    """Read and judge a saved history, alone in a process, and print operations, seconds and the most memory in bytes."""
    count = 0

    def operations() -> Iterator[Operation]:
        nonlocal count
        for event in stream(Path(path)):
            if isinstance(event, Operation):
                count += 1
                yield event

    start = time.process_time()
    facts = facts_of(_facts(Path(path).with_name("once.jsonl")))
    found = judge_concurrent(operations(), facts, load(MANAGER), load("VirtualMachine"))
    assert set(found.machines.values()) == {Answer.LEGAL}
    # the guests' names begin anew with each turn of the same recording, which nothing but a recording can do
    assert {each.row.rpartition("/")[2] for each in found.findings} <= {"guest-names"}
    # not ru_maxrss: that still counts what the process was forked from
    most = int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))[0]) * 1024
    print(count, time.process_time() - start, most)  # noqa: T201 - read by the process that asked


def _facts(path: Path) -> dict[str, Any]:
    return next(each.facts for each in stream(path) if isinstance(each, Observed) and each.subject == FACTS)


def files(*, quick: bool) -> Iterator[str]:
    """Decode and judge a saved history in a process of its own."""
    for operations in (20_000,) if quick else (100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as place:
            path = saved(Path(place), operations)
            command = [sys.executable, str(HERE), "--saved", str(path)]
            told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split()  # noqa: S603 - ours
        count, seconds, most = int(told[0]), float(told[1]), int(told[2])
        room = f"{most / GIB:.2f} GiB at the most (1: {'met' if most < GIB else '**missed**'})"
        yield (
            f"A saved history of {count:,} operations, decoded and judged by all guarantees in one pass:"
            f" {count / seconds:,.0f} operations/s"
            f" ({_met(count / seconds, 50_000)}), {room}."
        )


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--saved")
    asked = parser.parse_args()
    if asked.saved:
        judge_saved(asked.saved)
        return
    machine = MACHINE.ChainModel()
    lines = ["## Legal orders", ""]
    for part in (
        speeds(machine, quick=asked.quick),
        beside_porcupine(machine, quick=asked.quick),
        ["", growth(machine, quick=asked.quick)],
        oddities(machine, quick=asked.quick),
        files(quick=asked.quick),
    ):
        for line in part:
            print(line, flush=True)  # noqa: T201 - a script talks
            lines.append(line)
    if not asked.quick:
        write_section("checker", lines)


if __name__ == "__main__":
    main()
