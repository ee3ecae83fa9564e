"""Each rule of a live CustomizationSpec: what it refuses, with which fault, and what it lets pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi import vim, vmodl

kind = vim.vm.customization
Edit = Callable[[Any], None]


def assign(target: Any, fields: dict[str, Any]) -> None:
    """Set fields of a data object."""
    for name, value in fields.items():
        setattr(target, name, value)


def identity(value: Any) -> Edit:
    """Make an edit that replaces the identity."""
    return lambda spec: setattr(spec, "identity", value)


def linux(**fields: Any) -> Edit:
    """Make an edit of fields of the LinuxPrep."""
    return lambda spec: assign(spec.identity, fields)


def adapter(**fields: Any) -> Edit:
    """Make an edit of fields of the first adapter."""
    return lambda spec: assign(spec.nicSettingMap[0].adapter, fields)


def v6(generator: Any) -> Edit:
    """Make an edit that gives the first adapter an IPv6 generator."""
    return adapter(ipV6Spec=kind.IPSettings.IpV6AddressSpec(ip=[generator]))


def sysprep(*, plain: bool = True) -> Any:
    """Make a Windows identity."""
    return kind.Sysprep(
        guiUnattended=kind.GuiUnattended(
            password=kind.Password(value="x", plainText=plain), timeZone=85, autoLogon=False, autoLogonCount=0
        ),
        userData=kind.UserData(fullName="a", orgName="b", computerName=kind.FixedName(name="c"), productId=""),
        identification=kind.Identification(),
    )


REFUSED: dict[str, tuple[Edit, type, str]] = {
    "sysprep": (identity(sysprep()), vmodl.fault.InvalidArgument, "spec.identity"),
    "sysprep text": (identity(kind.SysprepText(value="x")), vmodl.fault.InvalidArgument, "spec.identity"),
    "abstract identity": (identity(kind.IdentitySettings()), vmodl.fault.InvalidArgument, "spec.identity"),
    "cloud-init": (identity(kind.CloudinitPrep(metadata="{}")), vim.fault.UncustomizableGuest, ""),
    "linux flex": (identity(kind.LinuxFlexPrep()), vim.fault.UncustomizableGuest, ""),
    "encrypted password": (identity(sysprep(plain=False)), vim.fault.CannotDecryptPasswords, ""),
    "dotted host name": (
        linux(hostName=kind.FixedName(name="a.b")),
        vmodl.fault.InvalidArgument,
        "spec.identity.hostName",
    ),
    "long host name": (
        linux(hostName=kind.FixedName(name="a" * 64)),
        vmodl.fault.InvalidArgument,
        "spec.identity.hostName",
    ),
    "unknown name": (
        linux(hostName=kind.UnknownNameGenerator()),
        vmodl.fault.InvalidArgument,
        "spec.identity.hostName",
    ),
    "custom name": (linux(hostName=kind.CustomNameGenerator()), vim.fault.IpHostnameGeneratorError, ""),
    "time zone": (linux(timeZone="europe/berlin"), vim.fault.CustomizationFault, ""),
    "time zone characters": (linux(timeZone="a b"), vim.fault.CustomizationFault, ""),
    "script": (linux(scriptText="#!/bin/sh"), vim.fault.CustomizationFault, ""),
    "method": (linux(compatibleCustomizationMethod="X"), vim.fault.CustomizationFault, ""),
    "empty password": (linux(password=kind.Password(value="", plainText=True)), vim.fault.CustomizationFault, ""),
    "unknown ip": (adapter(ip=kind.UnknownIpGenerator()), vmodl.fault.InvalidArgument, "nicsettings:adapter:ip"),
    "custom ip": (adapter(ip=kind.CustomIpGenerator()), vim.fault.IpHostnameGeneratorError, ""),
    "no address": (
        adapter(ip=kind.FixedIp(ipAddress="1.2.3")),
        vmodl.fault.InvalidArgument,
        "spec.nicSettingMap.adapter.ip.ipAddress",
    ),
    "no mask": (
        adapter(subnetMask="255.0.255.0"),
        vmodl.fault.InvalidArgument,
        "spec.nicSettingMap.adapter.subnetMask",
    ),
    "unknown ipv6": (v6(kind.UnknownIpV6Generator()), vmodl.fault.InvalidArgument, "nicsettings:adapter:ipV6Spec:ip"),
    "ipv6 prefix": (
        v6(kind.FixedIpV6(ipAddress="2001:db8::1", subnetMask=129)),
        vmodl.fault.InvalidArgument,
        "spec.nicSettingMap.adapter.ipV6Spec.ip.subnetMask",
    ),
    "no ipv6 address": (
        v6(kind.FixedIpV6(ipAddress="1.2.3.4", subnetMask=64)),
        vmodl.fault.InvalidArgument,
        "spec.nicSettingMap.adapter.ipV6Spec.ip.ipAddress",
    ),
}
ACCEPTED: dict[str, Edit] = {
    "prefix name": linux(hostName=kind.PrefixNameGenerator(base="web")),
    "machine name": linux(hostName=kind.VirtualMachineNameGenerator()),
    "longest name": linux(hostName=kind.FixedName(name="a" * 63)),
    "time zone": linux(timeZone="Europe/Berlin"),
    "method": linux(compatibleCustomizationMethod="GOSC_METHOD_1"),
    "password": linux(password=kind.Password(value="x", plainText=True)),
    "no mask": adapter(subnetMask=None),
    "no ipv4": adapter(ip=kind.DisableIpV4()),
    "ipv6": v6(kind.FixedIpV6(ipAddress="2001:db8::1", subnetMask=128)),
    "mac": lambda spec: setattr(spec.nicSettingMap[0], "macAddress", "00:50:56:00:00:01"),
}


def customize(bench: Any, name: str, spec: Any) -> Any:
    """Customize a machine to the end; gives the TaskInfo."""
    task = bench.guest_call("CustomizeGuest_Task", name, spec=spec)
    bench.pass_time(3.0)
    return task.get_info()


@pytest.mark.parametrize("case", list(REFUSED))
def test_refused(bench: Any, case: str) -> None:
    """A broken rule ends the task in its fault, with its field, and changes nothing in the guest."""
    edit, expected, path = REFUSED[case]
    spec = bench.spec()
    edit(spec)
    info = customize(bench, "linux-1", spec)
    assert type(info.error) is expected
    assert getattr(info.error, "invalidProperty", None) in (path or None, None)
    assert not isinstance(info.error, vim.fault.UncustomizableGuest) or info.error.uncustomizableGuestOS
    assert bench.vm("linux-1").get_guest().hostName == "linux-1"


@pytest.mark.parametrize("case", list(ACCEPTED))
def test_accepted(bench: Any, case: str) -> None:
    """What no rule forbids succeeds, twice, with the same guest after it."""
    spec = bench.spec()
    ACCEPTED[case](spec)
    seen = []
    for _ in range(2):
        assert customize(bench, "linux-1", spec).state == "success"
        bench.do(bench.vm("linux-1"), "ResetVM_Task")
        bench.pass_time(10.0)
        guest = bench.vm("linux-1").get_guest()
        seen.append((guest.hostName, guest.ipAddress, [list(nic.ipAddress) for nic in guest.net]))
    assert seen[0] == seen[1]


def test_nic_counts(bench: Any) -> None:
    """The number of mappings is the number of adapters, also two and none; MACs are given for all or none."""
    for name, count in (("linux-1", 1), ("linux-2nic", 2), ("linux-0nic", 0)):
        for given in range(4):
            error = customize(bench, name, bench.spec(nics=given)).error
            if given == count:
                assert error is None
            else:
                assert isinstance(error, vim.fault.NicSettingMismatch)
                assert (error.numberOfNicsInSpec, error.numberOfNicsInVM) == (given, count)
    spec = bench.spec(nics=2)
    spec.nicSettingMap[0].macAddress = "00:50:56:00:00:01"
    assert type(customize(bench, "linux-2nic", spec).error) is vim.fault.CustomizationFault


def test_windows(bench: Any) -> None:
    """A Windows guest takes no Linux identity, and none at all while it runs."""
    error = customize(bench, "windows-1", bench.spec()).error
    assert error.invalidProperty == "spec.identity"
    for fitting in (sysprep(), kind.WindowsFlexPrep()):
        spec = bench.spec()
        spec.identity = fitting
        error = customize(bench, "windows-1", spec).error
        assert isinstance(error, vim.fault.UncustomizableGuest)
        assert error.uncustomizableGuestOS == "windows2019srv_64Guest"
