"""Measures the load: judged calls a second that one process records, and what Locust costs beside plain greenlets.

Each measurement is a process of its own (stress_loop.py), and the simulator another; the two ways take turns. Run it by
`make bench` on a machine with two cores that does nothing else.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

write_section = importlib.import_module("sections").write_section  # the file beside this one
LOOP = Path(__file__).with_name("stress_loop.py")
CLIENTS, VMS, SECONDS, ROUNDS = 16, 8, 8, 4
CALLS, OVERHEAD = 500, 0.25


def measured(mode: str) -> dict[str, Any]:
    """Let the clients work once."""
    command = (sys.executable, str(LOOP), mode, str(CLIENTS), str(VMS), str(SECONDS))
    found: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603 - ours
    return found


def lines() -> list[str]:
    """Measure; gives the lines of the section."""
    rounds = [(measured("locust"), measured("bare")) for _ in range(ROUNDS)]
    told = ["## Load", "", "| | judged calls/s | requests/s | processor, ms a request |", "|---|---|---|---|"]
    for place, name in enumerate(("Locust", "plain greenlets")):
        runs = [each[place] for each in rounds]
        calls, requests = (median(each[what] / each["seconds"] for each in runs) for what in ("calls", "requests"))
        spent = median(1000 * each["processor"] / each["requests"] for each in runs)
        told.append(f"| {name} | {calls:,.0f} | {requests:,.0f} | {spent:.3f} |")
    best = max(with_["calls"] / with_["seconds"] for with_, _ in rounds)
    costs = median(
        with_["processor"] / with_["requests"] / (bare["processor"] / bare["requests"]) - 1 for with_, bare in rounds
    )
    load = f"{CLIENTS} clients on {VMS} VMs, {os.cpu_count()} cores, the simulator its own process"
    told += [
        "",
        f"{load}: at best {best:,.0f} judged calls a second ({CALLS}: {'met' if best >= CALLS else '**missed**'}).",
        f"Locust takes {costs:.0%} more of the processor for a request ({OVERHEAD:.0%}: {_met(costs)}).",
    ]
    return told


def _met(costs: float) -> str:
    return "met" if costs <= OVERHEAD else "**missed**"


if __name__ == "__main__":
    write_section("load", lines())
