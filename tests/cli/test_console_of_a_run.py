"""What a run says on a terminal of 80 columns, and into a pipe; how much of it the options ask for."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.cli.conftest import Command
from tests.processes import ROOT
from vcontract._contract import load, rows
from vcontract._report.console import ConsoleReporter
from vcontract._report.events import RunEnded
from vcontract._report.result import Arrangements, Cells, RunResult, TargetFacts
from vcontract._report.run_directory import write_run
from vcontract._terms import RowVerdict, Verdict

WIDTH, LINES, MOST = 80, 24, 45
FRAME = re.compile(r"[^\n]*(?:\r|\x1b\[2K)")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROWS = rows(load("VirtualMachineGuestCustomizationManager"), {})


def surroundings(**more: str) -> dict[str, str]:
    """Give an environment without what says how a terminal looks."""
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    return kept | {"PYTHONPATH": str(ROOT / "harness"), "TERM": "xterm"} | more


def on_a_terminal(place: Path, *arguments: object, **more: str) -> str:
    """Run the tool on a terminal; gives all that it was sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, WIDTH, 0, 0))
    process = subprocess.Popen(  # noqa: S603 - ours
        (sys.executable, "-m", "vcontract", *map(str, arguments)),
        cwd=place,
        env=surroundings(**more),
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    parts = []
    while True:
        try:
            part = os.read(master, 1 << 16)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    os.close(master)
    return b"".join(parts).decode()


def left_of(sent: str) -> list[str]:
    """Give the lines that stay: a bar draws over itself, and is taken away."""
    text = FRAME.sub("", sent.replace("\r\n", "\n"))
    return [line.rstrip() for line in ESCAPE.sub("", text).split("\n") if "judging" not in line]


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Claim it."""
        return True


@pytest.fixture(scope="module")
def conforming() -> RunResult:
    """Give the result of a run in which each row of the contract conforms, with notes and cells as a whole run has them."""
    made = [RowVerdict(row.id, Verdict.CONFORMS, "", {"OK": 67, row.fault or "OK": 135}) for row in ROWS]
    notes = [f"{kind}: {'word ' * 30}" for kind in ("unsettled", "not exercised") for _ in range(7)]
    cells = Cells(1104, 1104, ["C:a"] * 1104, [], {"no lever": ["C:c"] * 700}, Arrangements(144, 153, 183))
    return RunResult(
        Verdict.CONFORMS, 0, 1, 2330, 9941, TargetFacts("https://vc/sdk", "8.0.3.0", "1", "VMware vCenter Server 8.0.3"),
        made, cells, notes=notes, sharpness={"pivot_mean": 2.6, "weakest": [["C:a", 9]] * 5}, replay="vcontract run --seed 1",
    )  # fmt: skip


@pytest.fixture
def saved(conforming: RunResult, tmp_path: Path) -> Path:
    """Give its directory."""
    write_run(tmp_path, conforming)
    return tmp_path


@pytest.mark.parametrize("width", [80, 60, 132])
@pytest.mark.parametrize("verdict", [Verdict.CONFORMS, Verdict.VIOLATES, Verdict.UNTESTED])
def test_no_line_is_wider_than_the_terminal(
    width: int, verdict: Verdict, conforming: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COLUMNS says how wide that is; lines are broken between words, row ids within, and a wide table is another."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    rows = [replace(row, verdict=verdict, reason="for a reason of some words " * 5) for row in conforming.rows]
    result = replace(conforming, verdict=verdict, rows=rows)
    ConsoleReporter(Path("reports/20260101T120000Z-1"), out=out, err=Terminal()).on(RunEnded(result))
    lines = left_of(out.getvalue())
    assert max(map(len, lines)) <= width, max(lines, key=len)
    if verdict is Verdict.CONFORMS:
        assert len(lines) <= MOST
        assert any("promise  " in line and "AbortCustomization" in line for line in lines) is (width >= 80)


@pytest.mark.long
def test_a_whole_run_on_a_terminal_of_80_columns(tmp_path: Path) -> None:
    """On a terminal of the system's: at most 45 lines stay, and none is broken by it."""
    lines = left_of(on_a_terminal(tmp_path, "run", "--seed", "1", "--report-dir", "r"))
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) <= MOST
    assert lines[-3].startswith("conforms (")


def test_colours_go_where_they_are_not_wanted(conforming: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets them unless NO_COLOR is set; what is no terminal never."""
    monkeypatch.setenv("TERM", "xterm")
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
    for wanted, stream, no_color in ((True, Terminal(), ""), (False, Terminal(), "1"), (False, io.StringIO(), "")):
        monkeypatch.setenv("NO_COLOR", no_color)
        ConsoleReporter(out=stream, err=Terminal()).on(RunEnded(conforming))
        assert bool(colour.search(stream.getvalue())) is wanted


@contextmanager
def silent_server() -> Iterator[int]:
    """Listen, and answer nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_pipe_is_told_what_is_waited_for(tmp_path: Path) -> None:
    """A server that does not answer: the first line says that it is being reached, long before it is given up."""
    with silent_server() as port:
        url = f"http://127.0.0.1:{port}/sdk"
        command = (sys.executable, "-m", "vcontract", "run", "--target", url, "--report-dir", "r")
        process = subprocess.Popen(  # noqa: S603 - ours
            command, cwd=tmp_path, env=surroundings(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        first = process.stderr.readline()
        assert process.poll() is None
        process.kill()
        process.communicate()
    assert first.startswith(f"reaching {url}")


@pytest.mark.parametrize(
    ("option", "least", "most"), [("-q", 1, 1), ("--quiet", 1, 1), ("", 10, MOST), ("-v", 60, 200)]
)
def test_the_options_say_how_much_is_told(option: str, least: int, most: int, saved: Path, vcontract: Command) -> None:
    """The verdict alone, what a reader needs, or every row, note and cell that tells little."""
    done = vcontract("report", saved, *filter(None, [option]))
    assert done.code == 0
    assert least <= len(done.out) <= most
    assert "2330 calls judged" in done.out[-1]
    assert any("the least is found out: C:a (9)" in line for line in done.out) is (option == "-v")
    for line in done.out:
        assert not re.search(r"(?<!\S)[~?]\w|\[[SMWDOGVCI]( [SMWDOGVCI])*\]|\bP\d\b", line), "shorthand of ours"
