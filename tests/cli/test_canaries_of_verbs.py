"""Canaries in every spelling, in whatever a server may say freely: none is in what any verb writes, prints or hands on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

import pytest

from tests.cli.conftest import Command, Ended
from tests.cli.test_canaries import PASSWORDS, RUN, STEM, Talker, expect_no_canary, talker
from tests.processes import ROOT
from tests.spellings import IN_XML, traces
from tests.windows import fitted
from vcontract._run.step_runner import StepRunner
from vcontract._simulator import SimulatorServer

__all__ = ["talker"]
EVERY_WAY = pytest.mark.parametrize("talker", [tuple(IN_XML)], indirect=True, ids=["spelled"])
CONFIG = ("--config", "vcontract.toml")
MARK = f"of-the-canaries-{uuid4()}"


def in_a_shell(*words: str) -> Ended:
    """Run a command in a process of its own, with all that its own processes say."""
    command, environment = (
        (sys.executable, "-m", "vcontract", *words),
        os.environ | {"PYTHONPATH": str(ROOT / "harness")},
    )
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603 - ours
    return Ended(ended.returncode, ended.stdout.splitlines(), ended.stderr.splitlines())


class Watch:
    """Notes the arguments and the environment of every process that this one starts, while it lasts; they bear a mark."""

    def __init__(self) -> None:
        self.handed: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.05):
            for place in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    environment = (place / "environ").read_bytes()
                    if MARK.encode() in environment:
                        self.handed |= {environment, (place / "cmdline").read_bytes()}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@EVERY_WAY
def test_no_run_and_nothing_made_of_one_shows_any(talker: Talker, vcontract: Command) -> None:
    """Run, recording, its replay, judge, report, compare, cleanup: files, stdout, stderr."""
    told = [vcontract(*RUN, "--max-calls", "40", "--record", "run.rec")]
    assert talker.planted > 40
    talker.former |= talker.seen
    first = next(each for each in Path("reports").iterdir() if not each.is_symlink())
    told += [
        vcontract("run", "--target", "replay:run.rec", "--report-dir", "again"),
        vcontract("judge", first),
        vcontract("report", first, "--format", "json"),
        vcontract("compare", first, "again/latest", "--format", "markdown"),
        vcontract("cleanup", first, *CONFIG),
    ]
    assert [each.code for each in told if each.code in {2, 4}] == []
    expect_no_canary(talker, *told)


@EVERY_WAY
@pytest.mark.parametrize(
    "words",
    [
        ("doctor", *CONFIG, "--write-config", "written.toml"),
        ("adopt", *CONFIG, "--vm", "*", "--yes"),
        (*RUN[:-2], "--explore", "2", "--explore-only", "--max-calls", "20", "--record", "run.rec"),
        ("learn", *CONFIG, "--method", "AbortCustomization_Task", "--max-calls", "20"),
        ("learn", *CONFIG, "--explore-only", "--max-calls", "20", "--out", "states.json"),
    ],
    ids=lambda words: words[0],
)
def test_no_other_verb_shows_any(words: tuple[str, ...], talker: Talker, vcontract: Command) -> None:
    """What looks, marks, explores and learns."""
    told = vcontract(*words)
    assert told.code not in {2, 4}, told.err
    assert talker.planted > 5
    Path("said.txt").write_text("at least one file", "utf-8")
    expect_no_canary(talker, told, least=6)


@EVERY_WAY
@pytest.mark.parametrize(
    "words",
    [
        (*RUN[:-2], "--max-calls", "30", "--workers", "2"),
        ("stress", *CONFIG, "--clients", "2", "--processes", "2", "--vms", "2", "--time-limit", "2"),
    ],
    ids=lambda words: words[0],
)
def test_no_process_that_is_started_is_handed_any(
    words: tuple[str, ...],
    talker: Talker,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Neither in its arguments nor, where passwords stand in files, in its environment; nor does it show any."""
    elsewhere = tmp_path_factory.mktemp("passwords")
    config = Path("vcontract.toml").read_text("utf-8")
    for name, (canary, _) in PASSWORDS.items():
        monkeypatch.delenv(name)
        (elsewhere / name).write_text(canary, "utf-8")
        config = config.replace(f'password_env = "{name}"', f'password_file = "{elsewhere / name}"')
    Path("vcontract.toml").write_text(config, "utf-8")
    talker.one = False
    monkeypatch.setenv("STARTED_BY", MARK)
    with Watch() as watch:
        told = in_a_shell(*words)
    assert told.code not in {2, 4}, told.err
    assert any(words[0].encode() in each or b"worker" in each for each in watch.handed)
    assert [trace for trace in traces(STEM) if any(trace.encode() in each for each in watch.handed)] == []
    expect_no_canary(talker, told, least=6)


