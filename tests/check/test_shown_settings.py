"""When the settings of a customization must show in a guest: oracle section H, on histories made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._model import VmFacts
from vcontract._terms import Fault, Faulted, Grade, Lost, Ref, Returned, Verdict

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
VM, OTHER, CLONE = (Ref("VirtualMachine", f"vm-{number}") for number in (1, 2, 3))
LATE = 60.0
OLD, NEW = "10.0.0.7", "10.1.0.9"
MAC = "00:50:56:00:00:01"


def nic(*addresses: str, key: int = 4000, mac: str = MAC, connected: bool = True) -> dict[str, Any]:
    """Give a NIC as Tools report it."""
    return {"ipAddress": list(addresses), "macAddress": mac, "connected": connected, "deviceConfigId": key}


class Tale:
    """Tells a story of one guest: `Story` of this folder, whose reads show NICs with MACs."""

    def __init__(self, story: Any, **facts: Any) -> None:
        self.story = story
        known = {"staleness": LATE, **facts}
        story.judge.tracker.facts = replace(story.judge.tracker.facts, **known)
        self.tasks = 0

    def pause(self, seconds: float = LATE) -> Tale:
        """Let time pass."""
        self.story.time += seconds
        return self

    def shows(self, *addresses: str, name: str = "template", vm: Ref = VM, **changes: Any) -> Tale:
        """Tell of a read of a VM with one NIC."""
        net = changes.pop("net", [nic(*addresses)])
        self.story.vm(vm, **{"guest.hostName": name, "guest.ipAddress": "", "guest.net": net, **changes})
        return self

    def done(self, method: str, state: str = "success", *, judged: bool = True, **changes: Any) -> Tale:
        """Tell of a call whose task ends."""
        self.tasks += 1
        task = f"job-{self.tasks}"
        if judged:
            self.story.accepted(method, task, **changes)
        else:
            self.story.feed(changes.pop("on", VM), method, Returned(Ref("Task", task).json()), **changes)
        more = {"error": "CustomizationFault"} if state == "error" else {}
        self.story.task(task, state, **more)
        return self

    def boots(self) -> Tale:
        """Tell of a guest that shuts down, is powered on again, and then shows nothing yet but that Tools run."""
        self.story.feed(VM, "ShutdownGuest", Returned())
        self.story.vm(power="poweredOff", tools="guestToolsNotRunning")
        return self.done("PowerOnVM_Task", judged=False).shows(name="")

    def refused(self) -> Tale:
        """Tell of a call whose login is rejected."""
        login = {
            "_typeName": "NamePasswordAuthentication",
            "interactiveSession": False,
            "username": "x",
            "password": "y",
        }
        self.story.refused(C, "InvalidGuestLogin", auth=login)
        return self

    def customized(self, **changes: Any) -> Tale:
        """Tell of a guest that shows what it is, and is customized long after."""
        return self.shows(OLD).pause().done(C, **changes)

    def found(self) -> list[tuple[str, str]]:
        """Give the methods and fields of the violations."""
        self.story.judge.close()
        return [
            (each.method, each.field)
            for each in self.story.judge.judgements
            if each.verdict is Verdict.VIOLATES and each.grade is Grade.WRONG
        ]

    def noted(self) -> list[str]:
        """Give the notes on settings."""
        self.story.judge.close()
        return [note for each in self.story.judge.judgements for note in each.notes if note.startswith("guest.")]

    def spec(self, **changes: Any) -> dict[str, Any]:
        """Give the specification of a valid call, with changes."""
        spec: dict[str, Any] = self.story.arguments(C)["spec"] | changes
        return spec


@pytest.fixture
def tale(story: Any) -> Tale:
    """Give the tale of a guest on a target that others may change, too."""
    return Tale(story)


@pytest.fixture
def alone(story: Any) -> Tale:
    """Give the tale of a guest that nobody else changes."""
    return Tale(story, alone=True)


def two(tale: Tale, *, name: str = "template", addresses: tuple[str, ...] = (OLD,), **changes: Any) -> Tale:
    """Read twice, as late as reports may be and once more as late."""
    return tale.pause().shows(*addresses, name=name, **changes).pause().shows(*addresses, name=name, **changes)


PACKAGE: dict[str, Any] = {"config.tools.pendingCustomization": "/imc1"}
QUIET: list[Callable[[Tale], object]] = [
    lambda tale: tale.customized().shows(NEW, name="web"),
    lambda tale: two(tale.customized()),
    lambda tale: two(tale.customized().shows(OLD).done(N), addresses=(NEW,)),
    lambda tale: two(tale.customized().done(N).shows(), addresses=(NEW,), name="web"),
    lambda tale: two(tale.customized().done(N).shows("169.254.3.4", "fe80::1"), addresses=(NEW,), name="web"),
    lambda tale: two(tale.customized().done(N), addresses=("192.168.9.9", NEW)),
    lambda tale: two(tale.customized().done(N), addresses=()),
    lambda tale: two(tale.customized().done(N), net=[{"ipAddress": [OLD]}]),
    lambda tale: two(tale.customized().done(N), net=[nic(OLD, connected=False)]),
    lambda tale: two(tale.customized().done(N), net=[nic(OLD), nic("10.9.9.9", key=4001)]),
    lambda tale: two(tale.customized().done(N, "error")),
    lambda tale: two(tale.customized().done(N).done(A)),
    lambda tale: two(tale.customized().done(N).done(C, "error")),
    lambda tale: two(tale.customized(), name="template").boots().pause().shows(OLD).shows(NEW, name="web"),
    lambda tale: two(tale.customized().boots(), addresses=(NEW,), name="WEB.example.com"),
    lambda tale: tale.customized().boots().pause(1).shows(OLD).pause(LATE - 10).shows(OLD),
    lambda tale: two(tale.customized().done("SuspendVM_Task", judged=False).done("PowerOnVM_Task", judged=False)),
    lambda tale: two(tale.customized().done("ResetVM_Task", judged=False).shows(OLD)),
    lambda tale: two(tale.customized().done("RevertToCurrentSnapshot_Task", judged=False).done(N)),
    lambda tale: two(tale.customized().boots().shows(OLD, **PACKAGE)),
]


@pytest.mark.parametrize("tell", QUIET)
def test_what_may_be_so_is_no_breach(tell: Callable[[Tale], object], tale: Tale) -> None:
    """Shown at once or never without a start or boot; late, in parts, link-local first; nothing that is doubtful."""
    tell(tale)
    assert tale.found() == []
    assert tale.noted() == []


def test_an_address_that_is_old_long_after_the_network_was_started(tale: Tale) -> None:
    """One read may come between: only the second, as late again as reports may be, is a breach of both calls' promises."""
    tale.customized().done(N).pause(1).shows(OLD).pause(LATE).shows(OLD)
    assert tale.found() == []
    tale.pause().shows(OLD)
    assert tale.found() == [(C, "guest.net"), (N, "guest.net")]


