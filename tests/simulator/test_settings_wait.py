"""When the settings of a customization come into effect: they are written, and taken up by a network start or a boot."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from vcontract._simulator.guest.network import lease
from vcontract._simulator.guest.state import Lock

CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
AT_ONCE = "settings-show-at-once"


def ended(bench: Any, task: Any) -> Any:
    """Let a task end; gives its TaskInfo."""
    bench.pass_time(3.0)
    return task.get_info()


def customize(bench: Any, name: str = "linux-1", **spec: Any) -> None:
    """Customize a guest, successfully."""
    assert ended(bench, bench.guest_call(CUSTOMIZE, name, spec=bench.spec(**spec))).state == "success"


def start(bench: Any, name: str = "linux-1") -> None:
    """Start the network of a guest, successfully."""
    assert ended(bench, bench.guest_call(NETWORK, name)).state == "success"


def shown(bench: Any, name: str = "linux-1") -> tuple[str | None, list[str]]:
    """Give the host name and the first address of each adapter that Tools report."""
    guest = bench.vm(name).get_guest()
    return guest.hostName, [address for nic in guest.net for address in nic.ipAddress[:1]]


def booted(bench: Any, how: str, name: str = "linux-1") -> None:
    """Boot a guest, and wait for its Tools."""
    machine = bench.vm(name)
    if how == "PowerOnVM_Task":
        bench.do(machine, "PowerOffVM_Task")
    if how == "RebootGuest":
        bench.call(machine, how)
        bench.pass_time(10.0)
    else:
        bench.do(machine, how)
    bench.pass_time(10.0)
    assert machine.ready


def test_a_success_alone_changes_nothing_that_shows(bench: Any) -> None:
    """The guest runs on with its old name and address, and says that it was customized."""
    before = shown(bench)
    customize(bench)
    assert shown(bench) == before
    assert bench.vm("linux-1").get_guest().customizationInfo.customizationStatus == "TOOLSDEPLOYPKG_SUCCEEDED"


def test_the_network_start_takes_name_and_addresses_up(bench: Any) -> None:
    """Once, and a further start changes nothing."""
    customize(bench, "linux-2nic", nics=2)
    for _ in range(2):
        start(bench, "linux-2nic")
        assert shown(bench, "linux-2nic") == ("web-1", ["192.0.2.10", "192.0.2.10"])


@pytest.mark.parametrize("how", ["ResetVM_Task", "PowerOnVM_Task", "RebootGuest"])
def test_a_boot_takes_name_and_addresses_up(bench: Any, how: str) -> None:
    """Reset, power cycle and reboot do; they are not lost with the guest's memory."""
    customize(bench)
    booted(bench, how)
    assert shown(bench) == ("web-1", ["192.0.2.10"])


def test_the_last_specification_is_taken_up(bench: Any) -> None:
    """Of two that were written the second one; a lease where it asks for one."""
    customize(bench)
    customize(bench, host_name="web-2", address=None)
    start(bench)
    assert shown(bench) == ("web-2", [lease(bench.vm("linux-1").nics[0].mac)])


def test_what_took_effect_stays_when_a_start_is_cut(bench: Any) -> None:
    """A start that an abort cuts takes nothing more up; what is written waits for the next one."""
    customize(bench)
    start(bench)
    customize(bench, host_name="web-2", address="192.0.2.11")
    cut = bench.guest_call(NETWORK, "linux-1")
    assert ended(bench, bench.guest_call(ABORT, "linux-1")).state == "success"
    assert cut.get_info().state == "error"
    assert shown(bench) == ("web-1", ["192.0.2.10"])
    start(bench)
    assert shown(bench) == ("web-2", ["192.0.2.11"])


