"""A run is killed with -9 wherever it stands, and `vcontract cleanup` makes the inventory what it was before."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from tests.mangler import Exchange, Mangler
from tests.windows import time_options
from vcontract._simulator import SimulatorServer

PATIENCE = 900
Inventory = dict[str, Any]


def vcontract(*arguments: str) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "vcontract", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own


@pytest.fixture
def simulator() -> Iterator[str]:
    """Give the URL of a simulator in a process of its own, which outlives the runs that are killed."""
    with vcontract("simulate", *time_options(0.02, 0.05)) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@contextmanager
def operator(url: str) -> Iterator[Any]:
    """Log in with the vendor's client; gives the content."""
    user, port = "administrator@vsphere.local", urlsplit(url).port
    instance = SmartConnect(protocol="http", host="127.0.0.1", port=port, user=user, pwd="vcontract")
    yield instance.content
    Disconnect(instance)
    instance._stub.DropConnections()


def listed(content: Any, kind: Any) -> list[Any]:
    """List all objects of a type."""
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)  # noqa: FBT003 - pyVmomi's signature
    found = list(view.view)
    view.Destroy()
    return found


def inventory(url: str) -> Inventory:
    """Tell all that an operator sees of hosts and VMs, as the vendor's client reads it."""
    with operator(url) as content:
        hosts = {each.name: each.runtime.connectionState for each in listed(content, vim.HostSystem)}
        vms = {each._moId: _told(each) for each in listed(content, vim.VirtualMachine)}
    return {"hosts": hosts, "vms": vms}


def _told(vm: Any) -> dict[str, Any]:
    return {
        "name": vm.name,
        "power": vm.runtime.powerState,
        "connection": vm.runtime.connectionState,
        "template": vm.config.template,
        "pending": vm.config.tools.pendingCustomization,
        "tools": vm.guest.toolsRunningStatus,
        "snapshots": vm.snapshot and len(vm.snapshot.rootSnapshotList),
        "marks": sorted((each.key, each.value) for each in vm.config.extraConfig),
        "question": vm.runtime.question,
    }


def killed(folder: Path, judged: int, *arguments: str) -> Path:
    """Start a run and kill it once it has sent so many judged calls; gives its directory."""
    run = vcontract("run", "--report-dir", str(folder), *arguments)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and run.poll() is None:
        sent = sum(each.read_bytes().count(b'"purpose":"judge"') for each in folder.glob("2*/history*.jsonl"))
        if sent >= judged:
            break
        time.sleep(0.002)
    run.kill()
    run.communicate()
    assert run.returncode == -signal.SIGKILL
    (directory,) = (each for each in folder.iterdir() if each.name != "latest")
    assert not (directory / "run.json").exists()
    return directory


def cleaned(*arguments: str) -> list[str]:
    """Clean up; gives what was said."""
    done = vcontract("cleanup", *arguments)
    out, err = done.communicate(timeout=PATIENCE)
    assert done.returncode == 0, out + err
    assert out.splitlines()[-1] == "clean"
    return out.splitlines()


@pytest.mark.parametrize(
    ("judged", "named", "arguments"),
    [(40, True, ("--contract", "VirtualMachine")), (12, False, ("--explore", "2", "--explore-only"))],
)
def test_killed_and_cleaned(
    judged: int,
    named: bool,  # noqa: FBT001 - a row
    arguments: tuple[str, ...],
    simulator: str,
    tmp_path: Path,
) -> None:
    """With the run named, or found by its target below the report directory; the second time there is nothing to do."""
    before = inventory(simulator)
    directory = killed(tmp_path, judged, "--target", simulator, "--seed", "5", *arguments)
    assert named or inventory(simulator) != before  # exploration has its clones
    where = (str(directory),) if named else ("--report-dir", str(tmp_path))
    cleaned(*where, "--target", simulator)
    assert inventory(simulator) == before
    assert cleaned("--target", simulator, "--report-dir", str(tmp_path)) == ["clean"]
    assert inventory(simulator) == before


MOMENTS = [("plan", 200 * number + 97) for number in range(10)] + [
    *(("VirtualMachine", 60 * number + 31) for number in range(4)),
    *(("explore", 25 * number + 9) for number in range(4)),
    *(("workers", 300 * number + 150) for number in range(2)),
]
KINDS = {
    "plan": (),
    "VirtualMachine": ("--contract", "VirtualMachine"),
    "explore": ("--explore", "3", "--explore-only"),
    "workers": ("--workers", "2"),
}


