"""A timing draws from ranges how long everything takes and by how much it is shown late; a seed draws the same again."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVmomi import vim

from vcontract._errors import UsageError
from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator.inventory import BUILT_IN
from vcontract._simulator.times.timing import BOOT, GUEST_REPORT, READY, RUNTIME_REPORT, TASK_REPORT, Timing, ranges
from vcontract._simulator.vcenter import VCenter

VCENTER = ranges()["vcenter"]
STEP = 0.05
"""Seconds between two looks."""
LONG = 200.0


def until(bench: Any, so: Any, most: float = LONG) -> float:
    """Let time pass until something is so; gives the seconds."""
    passed = 0.0
    while not so():
        assert passed < most, "it did not come about"
        bench.pass_time(STEP)
        passed += STEP
    return passed


def shown_power(machine: Any) -> str:
    """Give the power state that vCenter shows."""
    return str(machine.property("runtime").powerState)


def within(kind: str, seconds: float, *more: str) -> bool:
    """Whether so many seconds are what a kind may take, with what else is waited for, as one looks now and then."""
    least = VCENTER[kind].seconds[0] + sum(VCENTER[other].seconds[0] for other in more)
    most = VCENTER[kind].seconds[1] + sum(VCENTER[other].seconds[1] for other in more)
    return least - STEP <= seconds <= most + 3 * STEP


@pytest.mark.parametrize("seed", range(3))
def test_a_boot_takes_the_times_of_its_ranges_and_is_shown_late(benches: type[Any], seed: int) -> None:
    """Power, then Tools, then the agent; what is shown follows, the power state within its lateness."""
    bench = benches(timing="vcenter", seed=seed)
    machine = bench.vm("linux-1")
    off = bench.call(machine, "PowerOffVM_Task")
    assert within("PowerOffVM_Task", until(bench, lambda: machine.power == "poweredOff"))
    assert until(bench, lambda: off.final) <= VCENTER[TASK_REPORT].seconds[1] + STEP
    until(bench, lambda: shown_power(machine) == "poweredOff", VCENTER[RUNTIME_REPORT].seconds[1] + STEP)
    assert machine.property("guest").toolsRunningStatus == "guestToolsNotRunning"
    on = bench.call(machine, "PowerOnVM_Task")
    assert within("PowerOnVM_Task", until(bench, lambda: machine.power == "poweredOn"))
    assert within(BOOT, until(bench, lambda: machine.tools_status == "guestToolsRunning"))
    assert within(READY, until(bench, lambda: machine.ready))
    assert on.state == "success"
    until(bench, lambda: machine.property("guest").guestOperationsReady, VCENTER[GUEST_REPORT].seconds[1] + STEP)
    assert shown_power(machine) == "poweredOn"


def test_the_end_of_a_task_is_shown_late_and_changes_nothing_more(benches: type[Any]) -> None:
    """Meanwhile it reads as running, its VM is busy, and nothing that happens to the VM makes an error of it."""
    bench = benches(timing="vcenter", seed=5)
    machine = bench.vm("linux-1")
    task = bench.call(machine, "CreateSnapshot_Task", name="one", memory=True, quiesce=False)
    assert within("snapshotWithMemory", until(bench, lambda: machine.roots))
    assert str(task.get_info().state) == "running"
    with pytest.raises(vim.fault.TaskInProgress):
        bench.call(machine, "PowerOffVM_Task")
    task.fail(vim.fault.InvalidState())
    late = until(bench, lambda: task.final)
    assert 0 < late <= VCENTER[TASK_REPORT].seconds[1] + STEP
    assert (str(task.get_info().state), task.error) == ("success", None)


def test_speed_divides_every_time(benches: type[Any]) -> None:
    """Ten times as quick is a tenth of each draw of the same seed, of the late reports too."""
    drawn = [benches(timing=f"vcenter:{speed}", seed=3).vcenter for speed in (1, 10)]
    slow, quick = ([each.timing.late(kind, "vm-1") for kind in VCENTER] for each in drawn)
    assert slow == pytest.approx([10 * seconds for seconds in quick])
    assert [each.settings.report_time for each in drawn] == [60.0, 6.0]


def test_what_is_drawn_for_one_object_does_not_depend_on_others() -> None:
    """Only on the seed, the kind, and how often it was drawn for that object."""
    one, other = (VCenter(Settings(timing="vcenter", seed=1)).timing for _ in range(2))
    drawn = [one.task("PowerOnVM_Task", 1.0, whose="vm-1") for _ in range(3)]
    for _ in range(3):
        other.task("PowerOnVM_Task", 1.0, whose="vm-2")
    assert drawn == [other.task("PowerOnVM_Task", 1.0, whose="vm-1") for _ in range(3)]
    third = VCenter(Settings(timing="vcenter", seed=2)).timing
    assert drawn != [third.task("PowerOnVM_Task", 1.0, whose="vm-1") for _ in range(3)]


def test_every_range_has_a_reason_and_is_one() -> None:
    """The least is no more than the most, neither is negative."""
    for timing in ranges().values():
        for kind, each in timing.items():
            assert 0 <= each.seconds[0] <= each.seconds[1], kind
            assert each.because, kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("esx", "give vcenter, as vcenter or vcenter:10"),
        ("vcenter:", "is no speed"),
        ("vcenter:fast", "is no speed"),
        ("vcenter:0", "is no speed"),
        ("vcenter:-1", "is no speed"),
        ("vcenter:inf", "is no speed"),
        ("vcenter:nan", "is no speed"),
    ],
)
def test_another_text_is_refused_in_one_line(text: str, said: str) -> None:
    """With what may be given."""
    with pytest.raises(UsageError, match=said) as refused:
        VCenter(Settings(timing=text))
    assert "\n" not in str(refused.value)


def test_the_inventory_may_name_it(tmp_path: Path) -> None:
    """The command line goes before the file."""
    file = tmp_path / "inventory.toml"
    file.write_text('timing = "vcenter:4"\n' + BUILT_IN.read_text())
    assert VCenter(Settings(inventory=file)).settings.report_time == 15.0
    assert VCenter(Settings(inventory=file, timing="vcenter:2")).settings.report_time == 30.0
    assert not VCenter(Settings()).timing.drawn


def test_a_request_is_answered_after_its_time() -> None:
    """Each of them, on one connection one after the other."""
    with SimulatorServer(Settings(timing="vcenter")) as server:
        line = HTTPConnection(urlsplit(server.url).netloc)
        began = time.monotonic()
        for _ in range(5):
            line.request("GET", "/sdk/vimServiceVersions.xml")
            reply = line.getresponse()
            assert (reply.status, bool(reply.read())) == (200, True)
        line.request("HEAD", "/sdk/vimServiceVersions.xml")
        assert line.getresponse().read() == b""
        line.close()
    assert time.monotonic() - began >= 6 * VCENTER["request"].seconds[0]


def test_times_without_a_timing_are_those_of_the_settings() -> None:
    """Nothing is drawn, nothing late, and a boot is the setting's."""
    timing: Timing = VCenter(Settings(boot_time=7.0)).timing
    assert timing.task("PowerOnVM_Task", 3.0) == 3.0
    assert [timing.boot("vm-1")(share) for share in (0.5, 1.0)] == [3.5, 7.0]
    assert timing.late("request") == 0.0