def test_adapters_that_come_and_go_meanwhile(bench: Any) -> None:
    """What is written follows the adapters that the machine has."""
    customize(bench, "linux-2nic", nics=2)
    machine = bench.vm("linux-2nic")
    second = vim.vm.device.VirtualVmxnet3(key=machine.nics[1].key)
    change = vim.vm.device.VirtualDeviceSpec(operation="remove", device=second)
    bench.do(machine, "ReconfigVM_Task", spec=vim.vm.ConfigSpec(deviceChange=[change]))
    start(bench, "linux-2nic")
    assert shown(bench, "linux-2nic") == ("web-1", ["192.0.2.10"])
    assert len(machine.guest.network.interfaces) == 1


@pytest.mark.parametrize(
    ("variant", "done", "started", "rebooted"),
    [
        ("", (0, 0), (1, 1), (1, 1)),
        ("name-waits-for-the-boot", (0, 0), (0, 1), (1, 1)),
        ("only-a-boot-takes-a-name-up", (0, 1), (0, 1), (1, 1)),
        (AT_ONCE, (1, 1), (1, 1), (1, 1)),
    ],
)
def test_other_ways(
    benches: type[Any], variant: str, done: tuple[int, int], started: tuple[int, int], rebooted: tuple[int, int]
) -> None:
    """Whether name and address are the new ones after the success, after a network start, and after a boot."""
    bench = benches(variants=frozenset({variant} - {""}))
    old_name, [old_address] = shown(bench)
    looks = []
    customize(bench)
    looks.append(shown(bench))
    start(bench)
    looks.append(shown(bench))
    booted(bench, "ResetVM_Task")
    looks.append(shown(bench))
    wanted = [
        ((old_name, "web-1")[name], [(old_address, "192.0.2.10")[address]])
        for name, address in (done, started, rebooted)
    ]
    assert looks == wanted


def test_no_server_that_gives_leases(benches: type[Any]) -> None:
    """A network start leaves an adapter that asks for a lease without an address, and a static one as it is set."""
    bench = benches(variants=frozenset({"network-start-brings-no-lease"}))
    start(bench)
    assert shown(bench) == ("linux-1", [])
    customize(bench)
    start(bench)
    assert shown(bench) == ("web-1", ["192.0.2.10"])


def test_a_network_start_holds_the_lock(bench: Any) -> None:
    """While it runs; it frees it at its end, and leaves one that was left behind alone."""
    seen = []
    for _ in range(2):
        task = bench.guest_call(NETWORK, "linux-1")
        seen.append(bench.vm("linux-1").guest.lock)
        assert ended(bench, task).state == "success"
        seen.append(bench.vm("linux-1").guest.lock)
        bench.vm("linux-1").guest.lock = Lock.ORPHANED
    assert seen == [Lock.HELD, Lock.FREE, Lock.ORPHANED, Lock.ORPHANED]


def test_a_network_start_without_a_lock(benches: type[Any]) -> None:
    """A guest may need none."""
    bench = benches(variants=frozenset({"network-start-takes-no-lock"}))
    task = bench.guest_call(NETWORK, "linux-1")
    assert bench.vm("linux-1").guest.lock is Lock.FREE
    assert ended(bench, task).state == "success"


@pytest.mark.parametrize("left", [Lock.FREE, Lock.ORPHANED])
def test_the_lock_of_a_cut_start(benches: type[Any], left: Lock) -> None:
    """It is free, or stays until an abort; a customization then succeeds."""
    bench = benches(variants=frozenset({"cut-network-start-leaves-its-lock"} if left is Lock.ORPHANED else ()))
    bench.guest_call(NETWORK, "linux-1")
    bench.do(bench.vm("linux-1"), "SuspendVM_Task")
    bench.do(bench.vm("linux-1"), "PowerOnVM_Task")
    bench.pass_time(10.0)
    assert bench.vm("linux-1").guest.lock is left
    assert ended(bench, bench.guest_call(ABORT, "linux-1")).state == "success"
    customize(bench)


