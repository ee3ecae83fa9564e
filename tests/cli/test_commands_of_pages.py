"""Every command that README or a page shows runs: as it stands but for addresses and limits, on a simulator of the test's."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.followed import ROOT, Command, follow, steps
from vcontract._shipped import page, topics
from vcontract._simulator import Settings, SimulatorServer

README = ROOT / "README.md"
LINE_BY_LINE = {
    page("_check/compare/README.md"): "tests/cli/test_upgrade_chapter.py",
    **dict.fromkeys(page("docs").glob("*.md"), "tests/cli/test_followed_pages.py"),
}
"""Pages that are followed to the letter, with the test that does it."""
PAGES = [file for file in (README, *topics().values()) if file not in LINE_BY_LINE and steps(file.read_text("utf-8"))]
ELSEWHERE = {
    r"^pip install \S+\.whl.*": ("tests/project/test_wheel.py", "install"),
    r"^vcontract stress --(?:master|worker) .*": ("tests/stress/test_stress_end_to_end.py", "--master"),
    r"^vcontract judge --calls .*": ("tests/cli/test_judge_verb.py", "--calls"),
    r"^pytest .*--tx=.*": ("tests/conformance/test_two_machines.py", "--tx="),
    r"^vcontract report reports/latest#0123456789ab .*": (
        "harness/vcontract/docs/conform-in-ci.md",
        "vcontract report rep",
    ),
}
"""Commands that need more than a shell in an empty folder, with the test, or the page that is followed, where they run."""
FEW = {
    r"\.venv/bin/activate": f"{sys.prefix}/bin/activate",
    r"^make run$": f"make -s -C {ROOT} VENV={sys.prefix} -o {sys.prefix}/.installed run "
    'ARGS="--max-calls 5 --report-dir $PWD/reports"; test -f reports/latest/junit.xml',  # make has no exit code but 2
    r"'(?:test|stress)-\*'": "'linux-*'",
    r"^vcontract adopt": "vcontract adopt --yes",
    r"--clients 16 --vms 50 --time-limit 60": "--clients 2 --vms 2 --time-limit 1",
    r"--(lanes|workers) \d": r"--\1 2",
    r"--explore 20": "--explore 1 --explore-only",
    r"--complete 1": "--complete 0 --alphabet valid",
    r"^vcontract (run|learn)(?!.*--dry-run|.*replay:|.*--complete)": r"vcontract \1 --max-calls 5",
    # rows that so few calls leave untested fail as tests
    r"^pytest (.*) -n 4 (.*)": r"pytest \1 -n 2 \2 -q --vcontract-max-calls=5; test -f reports/latest/junit.xml",
    r"^(vcontract (?:simulate|inject) [^#&]*\w)$": r"\1 &",
}
"""What is typed otherwise: limits that a reader would not set, and what somebody at a terminal would answer."""
PASSWORDS = dict.fromkeys(
    ("VCONTRACT_PASSWORD", "VCONTRACT_PASSWORD_UNPRIVILEGED", "VCONTRACT_PASSWORD_READONLY"), "vcontract"
) | dict.fromkeys(("VCONTRACT_GUEST_ROOT", "VCONTRACT_GUEST_USER"), "guest")
AUTOMATION = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.clients.careful import work
work(sys.argv[1], "CustomizeGuest_Task")
"""


class Ready(NamedTuple):
    """What somebody has who reads a page that is not the first: a server, and a configuration for it."""

    url: str
    config: str


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """Start a simulator, and have `doctor` begin the configuration."""
    server = SimulatorServer(Settings())
    server.start()
    file = tmp_path_factory.mktemp("ready") / "vcontract.toml"
    words = ("doctor", "--target", server.url, "--username", "administrator@vsphere.local", "--write-config", file)
    told = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "vcontract", *map(str, words)],
        env={"PATH": "", "PYTHONPATH": str(ROOT / "harness")} | PASSWORDS, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert file.is_file(), told
    yield Ready(server.url, file.read_text("utf-8"))
    server.stop()


def name_of(file: Path) -> str:
    """Name a page from the repository."""
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", PAGES, ids=name_of)
def test_every_command_of_a_page_runs(file: Path, ready: Ready, tmp_path: Path) -> None:
    """In the order of the page, in one folder; it ends as the page says, or with 5 where a limit was set."""
    folder = tmp_path / "folder"
    folder.mkdir()
    text = file.read_text("utf-8")
    made = set(re.findall(r"--(?:write-config|out) (\S+)", text))
    for name in {"vcontract.toml", "old.toml", "new.toml"} - made:
        (folder / name).write_text(ready.config, "utf-8")
    (folder / "my_automation.py").write_text(AUTOMATION, "utf-8")
    opener = tmp_path / "open"
    opener.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/opened\n')
    opener.chmod(0o755)
    # the simulator's password is the value of its marks: from a configuration it is a secret, and a recording hides both
    instead = {r"--config vcontract\.toml (?=.*--record)": f"--target {ready.url} "}
    instead |= dict.fromkeys(ELSEWHERE, "true") | FEW | {r"https://vcenter\.example/sdk": ready.url}
    assert follow(text, folder, instead, environment=PASSWORDS | {"BROWSER": f"{opener} %s"}) == []
    assert (tmp_path / "opened").exists() is (file == README)
    if file == README:
        assert "</h1>" in (tmp_path / "opened").read_text("utf-8")


def test_from_a_clone_to_the_report_in_a_browser_are_two_commands() -> None:
    """The first two that README shows."""
    lines = [step.line for step in steps(README.read_text("utf-8")) if isinstance(step, Command)]
    assert lines[:2] == ["make run", "python3 -m webbrowser reports/latest/report.html"]


def test_what_runs_elsewhere_does() -> None:
    """Each command that is left out is on a page, and the test or page that is named for it has its words."""
    shown = [step.line for file in PAGES for step in steps(file.read_text("utf-8")) if isinstance(step, Command)]
    assert [pattern for pattern in [*ELSEWHERE, *FEW] if not any(re.search(pattern, line) for line in shown)] == []
    assert [place for place, word in ELSEWHERE.values() if word not in (ROOT / place).read_text("utf-8")] == []
    assert [place for place in LINE_BY_LINE.values() if not (ROOT / place).is_file()] == []
    assert len(shown) > 25