def test_a_network_start_that_loses_an_address_is_itself_to_blame(tale: Tale) -> None:
    """The address was there before, so the customization did its part."""
    two(tale.customized().shows(NEW).done(N), addresses=("10.77.0.1",))
    assert tale.found() == [(N, "guest.net")]


def test_the_name_shows_after_a_boot(tale: Tale) -> None:
    """After a network start it may be the old one, after a boot not."""
    two(tale.customized().done(N), addresses=(NEW,))
    assert tale.found() == []
    two(tale.boots(), addresses=(NEW,))
    assert tale.found() == [(C, "guest.hostName")]


def test_a_reset_is_a_boot_where_tools_went_down_and_up(tale: Tale) -> None:
    """What was read down and then ready has booted; power that is cut too soon after the call proves nothing."""
    for wait, found in ((0.0, []), (2 * LATE, [(C, "guest.hostName")])):
        tale.customized().pause(wait).done("ResetVM_Task", judged=False)
        two(tale.shows(tools="guestToolsNotRunning").shows(OLD))
        assert tale.found() == found


def test_a_breach_that_shows_late_is_judged_with_its_own_call(tale: Tale) -> None:
    """The cell in which it is seen may be another's."""
    tale.customized().done(N).story.cell = "another"
    two(tale)
    assert tale.found() == [(C, "guest.net"), (N, "guest.net")]
    late = [each for each in tale.story.judge.judgements if each.broken]
    assert {each.cell for each in late} == {"cell"}
    assert all(each.shown > each.op for each in late)


