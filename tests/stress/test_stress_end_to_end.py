"""`vcontract stress` as its users run it: one process and several, verdicts, what is left when it is cut."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from vcontract._history import read_history

VCONTRACT = (sys.executable, "-m", "vcontract")
ROWS = {"legal-order", "one-customization", "blamed-task", "kept-tasks", "guest-names", "own-sessions", "replies"}


def test_a_faithful_simulator_conforms_and_is_judged_the_same_again(load: Any) -> None:
    """Every guarantee had something to judge; the saved history tells the same without a server."""
    ended = load.run("--clients", "16", "--vms", "4")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = load.result
    assert found["verdict"] == "conforms"
    assert {row["id"].rpartition("/")[2] for row in found["rows"]} == ROWS
    assert all(row["verdict"] == "conforms" for row in found["rows"])
    assert found["stress"]["legal"] == {"legal": 4}
    assert found["calls"] > 50
    outcomes = {(each["method"], each["outcome"]) for each in found["stress"]["latencies"]}
    assert {("CustomizeGuest_Task", "OK"), ("CustomizeGuest_Task", "TaskInProgress")} <= outcomes
    assert {("CustomizeGuest_Task", "NoPermission"), ("Login", "OK")} <= outcomes
    assert all(
        each["p50"] <= each["p95"] <= each["p99"] <= 1.01 * each["longest"] for each in found["stress"]["latencies"]
    )
    again = subprocess.run(  # noqa: S603 - our own
        (*VCONTRACT, "judge", str(load.reports / "latest"), "--format", "json"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = json.loads(again.stdout)
    assert again.returncode == 0
    assert {name: told[name] for name in ("verdict", "rows", "calls", "requests", "findings", "stress")} == {
        name: found[name] for name in ("verdict", "rows", "calls", "requests", "findings", "stress")
    }


def test_two_workers_and_a_master_give_one_verdict(load: Any) -> None:
    """Three processes; the histories are with the workers, and are judged together."""
    ended = load.run("--clients", "5", "--vms", "4", "--processes", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = load.result
    files = [load.reports / "latest" / each for each in found["stress"]["histories"]]
    assert len(files) == 2
    assert found["stress"]["clients"] == 5
    assert found["stress"]["vms"] == 4
    assert found["stress"]["legal"] == {"legal": 4}
    parts = [json.loads(each.with_name("run.json").read_text()) for each in files]
    assert found["calls"] == sum(each["calls"] for each in parts)
    machines = [_customized(each) for each in files]
    assert all(machines)
    assert not machines[0] & machines[1]
    judge = (*VCONTRACT, "judge", *(str(each.parent) for each in files), "--format", "json")
    again = json.loads(subprocess.run(judge, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - our own
    assert again["rows"] == found["rows"]


PAGE = ("127.0.0.1", 8089)


def test_locusts_page_shows_the_load(load: Any) -> None:
    """While the clients work it counts outcomes by method; then it is gone. Where its port is taken nothing is started."""
    with suppress(OSError), socket.create_server(PAGE):  # where it cannot be had it is taken already
        assert_taken(load.run("--clients", "2", "--vms", "2", "--web"), load)
    place = ("--report-dir", str(load.reports))
    command = (*VCONTRACT, "stress", "--clients", "4", "--vms", "2", "--time-limit", "600", "--web", *place)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603 - our own
        counted: dict[str, int] = {}
        while process.poll() is None and not any(map(_customizes, counted)):
            time.sleep(0.2)
            with suppress(OSError), urlopen(f"http://{PAGE[0]}:{PAGE[1]}/stats/requests", timeout=60) as page:
                counted = {each["name"]: each["num_requests"] for each in json.load(page)["stats"]}
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=300)
    assert process.returncode == 5, told  # it was cut
    assert sum(count for name, count in counted.items() if _customizes(name)) > 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(PAGE, 1)


def _customizes(name: str) -> bool:
    return name.startswith("CustomizeGuest_Task")


def test_a_master_whose_port_is_taken_says_so(load: Any) -> None:
    """Nothing is started then."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert_taken(load.run("--clients", "2", "--vms", "2", "--master", "--port", port), load)


