"""Measures the page of a large run, its size and how long a browser takes to open it; writes into RESULTS.md.

Run it by `make bench` on a machine that does nothing else; needs chromium. The page is that of a run on a simulator with a
planted bug, as if it had judged 100,000 operations and found 500 deviations. The floor is a page with a heading alone, opened
in the same browser in turn: what a page costs beyond it is its own. A page is open once it is loaded and laid out.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace
from playwright.sync_api import Browser, sync_playwright

from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._report.bug_reports import BugReports
from vcontract._report.page.page import page
from vcontract._report.result import load_run
from vcontract._run.preparation import Preparation

write_section = importlib.import_module("sections").write_section  # the file beside this one
DEFECT = "guest-permission-not-checked"
OPERATIONS, FINDINGS = 100_000, 500
LARGEST, SLOWEST, TURNS = 5_000_000, 2.0, 7
EMPTY = "<!doctype html><html lang=en><title>empty</title><h1>empty</h1>"
_LAID_OUT = "document.documentElement.getBoundingClientRect().height"


def large_page(folder: Path) -> str:
    """Give the page of a run with one finding, which is shown so often as FINDINGS says."""
    request = RunRequest(seed=1, report_dir=folder, output="none", max_calls=300, shrink=Budget(16, 60.0))
    execute(request, Preparation(defects=frozenset({DEFECT})))
    directory = folder / "latest"
    result = load_run(directory)
    reports = BugReports(directory).of(result)
    found = [replace(result.findings[0], id=f"{number:012x}") for number in range(FINDINGS)]
    return page(replace(result, findings=found, calls=OPERATIONS, requests=OPERATIONS), reports[:1] * FINDINGS)


def opened(browser: Browser, file: Path) -> float:
    """Open a page in a window of its own; gives the seconds until it is loaded and laid out."""
    shown = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    start = time.perf_counter()
    shown.goto(file.as_uri(), wait_until="load")
    shown.evaluate(_LAID_OUT)
    seconds = time.perf_counter() - start
    shown.context.close()
    return seconds


def met(goal: str, *, reached: bool) -> str:
    """Say whether a goal was met."""
    return f"{goal}: {'met' if reached else '**missed**'}"


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="nothing is written into RESULTS.md")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("there is no chromium: `make test-deps` installs it")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as started:
        large, empty = Path(made, "large.html"), Path(made, "empty.html")
        text = large_page(Path(made))
        large.write_text(text, "utf-8")
        empty.write_text(EMPTY, "utf-8")
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.getuid() == 0 else [])
        rounds = [(opened(browser, empty), opened(browser, large)) for _ in range(TURNS)][1:]
        browser.close()
    floor, seconds = (statistics.median(each) for each in zip(*rounds, strict=True))
    size = len(text.encode())
    told = (
        f"{OPERATIONS:,} operations and {FINDINGS} findings: {size / 1e6:.1f} MB"
        f" ({met('at most 5', reached=size <= LARGEST)}); Chromium opens it in {seconds:.2f} s"
        f" ({met('2', reached=seconds < SLOWEST)}), {seconds / floor:.0f} times as long as an empty page ({floor:.3f} s)."
    )
    lines = ["## The page of a run", "", told]
    if asked.quick:
        print("\n".join(lines))  # noqa: T201 - a script talks
    else:
        write_section("page", lines)


if __name__ == "__main__":
    main()