def test_a_guest_that_refuses_beside_a_network_start(benches: type[Any]) -> None:
    """Both other operations are accepted and fail in the guest; the first start goes on to its end."""
    bench = benches(variants=frozenset({"guest-refuses-beside-a-network-start"}))
    first = bench.guest_call(NETWORK, "linux-1")
    beside = [bench.call("GuestCustomizationManager", NETWORK, vm=bench.vm("linux-1").ref, auth=bench.root)]
    where = {"vm": bench.vm("linux-1").ref, "auth": bench.root}
    beside.append(bench.call("GuestCustomizationManager", CUSTOMIZE, **where, spec=bench.spec()))
    bench.pass_time(0.1)
    assert [type(task.get_info().error) for task in beside] == [vim.fault.CustomizationFault] * 2
    assert ended(bench, first).state == "success"
    assert shown(bench)[0] == "linux-1"


@pytest.mark.parametrize("method", [NETWORK, "ResetVM_Task"])
@pytest.mark.parametrize(
    ("defect", "name", "address"),
    [
        ("settings-never-taken-up", "linux-1", ""),
        ("host-name-not-applied", "linux-1", "192.0.2.10"),
        ("address-not-applied", "web-1", ""),
    ],
)
def test_settings_that_are_never_taken_up(
    benches: type[Any], defect: str, name: str, address: str, method: str
) -> None:
    """Neither by a network start nor by a boot."""
    bench = benches(defects=frozenset({defect}))
    _, [old] = shown(bench)
    customize(bench)
    start(bench) if method == NETWORK else booted(bench, method)
    assert shown(bench) == (name, [address or old])


def test_a_third_address_for_good(benches: type[Any]) -> None:
    """A start gives one that nobody has set, and it stays over a boot."""
    bench = benches(defects=frozenset({"network-start-gives-another-address"}))
    customize(bench)
    start(bench)
    assert shown(bench) == ("web-1", ["198.51.100.100"])
    booted(bench, "ResetVM_Task")
    assert shown(bench) == ("web-1", ["198.51.100.100"])


def test_the_second_adapter_is_skipped(benches: type[Any]) -> None:
    """It keeps the address that it had."""
    bench = benches(defects=frozenset({"network-start-skips-the-second-nic"}))
    _, [_, old] = shown(bench, "linux-2nic")
    customize(bench, "linux-2nic", nics=2)
    start(bench, "linux-2nic")
    assert shown(bench, "linux-2nic") == ("web-1", ["192.0.2.10", old])


@pytest.mark.parametrize("what", ["name", "address"])
def test_settings_of_another_vm(benches: type[Any], what: str) -> None:
    """The VM that was customized before shows what the next one was given."""
    bench = benches(defects=frozenset({f"another-vm-gets-the-{what}"}))
    customize(bench)
    start(bench)
    customize(bench, "linux-3", host_name="web-3", address="192.0.2.33")
    start(bench, "linux-3")
    assert shown(bench) == (("web-3", ["192.0.2.10"]) if what == "name" else ("web-1", ["192.0.2.33"]))
    assert shown(bench, "linux-3") == ("web-3", ["192.0.2.33"])


def test_the_name_of_a_refused_call_that_shows(benches: type[Any]) -> None:
    """A rejected login, and the guest has its name all the same."""
    bench = benches(defects=frozenset({"refused-customization-changes-the-guest"}))
    with pytest.raises(vim.fault.InvalidGuestLogin):
        bench.guest_call(CUSTOMIZE, "linux-1", bench.auth("nobody"), spec=bench.spec())
    assert shown(bench)[0] == "web-1"


def test_a_clone_that_locks_its_parent(benches: type[Any]) -> None:
    """The clone is customized, and the parent refuses to be."""
    bench = benches(defects=frozenset({"clone-locks-its-parent"}))
    location = vim.vm.RelocateSpec()
    bench.do(
        bench.vm("linux-1"), "InstantClone_Task", spec=vim.vm.InstantCloneSpec(name="linux-1-c", location=location)
    )
    customize(bench, "linux-1-c")
    blocked = ended(bench, bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec()))
    assert isinstance(blocked.error, vim.fault.CustomizationFault)
