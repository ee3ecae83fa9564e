"""Measures the files of a run, and the judging of a long saved one; writes into RESULTS.md.

Run it by `make bench` on a machine that does nothing else. The long history is a whole run's own, over and over, as `longer.py`
makes it: many turns must come to the verdict of one. Operations a second are of the processor, with the start of the process,
on a machine on which the yardstick, `sum(i*i for i in range(10**7))`, takes 1.2 s; both are measured in turn.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

write_section = importlib.import_module("sections").write_section  # the files beside this one
longer = importlib.import_module("longer").longer
GIB, MEGABYTE = 1 << 30, 10**6
YARDSTICK, SQUARES = 1.2, 10**7


def yardstick() -> float:
    """Give the seconds of the processor that the yardstick takes."""
    start = time.process_time()
    sum(i * i for i in range(SQUARES))
    return time.process_time() - start


def judged(directory: Path) -> tuple[float, int]:
    """Judge a saved run in a process of its own; gives its seconds of the processor, and the most memory in bytes."""
    command = [sys.executable, "-m", "vcontract", "judge", str(directory), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    kept = json.loads((directory / "run.json").read_text("utf-8"))
    assert (told["verdict"], told["findings"]) == (kept["verdict"], kept["findings"]), (
        "the long history is not as the run was"
    )
    assert process.returncode == kept["exit_code"]
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def met(goal: str, *, reached: bool) -> str:
    """Say whether a goal was met."""
    return f"{goal}: {'met' if reached else '**missed**'}"


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the length, and nothing is written")
    parser.add_argument("--run", type=Path, help="the directory of a whole run that was made before")
    asked = parser.parse_args()
    lines = ["## Files and judging", ""]
    with tempfile.TemporaryDirectory() as made:
        if asked.run is None:
            command = [sys.executable, "-m", "vcontract", "run", "--seed", "1", "--report-dir", made]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - ours
        run = (asked.run or Path(made, "latest")).resolve()
        size = (run / "history.jsonl").stat().st_size / MEGABYTE
        requests = json.loads((run / "run.json").read_text("utf-8"))["requests"]
        lines.append(
            f"The history of a whole run, {requests:,} requests: {size:.1f} MB ({met('at most 20 MB', reached=size <= 20)}),"
            f" {size * MEGABYTE / requests:,.0f} bytes a request."
        )
        long = Path(made, "long")
        operations = longer(run, long, 20_000 if asked.quick else 200_000)
        rounds = [(yardstick(), *judged(long)) for _ in range(3)]
    speed = max(operations / seconds * (yard / YARDSTICK) for yard, seconds, _ in rounds)
    most = max(memory for _, _, memory in rounds)
    lines.append(
        f"`judge` of {operations:,} operations: {speed:,.0f} operations/s ({met('10,000', reached=speed >= 10_000)}),"
        f" {most / GIB:.2f} GiB at the most ({met('0.5', reached=most <= GIB / 2)})."
    )
    if asked.quick:
        print("\n".join(lines))  # noqa: T201 - a script talks
    else:
        write_section("judge", lines)


if __name__ == "__main__":
    main()
