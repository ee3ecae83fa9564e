"""A run that is killed loses nothing: it goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from tests.mangler import Exchange, Mangler
from tests.windows import time_options
from vcontract._client import Recorder, Target
from vcontract._config.config import LOOPBACK
from vcontract._config.request import MANAGER, RunRequest
from vcontract._contract import load
from vcontract._errors import RunFileError, UsageError
from vcontract._history import STEP, read_history
from vcontract._model import Lever
from vcontract._report.result import RunResult, load_run
from vcontract._run.interrupted_run import interrupted_run_of, resumed
from vcontract._run.rejudge import rejudge
from vcontract._simulator import SimulatorServer
from vcontract._testbed import Site, open_testbed, secrets_of

PATIENCE = 900
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
METHOD = "AbortCustomization_Task"
"""The runs of this file judge one method, so that they are short."""


class Run(NamedTuple):
    """A run that is under way: its process, and its directory."""

    process: subprocess.Popen[str]
    directory: Path


def vcontract(*arguments: str) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "vcontract", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own


@contextmanager
def simulating() -> Iterator[str]:
    """Serve from a process of its own, which outlives the runs that are killed; gives the URL."""
    with vcontract("simulate", *time_options(0.02, 0.08)) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def simulator() -> Iterator[str]:
    """Give the URL of a fresh simulator."""
    with simulating() as url:
        yield url


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Give the result of a whole run of all methods that nobody cut."""
    with simulating() as url:
        return undisturbed(tmp_path_factory.mktemp("whole"), "--target", url, "--seed", "5")


def started(folder: Path, *arguments: str) -> Run:
    """Start a run and wait until its history is there."""
    process = vcontract("run", "--report-dir", str(folder), "--format", "json", *arguments)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        found = [each for each in folder.glob("*/history.jsonl") if each.parent.name != "latest"]
        if found:
            return Run(process, found[0].parent)
        time.sleep(0.02)
    raise AssertionError(f"no run began: {process.communicate()}")


def steps(directory: Path) -> int:
    """Count the steps that a history says were taken."""
    return (directory / "history.jsonl").read_bytes().count(b'"subject":"%s"' % STEP.encode())


def killed(run: Run, after: int) -> None:
    """Kill a run with -9 once it has taken so many steps."""
    until = time.monotonic() + PATIENCE
    while steps(run.directory) < after and run.process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    run.process.kill()
    run.process.communicate()
    assert run.process.returncode == -signal.SIGKILL
    assert not (run.directory / "run.json").exists()


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    process = vcontract(*arguments)
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def went_on(directory: Path, *arguments: str) -> RunResult:
    """Go on with a run to its end."""
    done = vcontract("run", "--resume", str(directory), "--format", "json", *arguments)
    _, told = done.communicate(timeout=PATIENCE)
    assert done.returncode in {0, 1, 5}, told
    return load_run(directory)


def expect_the_same_end(found: RunResult, undisturbed: RunResult, directory: Path) -> None:
    """Expect the verdict on each row, the cells, and an honest history: no operation twice, and judged again the same."""
    assert {each.id: each.verdict for each in found.rows} == {each.id: each.verdict for each in undisturbed.rows}
    assert sorted(found.cells.seen) == sorted(undisturbed.cells.seen)
    assert found.cells.unseen == undisturbed.cells.unseen == []
    assert (found.verdict, found.findings) == (undisturbed.verdict, [])
    assert _but_the_place(found.replay) == _but_the_place(undisturbed.replay)
    history = read_history(directory / "history.jsonl")
    numbers = [each.op for each in history.operations]
    assert numbers == sorted(set(numbers))
    labels = [each["label"] for each in history.noted(STEP)]
    assert len(labels) == len(set(labels))
    assert found.requests == len(numbers)
    assert [replace(each, reason="") for each in rejudge(directory).rows] == [
        replace(each, reason="") for each in found.rows
    ]


def _but_the_place(command: str) -> list[str]:
    """Give the words of a command without the URL."""
    return [each for each in command.split() if "://" not in each]


def undisturbed(folder: Path, *arguments: str) -> RunResult:
    """Do a whole run."""
    run = started(folder, *arguments)
    run.process.communicate(timeout=PATIENCE)
    return load_run(run.directory)


@pytest.mark.long
def test_killed_twice_and_resumed(simulator: str, tmp_path: Path) -> None:
    """Against a server that lives on: killed at two moments, each time it goes on, and ends as a run that was left alone."""
    arguments = ("--target", simulator, "--method", METHOD, "--seed", "5")
    whole = undisturbed(tmp_path / "whole", *arguments)
    run = started(tmp_path / "cut", *arguments)
    killed(run, 60)
    second = vcontract("run", "--resume", str(run.directory), "--target", simulator, "--format", "json")
    killed(Run(second, run.directory), 200)
    found = went_on(run.directory, "--target", simulator)
    assert len(read_history(run.directory / "history.jsonl").resumed) == 2
    expect_the_same_end(found, whole, run.directory)


