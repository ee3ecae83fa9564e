"""Clones that are made for a run: it disturbs these alone, and none is left, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._client import Secrets, Target
from vcontract._client.properties import list_vms
from vcontract._commands.doctor import diagnose
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._errors import TargetError, UsageError
from vcontract._history import read_history
from vcontract._run.former_runs import resumed
from vcontract._run.rejudge import rejudge
from vcontract._simulator import SimulatorServer
from vcontract._terms import Ref, subject
from vcontract._workers.launch import launch

MANAGER = "VirtualMachineGuestCustomizationManager"
CONFIG = """
staleness = 0.02
publish = 0.0
confirm = 1
task_seconds = 2.0

[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"

[[guest]]
username = "root"
password = "guest"
may_customize = true

[[vm]]
name = "NAME"
clones = 2
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """Give a simulator for all tests of this file."""
    with SimulatorServer(fitted()) as running:
        yield running


def request(server: SimulatorServer, folder: Path, name: str = "linux-[12]", **options: int) -> RunRequest:
    """Make a request that wants two clones of each VM of a name."""
    file = folder / "vcontract.toml"
    file.write_text(CONFIG.replace("NAME", name), "utf-8")
    chosen = RunRequest(seed=1, methods=("StartGuestNetwork_Task",), max_calls=options.get("max_calls", 0))
    return replace(chosen, target=server.url, config=file, report_dir=folder / "reports", output="none")


def machines(server: SimulatorServer) -> dict[Ref, str]:
    """Name the VMs that the server has."""
    target = Target.open(server.url, secrets=Secrets({"x": "vcontract"}))
    target.login("full", "administrator@vsphere.local", "x")
    found = {ref: str(each["name"]) for ref, each in list_vms(target, "full", ["name"]).items()}
    target.close()
    return found


def changed(folder: Path) -> dict[str, set[str]]:
    """Give the methods, beside reads, that were called on or about each VM, by its moId, by anybody."""
    found: dict[str, set[str]] = {}
    for file in (folder / "reports" / "latest").glob("history*.jsonl"):
        for each in read_history(file).operations:
            if each.purpose != "read" and subject(each.call):
                found.setdefault(subject(each.call), set()).add(each.call.method)
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_the_clones_alone_are_disturbed(server: SimulatorServer, tmp_path: Path, workers: int) -> None:
    """The parents are cloned, all others left alone; at the end every clone is gone, and the saved run is judged the same."""
    before = machines(server)
    asked = request(server, tmp_path, max_calls=200)
    result = execute(asked) if workers == 1 else launch(replace(asked, workers=workers))
    assert machines(server) == before
    touched = changed(tmp_path)
    parents = {ref.value for ref, name in before.items() if name in {"linux-1", "linux-2"}}
    assert {moid: touched.pop(moid) for moid in parents} == {moid: {"InstantClone_Task"} for moid in parents}
    assert touched.keys() & {ref.value for ref in before} == set()
    assert result.calls > 150
    assert (result.findings, [each for each in result.notes if each.startswith("not restored")]) == ([], [])
    again = rejudge(tmp_path / "reports" / "latest", "")
    assert [(each.id, each.verdict) for each in again.rows] == [(each.id, each.verdict) for each in result.rows]


def test_a_run_that_does_not_get_under_way_leaves_no_clone(
    server: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after the clones were made, and before the first call."""
    before = machines(server)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vcontract._testbed.testbed.as_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        execute(request(server, tmp_path))
    assert machines(server) == before
    assert not (tmp_path / "reports").exists()


def test_a_run_that_was_killed_destroys_its_clones_when_it_goes_on(server: SimulatorServer, tmp_path: Path) -> None:
    """They are left after `kill -9`, taken over, and gone at the end; then the run cannot go on once more."""
    before = machines(server)
    plain = request(server, tmp_path)
    command = [sys.executable, "-m", "vcontract", "run", "--target", server.url, "--seed", "1"]
    command += [
        "--config",
        str(plain.config),
        "--report-dir",
        str(plain.report_dir),
        "--method",
        plain.methods[0],
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own
        patience = time.monotonic() + 300
        while b'"subject":"step"' not in history(tmp_path) and time.monotonic() < patience:
            time.sleep(0.05)
        process.kill()
    left = machines(server).keys() - before.keys()
    assert len(left) >= 4
    (directory,) = (each for each in (tmp_path / "reports").iterdir() if not each.is_symlink())
    goes_on = replace(plain, max_calls=60)
    assert execute(*resumed(directory, goes_on)).calls >= 60
    assert machines(server) == before
    with pytest.raises(UsageError, match="VMs of the run are gone or no longer marked: linux-1-vcontract-own-1"):
        execute(*resumed(directory, goes_on))


def history(folder: Path) -> bytes:
    """Read what the run has written so far."""
    return b"".join(each.read_bytes() for each in (folder / "reports").glob("*/history.jsonl"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("linux-template", "no clone could be made: linux-template must be on"),
        ("nobody", "no marked VM has a name of which"),
    ],
)
def test_what_cannot_be_cloned(server: SimulatorServer, tmp_path: Path, name: str, said: str) -> None:
    """One line, of `run` and of `doctor`, and nothing was changed."""
    before = machines(server)
    with pytest.raises((TargetError, UsageError), match=said):
        execute(request(server, tmp_path, name))
    found = diagnose(request(server, tmp_path, name), lambda _: None)
    assert found.exit_code in {2, 3}
    assert any(each.text.startswith("!! clones: ") for each in found.checks)
    assert machines(server) == before


def test_doctor_says_what_will_be_cloned(server: SimulatorServer, tmp_path: Path) -> None:
    """And foresees the rows by the parents, for the clones will be like them."""
    told = [each.text for each in diagnose(request(server, tmp_path), lambda _: None).checks]
    assert "ok clones: 2 of linux-1, 2 of linux-2 will be made, tested and destroyed; no other VM is disturbed" in told
    assert not any("will stay untested: no marked VM fits" in each and "InvalidPowerState" in each for each in told)