def test_each_nic_is_looked_at_by_itself(story: Any) -> None:
    """In any order; by MAC where the specification names it, else by the order of the devices; never all together."""
    first, second = (nic(key=4000 + number, mac=f"00:50:56:00:00:0{number}") for number in (1, 2))
    vms = {VM.value: replace(story.judge.tracker.facts.vms[VM.value], nics=2)}
    plain = story.arguments(C)["spec"]["nicSettingMap"][0]
    addresses = ("10.1.0.9", "10.2.0.9")
    ips = [{"_typeName": "CustomizationFixedIp", "ipAddress": address} for address in addresses]
    mappings = [{**plain, "adapter": {**plain["adapter"], "ip": ip}} for ip in ips]
    tale = Tale(story, vms=vms)
    old = [first | {"ipAddress": ["10.0.0.1"]}, second | {"ipAddress": ["10.0.0.2"]}]
    turned = [second | {"ipAddress": [addresses[1]]}, first | {"ipAddress": [addresses[0]]}]
    swapped = [first | {"ipAddress": [addresses[1]]}, second | {"ipAddress": [addresses[0]]}]
    tale.shows(net=old).pause().done(C, spec=tale.spec(nicSettingMap=mappings)).done(N)
    two(tale, net=turned)
    assert tale.found() == []
    two(tale.done(N), net=swapped)
    assert tale.found() == [(N, "guest.net")] * 1
    named = [
        {**mapping, "macAddress": each["macAddress"]} for mapping, each in zip(mappings, (second, first), strict=True)
    ]
    two(tale.done(C, spec=tale.spec(nicSettingMap=named)).done(N), net=swapped)
    assert len(tale.found()) == 1


def test_of_an_ipv6_address_only_a_fixed_one_must_show(tale: Tale) -> None:
    """Beside it others may be."""
    plain = tale.story.arguments(C)["spec"]["nicSettingMap"][0]
    sixth = {"ip": [{"_typeName": "CustomizationFixedIpV6", "ipAddress": "2001:DB8::5", "subnetMask": 64}]}
    mapping = {**plain, "adapter": {**plain["adapter"], "ipV6Spec": sixth}}
    tale.customized(spec=tale.spec(nicSettingMap=[mapping])).done(N)
    two(tale, addresses=(NEW, "2001:db8::5", "2001:db8:1::9"))
    two(tale.done(N), addresses=(NEW, "fe80::1"))
    assert tale.found() == []
    two(tale.done(N), addresses=(NEW, "2001:db8:1::9"))
    assert tale.found() == [(N, "guest.net")]


def test_windows_keeps_fifteen_characters(story: Any) -> None:
    """Of the name of the computer."""
    windows = replace(story.judge.tracker.facts.vms[VM.value], family="windows")
    tale = Tale(story, vms={VM.value: windows}, alone=True)
    identity = tale.spec()["identity"] | {"hostName": {"_typeName": "CustomizationFixedName", "name": "a" * 20}}
    two(tale.customized(spec=tale.spec(identity=identity)).boots(), addresses=(NEW,), name="A" * 15)
    assert tale.found() == []


THIRD: list[Callable[[Tale], object]] = [
    lambda tale: tale.customized().pause().shows(OLD, name="localhost"),
    lambda tale: tale.customized().pause().shows("10.66.6.6"),
    lambda tale: tale.shows(OLD).pause().shows(OLD).shows("10.66.6.6"),
    lambda tale: tale.shows(OLD).pause().shows(OLD).refused() and tale.shows(OLD, name="x"),
]


@pytest.mark.parametrize("tell", THIRD)
def test_a_value_that_nobody_gave(tell: Callable[[Tale], object], story: Any) -> None:
    """A note where others change the VMs, too; a breach where nobody does."""
    tale = Tale(story)
    story.vm()
    story.accepted(A, "task-9")
    story.task("task-9", "success")
    tell(tale)
    assert tale.found() == []
    assert len(tale.noted()) == 1


@pytest.mark.parametrize("tell", THIRD)
def test_a_value_that_nobody_gave_where_nobody_else_is(tell: Callable[[Tale], object], alone: Tale) -> None:
    """There it is a breach."""
    alone.story.vm()
    alone.story.accepted(A, "task-9")
    alone.story.task("task-9", "success")
    tell(alone)
    assert [field for _, field in alone.found()] in (["guest.hostName"], ["guest.net"])


LEASES: list[Callable[[Tale], object]] = [
    lambda tale: tale.done(N).shows("10.66.6.6"),
    lambda tale: tale.boots().shows("10.66.6.6"),
    lambda tale: tale.done(N).shows().done(C).pause().shows("10.66.6.6"),
    lambda tale: tale.done(N).shows().done(C).pause().shows(OLD, name="web-of-before"),
    lambda tale: tale.shows(OLD, "10.66.6.6").customized().shows(NEW, "10.66.6.7"),
    lambda tale: tale.customized(state="error").shows("10.66.6.6", name="localhost"),
    lambda tale: tale.done("RevertToSnapshot_Task", judged=False).shows("10.66.6.6", name="before"),
]


@pytest.mark.parametrize("tell", LEASES)
def test_what_gives_a_guest_other_addresses_is_no_breach_even_alone(
    tell: Callable[[Tale], object], alone: Tale
) -> None:
    """A lease of a start or boot, also after a customization, one beside the claim, a guest left undefined, a revert."""
    tell(alone.shows(OLD).pause().shows(OLD))
    assert alone.found() == []


