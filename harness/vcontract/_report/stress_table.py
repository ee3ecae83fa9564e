"""The part of the console about a stress run: how long answers took, the load, the disturbances."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from vcontract._report.result import RunResult, Stress
from vcontract._report.safe_text import table_cell


def latency_table(stress: Stress) -> Table:
    """Give a line for each method and outcome; times in milliseconds."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("method", "outcome"):
        table.add_column(name, overflow="fold")
    for name in ("count", "p50 ms", "p95 ms", "p99 ms", "longest ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for latency in stress.latencies:
        times = (latency.p50, latency.p95, latency.p99, latency.longest)
        table.add_row(
            table_cell(latency.method),
            table_cell(latency.outcome),
            str(latency.count),
            *(f"{value:.1f}" for value in times),
        )
    return table


def stress_lines(result: RunResult, stress: Stress) -> Iterator[str]:
    """Give a line on the load and its rate, and one on the disturbances."""
    rate = result.calls / stress.seconds if stress.seconds else 0.0
    load = f"{stress.clients} clients on {stress.vms} VMs for {stress.seconds:.1f} s"
    yield f"load: {load}: {rate:.0f} judged calls a second; histories: {_counted(stress.legal)}"
    if stress.scenario:
        yield f"disturbances ({stress.scenario}): {_counted(stress.fired) or 'none struck'}"


def threshold_lines(stress: Stress | None) -> Iterator[str]:
    """Give a line for each threshold that was crossed, and one if all were kept."""
    asked = stress.fail_if if stress else []
    failing = stress.crossed if stress else {}
    for text, measured in failing.items():
        yield f"threshold crossed: {text}: {measured}"
    if asked and not failing:
        yield f"thresholds kept: {'; '.join(asked)}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
