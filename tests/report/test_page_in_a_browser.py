"""`report.html` in a real browser: filters, folding, copying, sizes; no console error, no request, nothing serious by axe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, sync_playwright

from tests.hostile_texts import MARKUP
from tests.report.awkward_results import METHODS, several, told_of
from tests.report.test_profile_page import learned
from vcontract._check.disorder import Disorder, Span
from vcontract._check.latencies import Latency
from vcontract._report.bug_reports import BugReports
from vcontract._report.differences import DifferenceReport, Side, render
from vcontract._report.page.page import page
from vcontract._report.page.profile_page import profile_page
from vcontract._report.result import RunResult, Stress
from vcontract._report.timeline import timeline
from vcontract._terms import Difference, Impact, Verdict

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no chromium: `make test-deps` installs it")
SIZES = [(1280, "light"), (360, "dark")]
ROOT_USER = 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser without a window."""
    with sync_playwright() as started:
        arguments = ["--no-sandbox"] if os.getuid() == ROOT_USER else []  # root has none
        launched = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


def compared() -> DifferenceReport:
    """Give a comparison with a difference of each class, and one that is known."""
    found = tuple(
        Difference(f"{place:012x}", impact, "fault", f"CustomizeGuest_Task:{place}", "OK", "InvalidState", "why")
        for place, impact in enumerate([*Impact, Impact.BREAKING])
    )
    return DifferenceReport(
        "compare", Side("old", "a", "7.0.3.2"), Side("new", "b", "8.0.3.0"), found, known={found[3].fingerprint: "so"}
    )


def pages(result: RunResult) -> dict[str, str]:
    """Give a page of each kind: conforming, violating, of many clients, of a hostile server, of several runs, of a profile."""
    violating = replace(result, findings=several(result.findings[0], 6))
    conforming = replace(
        result, verdict=Verdict.CONFORMS, exit_code=0, findings=[], waived={},
        rows=[replace(row, verdict=Verdict.CONFORMS, reason="") for row in result.rows],
        cells=replace(result.cells, seen=[f"{name}:suspended" for name in METHODS], unreachable={"no lever": ["C:c"]}),
    )  # fmt: skip
    latency = Latency("CustomizeGuest_Task", "OK", 100, 1.0, 2.0, 3.0, 4.0)
    spans = (Span(1, "CustomizeGuest_Task", 0.0, 0.2), Span(2, "AbortCustomization_Task", 0.1, None))
    disorder = Disorder("vm-13", 2, "AbortCustomization_Task", 2, ("on",), ("on",), spans)
    stressed = replace(
        violating,
        findings=violating.findings[:1],
        stress=Stress(16, 50, 60.0, [latency], {"yes": 49, "no": 1}, 2, ["h"]),
    )
    drawn = {stressed.findings[0].id: timeline(disorder)}
    hostile, reports = told_of(" ".join(MARKUP), violating)
    return {
        "conforming": page(conforming, []),
        "violating": page(violating, BugReports().of(violating)),
        "stress": page(stressed, BugReports().of(stressed), timelines=drawn),
        "hostile": page(hostile, reports.of(hostile)),
        "compare": render(compared(), "html").decode(),
        "learn": profile_page(learned()).decode(),
        "trend": page(violating, BugReports().of(violating), [conforming]),
    }


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the pages."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def files(shelf: Path, result: RunResult) -> dict[str, Path]:
    """Give the files of the pages, written once."""
    if not list(shelf.iterdir()):
        for name, text in pages(result).items():
            (shelf / f"{name}.html").write_text(text, "utf-8")
    return {file.stem: file for file in shelf.iterdir()}