def test_a_value_of_a_refused_call(tale: Tale) -> None:
    """The call is to blame, whenever that shows; but not if the guest has the value in another way."""
    tale.shows(OLD).pause().refused()
    tale.shows(OLD, name="web")
    assert tale.found() == [(C, "guest.hostName")]
    assert [each.observed for each in tale.story.judge.judgements if each.broken] == ["InvalidGuestLogin"]


def test_a_value_of_a_call_that_may_have_happened(tale: Tale) -> None:
    """A lost reply is no refusal."""
    tale.shows(OLD).story.call(C, Lost("no reply"))
    tale.shows(NEW, name="web")
    assert tale.found() == []


def test_a_value_of_another_vm(tale: Tale) -> None:
    """Even where others may change the VM."""
    tale.shows(OLD).shows("10.0.0.8", name="other", vm=OTHER).done(C, vm=OTHER.json())
    tale.shows(NEW, name="template")
    assert tale.found() == [(C, "guest.net")]


def test_a_clone_may_show_what_its_parent_is(alone: Tale) -> None:
    """And its parent nothing of what was given to the clone only."""
    alone.customized().story.feed(VM, "InstantClone_Task", Returned(Ref("Task", "fork").json()), spec={"name": "child"})
    alone.story.task("fork", "success", result=CLONE.json())
    assert isinstance(alone.story.judge.tracker.facts.vms[CLONE.value], VmFacts)
    alone.shows(OLD, vm=CLONE).shows(NEW, name="web", vm=CLONE)
    assert alone.found() == []
    name = {"hostName": {"_typeName": "CustomizationFixedName", "name": "child"}}
    alone.done(C, vm=CLONE.json(), spec=alone.spec(identity=alone.spec()["identity"] | name))
    alone.shows(NEW, name="child")
    assert alone.found() == [(C, "guest.hostName")]


def test_an_offline_customization_gives_a_guest_its_values(alone: Tale) -> None:
    """And makes those of an earlier call doubtful."""
    identity = alone.spec()["identity"] | {"hostName": {"_typeName": "CustomizationFixedName", "name": "off"}}
    alone.customized().done("CustomizeVM_Task", judged=False, spec=alone.spec(identity=identity))
    two(alone.boots(), addresses=(NEW,), name="off")
    assert alone.found() == []


def test_a_run_that_was_interrupted_claims_nothing(tale: Tale) -> None:
    """Anybody may have done anything meanwhile."""
    tale.customized().done(N).story.judge.resume()
    two(tale)
    assert tale.found() == []


def test_a_fault_by_a_task_is_no_refusal(tale: Tale) -> None:
    """What a customization did before it failed stays."""
    tale.shows(OLD).pause().done(C, "error").shows(NEW, name="web")
    assert isinstance(Faulted(Fault("CustomizationFault"), "task").fault, Fault)
    assert tale.found() == []


def test_what_waited_before_the_history_began_may_show(alone: Tale) -> None:
    """A customization of an earlier run may have been left to the next network start or boot: what then shows is no breach."""
    two(alone.shows(OLD).done(N), addresses=("198.18.9.9",), name="earlier")
    assert alone.found() == []
    two(alone.customized().done(N), addresses=("198.18.9.8",), name="earlier")
    assert alone.found() != []


def test_what_waited_may_show_first_after_a_customization_that_took_long(alone: Tale) -> None:
    """It was taken up by the network start, and read neither then nor while the customization ran: only the next read has it.

    From that read on it is known; another name after it is a breach.
    """
    alone.shows(OLD).pause().shows(OLD).done(N).shows(OLD)
    alone.tasks += 1
    alone.story.accepted(C, "job-long")
    alone.pause().pause().story.task("job-long", "success")
    alone.shows(OLD, name="earlier").pause().shows(OLD, name="earlier")
    assert alone.found() == []
    alone.pause().shows(OLD, name="from-nowhere")
    assert [field for _, field in alone.found()] == ["guest.hostName"]


def test_what_waited_in_a_snapshot_may_show_after_the_boot_that_follows(alone: Tale) -> None:
    """A revert brings back what had not been taken up then, however long ago the guest was read."""
    alone.customized().shows(OLD).done("RevertToSnapshot_Task", judged=False).shows(OLD).pause().shows(OLD)
    alone.boots().shows(OLD, name="of-the-snapshot").pause().shows(OLD, name="of-the-snapshot")
    assert alone.found() == []