@pytest.mark.long
@pytest.mark.parametrize("moment", range(10))
def test_killed_at_any_moment(simulator: str, left_alone: RunResult, tmp_path: Path, moment: int) -> None:
    """Ten moments, drawn once."""
    run = started(tmp_path, "--target", simulator, "--seed", "5")
    killed(run, random.Random(moment).randrange(1, 1900))  # noqa: S311 - a moment, no secret
    expect_the_same_end(went_on(run.directory, "--target", simulator), left_alone, run.directory)


def test_a_run_of_the_embedded_simulator_goes_on_with_a_fresh_one(tmp_path: Path) -> None:
    """What the run knew of locks and guests is forgotten: the server is another one."""
    run = started(tmp_path, "--method", METHOD, "--seed", "5")
    killed(run, 80)
    found = went_on(run.directory)
    assert found.exit_code == 0, [each for each in found.rows if each.reason]
    assert (found.cells.unseen, found.findings) == ([], [])


def test_what_cannot_go_on_says_so(tmp_path: Path) -> None:
    """No directory, no history, one without a beginning: a line each."""
    with pytest.raises(RunFileError, match=r"history\.jsonl: cannot be read"):
        interrupted_run_of(tmp_path)
    (tmp_path / "history.jsonl").write_text("")
    with pytest.raises(RunFileError, match="does not say what was asked of the run"):
        interrupted_run_of(tmp_path)


def test_it_goes_on_only_where_it_was(simulator: str, tmp_path: Path) -> None:
    """Another API version or other VMs: the run ends before its first call, and its history stays as it was."""
    run = started(tmp_path, "--target", simulator, "--method", METHOD, "--max-calls", "5")
    run.process.communicate(timeout=PATIENCE)
    interrupted = interrupted_run_of(tmp_path / "latest")
    assert interrupted.directory == run.directory.resolve()
    interrupted.check(interrupted.facts)
    with pytest.raises(UsageError, match="it cannot go on here"):
        interrupted.check(replace(interrupted.facts, api_version="9.1.0.0"))
    with pytest.raises(UsageError, match=r"VMs of the run are gone or no longer marked: \w+"):
        interrupted.check(replace(interrupted.facts, vms={}))


def test_its_directory_does_not_say_where_to_log_in(simulator: str, tmp_path: Path) -> None:
    """The target is named again, or nothing is sent; another vCenter is told from it by its UUID, before a login."""
    run = started(tmp_path, "--target", simulator, "--method", METHOD, "--seed", "5")
    killed(run, 5)
    unnamed = ended("run", "--resume", str(run.directory))
    assert (unnamed.returncode, simulator in unnamed.stderr, "name the target again" in unnamed.stderr) == (
        2,
        True,
        True,
    )
    with SimulatorServer() as other, closing(Mangler(other.url, Exchange.ask)) as proxy:
        elsewhere = ended("run", "--resume", str(run.directory), "--target", proxy.url)
        assert elsewhere.returncode == 2
        assert all(name in elsewhere.stderr for name in (simulator, proxy.url))
        there, here = UUID.findall(elsewhere.stderr)
        assert there == interrupted_run_of(run.directory).facts.instance != here
        assert proxy.seen.keys() == {"", "RetrieveServiceContent"}


def test_nothing_that_the_directory_names_is_opened(simulator: str, tmp_path: Path) -> None:
    """A configuration and a WSDL are named again by who goes on; what a history says of them is only told."""
    run = started(tmp_path, "--target", simulator, "--method", METHOD, "--seed", "5")
    killed(run, 5)
    history = run.directory / "history.jsonl"
    lines = history.read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if b'"subject":"run"' in line)
    kept = lines[place]
    for option, value in (("config", "/nowhere/evil.toml"), ("wsdl", "http://192.0.2.1/evil.wsdl")):
        note = json.loads(kept)
        note["facts"][option] = value
        lines[place] = json.dumps(note).encode() + b"\n"
        history.write_bytes(b"".join(lines))
        refused = ended("run", "--resume", str(run.directory), "--target", simulator)
        assert refused.returncode == 2
        assert f"the run was given --{option} {value}: name it again" in refused.stderr


def test_what_is_run_in_guests_and_what_is_no_vm_is_not_taken_from_a_directory(simulator: str, tmp_path: Path) -> None:
    """A lever is the configuration's; which moIds are no VMs the target says itself; or the guard would let calls pass."""
    run = started(tmp_path, "--target", simulator, "--method", METHOD, "--max-calls", "3")
    run.process.communicate(timeout=PATIENCE)
    interrupted, contract = interrupted_run_of(run.directory), load(MANAGER)
    evil = Lever("stopTools", "/bin/sh", "-c evil")
    facts = interrupted.facts
    with pytest.raises(UsageError, match="the levers of the configuration are not those of the run"):
        replace(interrupted, facts=replace(facts, levers=(*facts.levers, evil))).check(facts)
    kept = replace(interrupted, facts=replace(facts, levers=(evil,))).with_levers(facts.levers)
    assert kept.facts.levers == ()
    forged = replace(interrupted, facts=replace(facts, others={**facts.others, "vm-99": "Folder"}))
    target = Target.open(simulator, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
    with closing(target):
        testbed = open_testbed(Site(target, contract, LOOPBACK, RunRequest()), resumed(forged))
        assert "vm-99" not in testbed.guard.others
        assert testbed.guard.others == facts.others.keys()