def opened(browser: Browser, file: Path, width: int = 1280, scheme: Any = "light") -> tuple[Page, list[str]]:
    """Open a page; gives it, and what it said on the console or asked of the network, which grows."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown, said = context.new_page(), list[str]()
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
    shown.goto(file.as_uri())
    return shown, said


@pytest.mark.parametrize("name", ["conforming", "violating", "stress", "hostile", "trend", "compare", "learn"])
def test_a_page_is_quiet_fits_and_can_be_read_by_everybody(name: str, files: dict[str, Path], browser: Browser) -> None:
    """Wide and light, narrow and dark: no word on the console, no request, nothing wider than the window, axe content."""
    for width, scheme in SIZES:
        shown, said = opened(browser, files[name], width, scheme)
        for folded in shown.locator("summary").all()[:3]:
            folded.click()
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(shown).response["violations"]
        assert [each["id"] for each in found if each["impact"] in {"serious", "critical"}] == []
        assert said == []
        assert shown.locator("h1").inner_text() in {"violates", "conforms", "breaking for a client of A", "learned"}
        shown.context.close()


def test_filters_show_what_they_say(files: dict[str, Path], browser: Browser) -> None:
    """Of a method, with a word; what is shown is counted for who cannot see it."""
    shown, _ = opened(browser, files["violating"])
    assert shown.locator("article:visible").count() == 6
    shown.get_by_label("Method", exact=True).select_option("StartGuestNetwork_Task")
    assert shown.locator("article:visible").count() == 2
    assert shown.get_by_role("status").inner_text() == "2 shown"
    shown.get_by_label("Words").fill("000000000004")
    assert shown.locator("article:visible").count() == 1
    shown.get_by_label("Words").fill("no such word")
    assert shown.locator("article:visible").count() == 0


def test_a_comparison_is_filtered_by_its_classes(files: dict[str, Path], browser: Browser) -> None:
    """What is breaking, and of it what is not known, which the exit code is for."""
    shown, _ = opened(browser, files["compare"])
    assert shown.locator("article:visible").count() == 4
    shown.get_by_label("Class", exact=True).select_option("breaking")
    assert shown.locator("article:visible").count() == 2
    assert shown.get_by_text("fails the comparison").count() == 1
    assert shown.get_by_text("known: so").count() == 1


def test_a_profile_is_filtered_by_method_and_by_what_varies(files: dict[str, Path], browser: Browser) -> None:
    """Where a server gives more than one answer is found by one choice."""
    shown, _ = opened(browser, files["learn"])
    assert shown.locator("article:visible").count() == 3
    shown.get_by_label("Answer", exact=True).select_option("varies")
    assert shown.locator("article:visible").count() == 1


def test_what_is_folded_opens_by_the_keyboard(files: dict[str, Path], browser: Browser) -> None:
    """The calls of a finding are drawn, once they are asked for."""
    shown, _ = opened(browser, files["violating"])
    calls = shown.locator("ol.calls").first
    assert not calls.is_visible()
    shown.get_by_text("The shortest calls that show it").first.focus()
    shown.keyboard.press("Enter")
    assert calls.is_visible()
    assert calls.locator("li").count() == 8


def test_a_finding_is_copied_as_its_line_has_it(files: dict[str, Path], browser: Browser, result: RunResult) -> None:
    """The button gives the line of findings.jsonl."""
    shown, said = opened(browser, files["violating"])
    shown.get_by_role("button", name="Copy as JSON").nth(2).click()
    shown.wait_for_function("document.getElementById('status').textContent === 'copied'")
    copied = shown.evaluate("navigator.clipboard.readText()")
    assert copied.encode() == msgspec.json.encode(several(result.findings[0], 6)[2])
    assert said == []


def test_a_page_of_many_findings_stays_small_and_opens(shelf: Path, browser: Browser, result: RunResult) -> None:
    """500 findings with all that was seen of them: at most 5 MB, and each is there."""
    big = replace(result, findings=several(result.findings[0], 500))
    said, reports = told_of("x" * 200, big)
    file = shelf.parent / "many.html"
    file.write_text(page(said, reports.of(said)), "utf-8")
    assert file.stat().st_size <= 5_000_000
    shown, _ = opened(browser, file)
    assert shown.locator("article").count() == 500
