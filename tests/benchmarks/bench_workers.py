"""Measures what a second worker is worth: judged calls a second while the workers walk, beside one; writes into RESULTS.md.

The simulator is a process of its own in both runs. Run it by `make bench` on a machine with two cores that does nothing else.
`--max-calls N` shortens it, for a look.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vcontract._history import read_history

write_section = importlib.import_module("sections").write_section  # the file beside this one
COMMAND = (sys.executable, "-m", "vcontract")
WORTH = 1.5
"""What two workers must at least be worth on two cores."""
ROUNDS = 2
"""The better of so many counts: what else the machine does only slows them down."""


@contextmanager
def simulator() -> Iterator[str]:
    """Start the simulator; gives its URL."""
    with subprocess.Popen((*COMMAND, "simulate", "--seed", "1"), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def rate(workers: int, max_calls: int) -> tuple[float, int]:
    """Give judged calls a second, from the first that any worker made to the last, and how many there were."""
    with tempfile.TemporaryDirectory() as place, simulator() as url:
        options = ("--seed", "1", "--workers", str(workers), "--max-calls", str(max_calls), "--report-dir", place)
        subprocess.run((*COMMAND, "run", "--target", url, *options), stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - ours
        files = sorted(Path(place).glob("2*/history-*.jsonl")) or list(Path(place).glob("2*/history.jsonl"))
        assert len(files) == workers
        judged = [[each for each in read_history(file).operations if each.purpose == "judge"] for file in files]
    # their clocks differ, but they begin together
    lasted = max(each[-1].end - each[0].start for each in judged if each)
    calls = sum(map(len, judged))
    return calls / lasted, calls


def lines(max_calls: int) -> list[str]:
    """Measure; gives the lines of the table."""
    found = {workers: max(rate(workers, max_calls) for _ in range(ROUNDS)) for workers in (1, 2)}
    worth = found[2][0] / found[1][0]
    goal = f"at least {WORTH}: {'met' if worth >= WORTH else '**missed**'}"
    rows = [f"| {workers} | {calls} | {speed:,.0f} |" for workers, (speed, calls) in found.items()]
    told = f"Two workers are worth {worth:.2f} of one ({goal}) on {os.cpu_count()} cores; the simulator is its own process."
    return [told, "", "| workers | judged calls | judged calls a second |", "|---|---|---|", *rows]


def main() -> None:
    """Measure, and put the result between its markers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-calls", type=int, default=0)
    write_section("workers", ["## Workers", "", *lines(parser.parse_args().max_calls)])


if __name__ == "__main__":
    main()