TINY = """
target = "{url}"
staleness = 0.02
publish = 0
confirm = 1
[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"
[[guest]]
username = "root"
may_customize = true
password = "e"
[[guest]]
username = "user"
may_customize = false
password = "state"
"""


@pytest.mark.parametrize("crashes", [False, True])
def test_a_letter_or_a_word_as_a_password_mangles_no_text(
    vcontract: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, crashes: bool
) -> None:
    """Neither what we say nor what the server says; where it stands as a password, it is hidden all the same."""

    def crash(*_: object) -> None:
        raise RuntimeError(["e", "the state"], "password=state")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VCONTRACT_DEBUG", "1")
    if crashes:
        monkeypatch.setattr(StepRunner, "walk", crash)
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.02)) as simulator:
        Path("vcontract.toml").write_text(TINY.format(url=simulator.url), "utf-8")
        told = vcontract(
            "run", *CONFIG, "--method", "AbortCustomization_Task", "--max-calls", "10", "--record", "a.rec"
        )
    files = [each for each in Path("reports").rglob("*") if each.is_file() and not each.is_symlink()]
    texts = [each.read_text("utf-8") for each in files] + [*told.out, *told.err, Path("a.rec").read_text("utf-8")]
    assert [
        match[0] for text in texts for match in re.finditer(r".{9}\wsecret:.{9}|secret:guest\.\w+\w{9}", text)
    ] == []
    assert any("vcontract" in text and "state" in text for text in texts)
    if crashes:
        assert "RuntimeError: (['secret:guest.root', 'the state'], 'password=secret:guest.user')" in told.err[-1]
    else:
        assert "secret:guest.root" in Path("a.rec").read_text("utf-8")


VERBS = [
    ("run",),
    ("run", "--dry-run"),
    ("run", "--workers", "2"),
    ("run", "--record", "a.rec"),
    ("run", "--explore", "1"),
    ("doctor",),
    ("adopt", "--vm", "*", "--yes"),
    ("learn",),
    ("cleanup",),
    ("stress", "--clients", "1", "--vms", "1", "--time-limit", "1"),
    ("compare", "--matrix", "--contract", "VirtualMachineGuestCustomizationManager"),
]


@pytest.mark.parametrize("where", ["option", "target", "proxy", "wsdl", "govc"])
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_no_verb_shows_the_password_of_a_url(
    words: tuple[str, ...], where: str, vcontract: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of the target, of a proxy, of a WSDL and of GOVC_URL: in no file, and in no word; each but the last is refused."""
    monkeypatch.chdir(tmp_path)
    for name in ("VCONTRACT_PASSWORD", "GOVC_USERNAME", "GOVC_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    url = f"http://me:{STEM}/:{STEM}@127.0.0.1:1/sdk"
    monkeypatch.setenv("GOVC_URL", url)
    lines = [f'target = "{url if where == "target" else "http://127.0.0.1:1/sdk"}"']
    lines += [f'proxy = "{url}"'] if where == "proxy" else []
    lines += ["[[account]]", 'role = "full"', 'username = "me"', 'password = "some-password-1"']
    options: tuple[str, ...] = () if where in {"option", "govc"} else CONFIG
    if words[0] == "compare":
        words = (*words, *((url, url) if where == "option" else ("http://127.0.0.1:1/sdk",) * 2))
    elif where in {"option", "govc"}:
        options = ("--target", url if where == "option" else "govc")
    if where == "wsdl":
        options = (*options, "--wsdl", url)
    elsewhere = tmp_path / "vcontract.toml"
    elsewhere.write_text("\n".join(lines), "utf-8")
    told = in_a_shell(*words, *options) if words[0] == "stress" else vcontract(*words, *options)
    elsewhere.unlink()
    assert told.code in {2, 3}, told
    assert told.err or told.out
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    written = {str(each): each.read_text("utf-8", "replace") for each in files} | {
        "said": "\n".join([*told.out, *told.err])
    }
    assert {name: trace for name, text in written.items() for trace in traces(STEM) if trace in text} == {}
