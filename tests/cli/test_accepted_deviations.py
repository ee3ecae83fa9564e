"""Known deviations: what is listed does not count, what is stale or has expired does, and only --accept writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.windows import fitted
from vcontract._cli import main
from vcontract._errors import UsageError
from vcontract._report.deviations import read_deviations
from vcontract._simulator import SimulatorServer

METHOD = "StartGuestNetwork_Task"
ROW = f"VirtualMachineGuestCustomizationManager/{METHOD}/InvalidState"
ENTRY = '[[deviation]]\nfingerprint = "{0}"\nrow = "{1}"\nreason = "{2}"\n'


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Give the URLs of a simulator as it is and of one with a bug in one row."""
    started = {
        name: SimulatorServer(fitted(defects=frozenset(defects)))
        for name, defects in (("plain", []), ("broken", ["missing-tools-not-checked"]))
    }
    for each in started.values():
        each.start()
    yield {name: each.url for name, each in started.items()}
    for each in started.values():
        each.stop()


Run = Callable[..., tuple[int, dict[str, Any], Path]]


@pytest.fixture
def run(servers: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs against one of the servers; it gives the exit code, the run.json and the directory."""

    def ran(server: str, *more: object) -> tuple[int, dict[str, Any], Path]:
        folder = tmp_path / "reports"
        asked = ("--target", servers[server], "--seed", 1, "--method", METHOD, "--max-calls", 45)
        capsys.readouterr()
        code = command("run", *asked, "--report-dir", folder, *more)
        directory = (folder / "latest").resolve()
        return code, json.loads((directory / "run.json").read_bytes()), directory

    return ran


def command(*arguments: object) -> int:
    """Run a command, and give its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["vcontract", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def first(servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory of a run that found the bug and knew of no deviations."""
    folder = tmp_path_factory.mktemp("first")
    asked = ("--target", servers["broken"], "--seed", 1, "--method", METHOD, "--max-calls", 45)
    assert command("run", *asked, "--report-dir", folder) == 1
    return (folder / "latest").resolve()


@pytest.fixture(scope="module")
def known(first: Path) -> str:
    """Give the fingerprint of the bug's finding."""
    found = json.loads((first / "run.json").read_bytes())["findings"]
    assert [each["row"] for each in found] == [ROW]
    return str(found[0]["id"])


def listing(path: Path, *entries: tuple[str, str, str], more: str = "") -> Path:
    """Write a file of known deviations."""
    path.write_text("# ours\n" + "\n".join(ENTRY.format(*each) + more for each in entries))
    return path


def test_a_listed_finding_is_reported_and_does_not_count(
    run: Run, known: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0; the finding, its row and the reason stand in run.json, on the console and in junit.xml, where nothing fails."""
    file = listing(tmp_path / "d.toml", (known, ROW, "ticket 4711"), more='link = "https://tracker.example/4711"\n')
    code, told, directory = run("broken", "--deviations", file)
    out = capsys.readouterr().out
    assert code == told["exit_code"] == 0
    assert told["verdict"] == "conforms"
    assert [each["id"] for each in told["findings"]] == [known]
    assert told["deviations"] == {
        "file": str(file), "known": {known: "ticket 4711 (https://tracker.example/4711)"}, "stale": {}, "expired": {},
        "rows": [ROW], "outdated": {},
    }  # fmt: skip
    assert "known: ticket 4711" in out
    assert out.splitlines()[-1].startswith("conforms (")
    assert "1 known" in out.splitlines()[-1]
    suite = ET.fromstring((directory / "junit.xml").read_bytes()).find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert suite.attrib["failures"] == "0"
    assert "known: ticket 4711" in ET.tostring(suite).decode()


def test_an_unlisted_finding_counts(run: Run, tmp_path: Path) -> None:
    """A file that lists another finding of another row does not help, and is not written to."""
    other = ROW.replace("InvalidState", "TaskInProgress")
    file = listing(tmp_path / "d.toml", ("0" * 12, other.replace("Start", "Stop"), "another"))
    before = file.read_text()
    code, told, _ = run("broken", "--deviations", file)
    assert code == 1
    assert told["verdict"] == "violates"
    assert file.read_text() == before


def test_a_stale_entry_counts(run: Run, known: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The row was exercised and the finding not seen: exit 1, told on the console and as a failure of junit.xml."""
    file = listing(tmp_path / "d.toml", (known, ROW, "ticket 4711"))
    code, told, directory = run("plain", "--deviations", file)
    out = capsys.readouterr().out
    assert code == 1
    assert list(told["deviations"]["stale"]) == [known]
    assert f"{known}  known deviation, stale: {ROW}: was exercised" in out
    assert "1 stale" in out.splitlines()[-1]
    assert f'name="{known}"' in (directory / "junit.xml").read_text()


def test_an_entry_of_a_row_that_was_not_exercised_is_left_alone(run: Run, tmp_path: Path) -> None:
    """Of a method that is not part of the run nothing is known: neither stale nor expired."""
    away = ROW.replace(METHOD, "AbortCustomization_Task")
    file = listing(tmp_path / "d.toml", ("0" * 12, away, "another day"), more="expires = 2001-01-01\n")
    code, told, _ = run("plain", "--deviations", file)
    assert code == 0
    assert told["deviations"]["stale"] == told["deviations"]["expired"] == {}


def test_an_expired_entry_counts(run: Run, known: str, tmp_path: Path) -> None:
    """An entry whose last day is over does not excuse its finding; one whose last day is to come does."""
    file = listing(tmp_path / "d.toml", (known, ROW, "until then"), more="expires = 2001-01-01\n")
    code, told, _ = run("broken", "--deviations", file)
    assert code == 1
    assert "expired on 2001-01-01" in told["deviations"]["expired"][known]
    listing(file, (known, ROW, "until then"), more="expires = 2999-01-01\n")
    assert run("broken", "--deviations", file)[0] == 0


def test_accept_writes_what_is_found(run: Run, known: str, tmp_path: Path) -> None:
    """What stands in the file stays as it is; the entry is read back; the next run needs no --accept."""
    away = ROW.replace(METHOD, "AbortCustomization_Task")
    file = listing(tmp_path / "d.toml", ("0" * 12, away, "another"))
    before = file.read_text()
    reason = 'a "quoted" reason, with \\ and ü'
    code, _, _ = run("broken", "--deviations", file, "--accept", "--reason", reason)
    assert code == 0
    assert file.read_text().startswith(before)
    assert [(each.fingerprint, each.reason) for each in read_deviations(file)] == [
        ("0" * 12, "another"),
        (known, reason),
    ]
    assert run("broken", "--deviations", file)[0] == 0


def test_the_file_beside_the_configuration_is_taken(run: Run, known: str, tmp_path: Path) -> None:
    """With --config and no --deviations, deviations.toml in the same folder counts, and --accept makes it."""
    config = tmp_path / "vcontract.toml"
    config.write_text(_CONFIG)
    assert run("broken", "--config", config, "--accept", "--reason", "ours")[0] == 0
    assert [each.fingerprint for each in read_deviations(tmp_path / "deviations.toml")] == [known]
    assert run("broken", "--config", config)[0] == 0


_CONFIG = """
task_seconds = 5
staleness = 0.02
publish = 0
[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"
[[account]]
role = "unprivileged"
username = "operator@vsphere.local"
password = "vcontract"
[[guest]]
username = "root"
may_customize = true
password = "guest"
[[guest]]
username = "user"
may_customize = false
password = "guest"
[[lever]]
does = "stopTools"
program = "/usr/bin/systemctl"
arguments = "stop vmtoolsd"
[[waive]]
row = "*"
reason = "this run is about one row"
"""


def test_a_saved_run_is_judged_with_them(run: Run, first: Path, known: str, tmp_path: Path) -> None:
    """`judge` takes a file, and without one what the run kept of its own: that file is not opened, whatever became of it."""
    file = listing(tmp_path / "d.toml", (known, ROW, "ticket 4711"))
    assert command("judge", first) == 1
    assert command("judge", first, "--deviations", file) == 0
    _, _, directory = run("broken", "--deviations", file)
    assert command("judge", directory) == 0
    file.write_text("no TOML")
    assert command("judge", directory) == 0
    assert command("judge", directory, "--deviations", file) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.format("0" * 12, ROW, "x") + 'why = "y"', "unknown field `why`"),
        (ENTRY.format("0" * 11, ROW, "x"), "fingerprint"),
        (ENTRY.format("0" * 12, ROW, " "), "000000000000 has no reason"),
        (ENTRY.format("0" * 12, ROW, "x") * 2, "000000000000 is listed twice"),
        (ENTRY.format("0" * 12, ROW, "x") + 'expires = "soon"', "expires"),
        ('[[deviation]]\nfingerprint = "000000000000"\nrow = "x"', "missing required field `reason`"),
        ("[[deviations]]", "unknown field `deviations`"),
        ("[[deviation", "d.toml"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    """Strict about every key, and the file is named."""
    file = tmp_path / "d.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        read_deviations(file)
    assert said in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--accept",), "--accept needs --reason TEXT"),
        (("--reason", "x"), "--reason goes with --accept"),
        (("--accept", "--reason", "x"), "--accept: say with --deviations FILE"),
        (("--deviations", "/nowhere/d.toml"), "/nowhere/d.toml: cannot be read"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 before anything is sent."""
    assert command("run", *arguments) == 2
    assert said in capsys.readouterr().err