def assert_taken(ended: subprocess.CompletedProcess[str], load: Any) -> None:
    """Assert that a run ended with one line about a port before it began."""
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "already in use" in line
    assert not load.reports.exists()


def _customized(history: Path) -> set[str]:
    calls = [each.call for each in read_history(history).operations]
    return {each.arguments["vm"]["value"] for each in calls if each.method == "CustomizeGuest_Task"}


def test_a_broken_lock_is_found_and_drawn(load: Any, simulator: Any) -> None:
    """Exit 1, the order that is missing as data and as a picture; tasks are over at once, so that few are cut by an abort."""
    with simulator("--defect", "lock-never-freed", "--task-time", "0") as url:
        for seconds in (3, 12, 24):  # a busy machine makes few calls in three
            ended = load.run("--clients", "6", "--vms", "2", "--target", url, seconds=seconds)
            if "legal-order" in load.broken():
                break
    assert ended.returncode == 1, ended.stdout + ended.stderr
    order = next(each for each in load.result["findings"] if each["row"].endswith("/legal-order"))
    assert order["ops"]
    assert "no legal order at operation" in ended.stdout
    picture = (load.reports / "latest" / f"timeline-{order['id']}.svg").read_text()
    assert f"no legal order at operation {order['op']}" in picture


def test_ctrl_c_keeps_what_is_known(load: Any) -> None:
    """The clients end their steps, the VMs are brought to rest, and what was recorded is judged; the whole is no green."""
    command = (*VCONTRACT, "stress", "--time-limit", "600", "--clients", "4", "--vms", "2", "--seed", "1")
    with subprocess.Popen((*command, "--report-dir", str(load.reports))) as process:  # noqa: S603 - our own
        _until(lambda: any(b'"judge"' in each.read_bytes() for each in load.reports.glob("*/history.jsonl")))
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 5  # long before its time is over
    found = load.result
    assert (found["verdict"], found["exit_code"]) == ("inconclusive", 5)
    assert "conforms" in {row["verdict"] for row in found["rows"]}
    assert not found["findings"]
    assert any("interrupted" in note for note in found["notes"])


def _until(happened: Any, seconds: float = 300.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--target", "http://127.0.0.1:9/sdk"), 3, "127.0.0.1:9"),
        (("--clients", "1", "--processes", "2"), 2, "--processes 2: each worker needs a client"),
        (("--mix", "/nowhere/mix.toml"), 2, "/nowhere/mix.toml: cannot be read"),
        (("--worker", "127.0.0.1:x"), 2, "x is no port"),
        (("--master", "--worker", "127.0.0.1"), 2, "a process is one or the other"),
        (("--target", "replay:file"), 2, "replay"),
    ],
)
def test_what_cannot_be_is_one_line(load: Any, options: tuple[str, ...], code: int, says: str) -> None:
    """With the exit code that goes with it."""
    ended = load.run(*options)
    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len([line for line in ended.stderr.strip().splitlines() if not line.startswith("reaching ")]) == 1


def test_more_vms_than_there_are(load: Any, simulator: Any) -> None:
    """Exit 3, and how many there are; nothing was disturbed, and no directory is left."""
    with simulator() as url:
        ended = load.run("--vms", "99", "--target", url)
    assert ended.returncode == 3
    assert "--vms asks for 99" in ended.stderr
    assert not load.reports.exists()


def test_no_vm_without_a_mark_is_disturbed(load: Any, simulator: Any, tmp_path: Path) -> None:
    """A configuration of another owner finds no VM of its own."""
    config = tmp_path / "vcontract.toml"
    config.write_text(
        'owner = "somebody"\n[[account]]\nrole = "full"\nusername = "administrator@vsphere.local"\npassword = "vcontract"\n'
    )
    with simulator() as url:
        ended = load.run("--config", str(config), "--target", url)
    assert ended.returncode == 3
    assert "no VM carries the mark vcontract.owner = somebody" in ended.stderr