@pytest.mark.long
@pytest.mark.parametrize(("kind", "judged"), MOMENTS)
def test_killed_at_any_moment_and_cleaned(kind: str, judged: int, simulator: str, tmp_path: Path) -> None:
    """Twenty moments: in the plan of two contracts, in exploration, and of several workers."""
    before = inventory(simulator)
    seed = str(random.Random(judged).randrange(1000))  # noqa: S311 - no secret
    directory = killed(tmp_path, judged, "--target", simulator, "--seed", seed, *KINDS[kind])
    cleaned(str(directory), "--target", simulator)
    assert inventory(simulator) == before


def test_what_was_off_is_off_again(simulator: str, tmp_path: Path) -> None:
    """A run, whole or killed, leaves a VM that was off or suspended so."""
    with operator(simulator) as content:
        for each in listed(content, vim.VirtualMachine):
            if each.name in {"linux-2", "linux-2nic"}:
                task = each.PowerOff() if each.name == "linux-2" else each.Suspend()
                while task.info.state != "success":
                    time.sleep(0.01)
    before = inventory(simulator)
    assert {each["power"] for each in before["vms"].values()} == {"poweredOn", "poweredOff", "suspended"}
    run = vcontract("run", "--target", simulator, "--report-dir", str(tmp_path), "--max-calls", "150", "--seed", "5")
    run.communicate(timeout=PATIENCE)
    assert inventory(simulator) == before


def test_marks_alone_tell_of_clones_and_snapshots(simulator: str, tmp_path: Path) -> None:
    """The run's directory is gone: clones and snapshots still go, by their marks, and nothing that others made.

    Nobody knows that the run is dead, so its claims must be broken.
    """
    with operator(simulator) as content:
        vm = next(each for each in listed(content, vim.VirtualMachine) if each.name == "linux-4")
        task = vm.CreateSnapshot("vcontract", "the operator's own", memory=False, quiesce=False)
        while task.info.state != "success":
            time.sleep(0.01)
    before = inventory(simulator)
    killed(tmp_path, 12, "--target", simulator, "--seed", "5", "--explore", "2", "--explore-only")
    alone = ("--target", simulator, "--report-dir", str(tmp_path / "none"))
    refused = vcontract("cleanup", *alone)
    _, error = refused.communicate(timeout=PATIENCE)
    assert refused.returncode == 3
    assert "--break-claim" in error
    told = cleaned(*alone, "--break-claim")
    assert any(each.startswith("destroys ") for each in told)
    after = inventory(simulator)
    assert after["vms"].keys() == before["vms"].keys()
    assert {moid: each["snapshots"] for moid, each in after["vms"].items()} == {
        moid: each["snapshots"] for moid, each in before["vms"].items()
    }


def test_a_run_under_way_is_left_alone(simulator: str, tmp_path: Path) -> None:
    """Its clones are not left-overs, and it cannot be cleaned up after."""
    run = vcontract("run", "--report-dir", str(tmp_path), "--target", simulator, "--explore", "3", "--explore-only")
    while not any(b"InstantClone_Task" in each.read_bytes() for each in tmp_path.glob("2*/history.jsonl")):
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGSTOP)  # it stands still, that it does not end meanwhile
    cleanup = vcontract("cleanup", "--target", simulator, "--report-dir", str(tmp_path))
    told = cleanup.communicate(timeout=PATIENCE)[0].splitlines()
    assert cleanup.returncode == 3  # what it has left is not known yet
    run.send_signal(signal.SIGCONT)
    assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=PATIENCE)
    assert any("the run is under way" in each for each in told)
    assert not any(each.startswith("destroys ") for each in told)
    assert "clean" not in told


def test_the_simulator_of_a_run_goes_with_it(tmp_path: Path) -> None:
    """There is nothing to clean then, here or anywhere else."""
    directory = killed(tmp_path, 5, "--seed", "5")
    (told, last) = cleaned(str(directory))
    assert "ended with it; nothing is left" in told
    assert last == "clean"


def test_a_run_is_cleaned_up_after_where_it_was(simulator: str, tmp_path: Path) -> None:
    """The target is named again; its VMs are not those of another vCenter that may have the same moIds."""
    directory = killed(tmp_path, 5, "--target", simulator, "--seed", "5")
    with SimulatorServer() as other, closing(Mangler(other.url, Exchange.ask)) as proxy:
        for where in ((str(directory),), ("--report-dir", str(tmp_path))):
            unnamed = vcontract("cleanup", *where)
            _, told = unnamed.communicate(timeout=PATIENCE)
            assert unnamed.returncode == 2
            assert simulator in told
            assert "name the target" in told
        elsewhere = vcontract("cleanup", str(directory), "--target", proxy.url)
        _, told = elsewhere.communicate(timeout=PATIENCE)
        assert elsewhere.returncode == 2
        assert all(name in told for name in (simulator, proxy.url, "another vCenter"))
        assert proxy.seen.keys() == {"", "RetrieveServiceContent"}
