"""What Tools report is late by a bounded time and comes in parts; what is reported in the end is what is so."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from pyVmomi import vim

CUSTOMIZE, NETWORK = "CustomizeGuest_Task", "StartGuestNetwork_Task"
MOST = 4.0
"""Seconds by which the reports of these tests are late at the most; a task is over before."""
LONG = 100.0
SEEDS = range(12)
Look = tuple[str | None, tuple[tuple[str, tuple[str, ...]], ...]]


def look(bench: Any, name: str) -> Look:
    """Read host name, and the addresses of each adapter by its MAC, in the order in which they are told."""
    guest = bench.vm(name).get_guest()
    return guest.hostName, tuple((nic.macAddress, tuple(nic.ipAddress)) for nic in guest.net)


def looks(bench: Any, name: str, seconds: float, steps: int = 40) -> list[Look]:
    """Let time pass, and give everything that is shown meanwhile, once each, in order."""
    seen = [look(bench, name)]
    for _ in range(steps):
        bench.pass_time(seconds / steps)
        now = look(bench, name)
        if now != seen[-1]:
            seen.append(now)
    return seen


def renamed(bench: Any, name: str = "linux-2nic") -> Look:
    """Give a guest another name and other addresses at once; gives what was shown before."""
    before = look(bench, name)
    machine = bench.vm(name)
    machine.guest.host_name = "web-1"
    for place, interface in enumerate(machine.guest.network.interfaces):
        interface.address = f"192.0.2.{10 + place}"
    machine.changed()
    return before


def test_reports_that_are_not_late_show_what_is_so(benches: type[Any]) -> None:
    """At once, and in the order of the adapters."""
    bench = benches(report_time=0.0)
    renamed(bench)
    name, nics = look(bench, "linux-2nic")
    assert name == "web-1"
    assert [addresses for _, addresses in nics] == [("192.0.2.10",), ("192.0.2.11",)]


@pytest.mark.parametrize("seed", SEEDS)
def test_after_the_longest_time_everything_is_told(benches: type[Any], seed: int) -> None:
    """Whatever the seed, and nothing of it before it is so."""
    bench = benches(report_time=MOST, seed=seed)
    before = renamed(bench)
    assert look(bench, "linux-2nic") == before
    bench.pass_time(MOST)
    name, nics = look(bench, "linux-2nic")
    assert name == "web-1"
    assert sorted(addresses for _, addresses in nics) == [("192.0.2.10",), ("192.0.2.11",)]


def test_name_and_addresses_come_each_in_its_time_and_the_addresses_in_parts(benches: type[Any]) -> None:
    """Among some seeds: either first, adapters without addresses, with those of the link alone, none, and in either order."""
    first, parts, orders = set(), set(), set()
    for seed in SEEDS:
        bench = benches(report_time=MOST, seed=seed)
        before = renamed(bench)
        seen = looks(bench, "linux-2nic", MOST)
        early = next(each for each in seen if each[0] == "web-1" or ("192.0.2.10",) in dict(each[1]).values())
        first.add(early[0])
        orders.add(tuple(address for _, [address] in seen[-1][1]))
        parts |= {
            tuple(sorted({address for _, held in nics for address in held}))
            for _, nics in seen
            if {mac for mac, _ in nics} <= {mac for mac, _ in before[1]} and nics not in (before[1], seen[-1][1])
        }
    assert first == {"web-1", "linux-2nic"}
    assert orders == {("192.0.2.10", "192.0.2.11"), ("192.0.2.11", "192.0.2.10")}
    assert () in parts
    links = [address for part in parts for address in part]
    assert links
    assert all(ipaddress.ip_address(each).is_link_local for each in links)


def test_a_guest_that_goes_on_changing_is_never_told_later(benches: type[Any]) -> None:
    """What changes while a report is under way is told within its own longest time."""
    bench = benches(report_time=MOST)
    renamed(bench)
    bench.pass_time(MOST / 2)
    bench.vm("linux-2nic").guest.host_name = "web-2"
    bench.vm("linux-2nic").changed()
    names = [name for name, _ in looks(bench, "linux-2nic", MOST)]
    assert names[-1] == "web-2"
    assert "linux-2nic" not in names[1:]


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_after_a_boot_nothing_is_shown_until_tools_have_told_it(benches: type[Any], seed: int) -> None:
    """They run before they have told anything; then all comes within the longest time."""
    bench = benches(report_time=MOST, seed=seed)
    before = look(bench, "linux-1")
    bench.do(bench.vm("linux-1"), "ResetVM_Task")
    bench.pass_time(8.0 - 2.0)
    assert bench.vm("linux-1").tools_status == "guestToolsRunning"
    assert look(bench, "linux-1") == (None, ())
    bench.pass_time(MOST)
    assert look(bench, "linux-1") == before


def test_a_clone_shows_its_parent_until_its_own_first_report(benches: type[Any]) -> None:
    """Name, addresses and MACs are the parent's at first; then the adapters are its own."""
    bench = benches(report_time=LONG)
    renamed(bench, "linux-1")
    bench.pass_time(LONG)
    parent = look(bench, "linux-1")
    location = vim.vm.RelocateSpec()
    bench.do(bench.vm("linux-1"), "InstantClone_Task", spec=vim.vm.InstantCloneSpec(name="child", location=location))
    shown = looks(bench, "child", LONG)
    assert shown[0] == parent
    assert shown[-1] == ("web-1", ((bench.vm("child").nics[0].mac, ("192.0.2.10",)),))
    assert look(bench, "linux-1") == parent


def test_state_of_tools_is_never_late(benches: type[Any]) -> None:
    """Whether they run, and whether the guest answers, is shown as it is."""
    bench = benches(report_time=MOST)
    bench.run_in_guest("linux-1", "/usr/bin/systemctl", "stop vmtoolsd")
    guest = bench.vm("linux-1").get_guest()
    assert (guest.toolsRunningStatus, guest.guestOperationsReady, guest.hostName) == (
        "guestToolsNotRunning",
        False,
        None,
    )


def test_who_waits_for_a_change_is_woken_by_the_report(benches: type[Any]) -> None:
    """A report is an entry of the agenda, so that the clock can skip to it."""
    bench = benches(report_time=MOST)
    renamed(bench, "linux-1")
    assert bench.vcenter.timeline.skip(MOST)
    assert bench.vcenter.timeline.now() < MOST


def test_the_same_seed_reports_alike(benches: type[Any]) -> None:
    """The times and the parts are drawn from the seed."""
    seen = []
    for seed in (3, 3, 4):
        bench = benches(report_time=MOST, seed=seed)
        renamed(bench)
        seen.append(looks(bench, "linux-2nic", MOST))
    assert seen[0] == seen[1] != seen[2]


def test_further_addresses_of_an_adapter(benches: type[Any]) -> None:
    """They stand beside its own, and stay."""
    bench = benches(variants=frozenset({"reports-with-several-addresses"}))
    [(_, before)] = look(bench, "linux-1")[1]
    assert bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())
    bench.pass_time(3.0)
    assert bench.guest_call(NETWORK, "linux-1")
    bench.pass_time(3.0)
    [(_, held)] = look(bench, "linux-1")[1]
    assert "192.0.2.10" in held
    assert set(before) - {*held} == {before[1]}
    assert len(held) == len(before) == 4
