"""Takes the pictures of the README: a run with a finding as its page shows it, wide and light, narrow and dark.

`make screenshots` runs it. The pictures lie beside the page about reports; together they may have so many bytes as LARGEST.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._run.preparation import Preparation

PLACE = Path(__file__).parents[1] / "harness" / "vcontract" / "_report"
PICTURES = {"report.png": (1000, 760, "light", "h1"), "finding.png": (1000, 620, "dark", "article")}
"""Each with its width, height, colours, and what it begins with."""
LARGEST = 300_000
DEFECT = "guest-permission-not-checked"


def run_with_a_finding(folder: Path) -> Path:
    """Judge a simulator with a defect; gives the page."""
    request = RunRequest(seed=1, report_dir=folder, output="none", max_calls=300, shrink=Budget(16, 60.0))
    again = "vcontract run --target https://vcenter.example/sdk --seed 1"
    execute(request, Preparation(defects=frozenset({DEFECT}), replay=again))
    return folder / "latest" / "report.html"


def taken(browser: Browser, page: Path, name: str) -> int:
    """Take a picture; gives its bytes."""
    width, height, colours, first = PICTURES[name]
    size = {"width": width, "height": height}
    # with motion the page would still be scrolling
    context = browser.new_context(viewport=size, color_scheme=colours, reduced_motion="reduce")  # type: ignore[arg-type] # one of the two
    shown = context.new_page()
    shown.goto(page.resolve().as_uri())
    shown.locator(first).first.evaluate("element => element.scrollIntoView()")
    return len(shown.screenshot(path=PLACE / name))


def main() -> None:
    """Take them all; a browser that is missing, and pictures that are too large, end it with a word."""
    chromium = shutil.which("chromium") or sys.exit("there is no chromium: `make test-deps` installs it")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        page = run_with_a_finding(Path(folder))
        size = sum(taken(browser, page, name) for name in PICTURES)
        browser.close()
    if size > LARGEST:
        sys.exit(f"the pictures have {size:,} bytes; at most {LARGEST:,}")
    print(f"{', '.join(PICTURES)}: {size:,} bytes")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
