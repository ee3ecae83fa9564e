"""The rules of a CustomizationSpec beyond its schema, for a running guest or the next boot: one function per rule.

Each rule takes a `Subject` and raises the fault that vendor documents or public reports name for it; where none is
named, a plain CustomizationFault or InvalidArgument. The first broken rule in the order of `RULES` wins.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from vcontract._simulator.guest.network import prefix_length
from vcontract._simulator.guest.sysprep_rules import check_sysprep

kind = vim.vm.customization

LABEL = re.compile(r"[A-Za-z0-9-]{1,63}")
TIME_ZONE = re.compile(r"[-+/_a-zA-Z0-9]+")
METHOD = re.compile(r"GOSC_METHOD_[0-9]+")
LONGEST_IPV6_PREFIX = 128
LINUX_IDENTITIES = {"vim.vm.customization.LinuxPrep", "vim.vm.customization.LinuxFlexPrep"}
WINDOWS_IDENTITIES = {
    "vim.vm.customization.Sysprep",
    "vim.vm.customization.SysprepText",
    "vim.vm.customization.WindowsFlexPrep",
}
# CloudinitPrep fits a Linux guest, but belongs to the powered-off path.
CLOUD_INIT = "vim.vm.customization.CloudinitPrep"


@dataclass(frozen=True)
class Subject:
    """A specification and the machine it is meant for."""

    spec: Any
    family: str
    guest_id: str
    nic_count: int

    @property
    def identity(self) -> str:
        """The VMODL name of the identity's type."""
        return type(self.spec.identity).__name__

    @property
    def name(self) -> Any:
        """What the identity calls the guest; None if its type names none."""
        identity = self.spec.identity
        return identity.userData.computerName if isinstance(identity, kind.Sysprep) else identity.hostName

    @property
    def adapters(self) -> list[Any]:
        """The IP settings of each adapter."""
        return [mapping.adapter for mapping in self.spec.nicSettingMap]


def invalid_argument(path: str) -> Exception:
    """Make InvalidArgument for a property path."""
    fault: Exception = vmodl.fault.InvalidArgument(invalidProperty=path)
    return fault


def customization_fault(text: str) -> Exception:
    """Make the general CustomizationFault with a text."""
    fault: Exception = vim.fault.CustomizationFault(msg=text)
    return fault


def passwords_can_be_read(subject: Subject) -> None:
    """Refuse an encrypted password: it needs a key that vCenter knows, and this one knows none."""
    for password in passwords(subject.spec.identity):
        if not password.plainText:
            raise vim.fault.CannotDecryptPasswords


def passwords(identity: Any) -> list[Any]:
    """Collect the CustomizationPasswords of any kind of identity."""
    holders = [identity, getattr(identity, "guiUnattended", None), getattr(identity, "identification", None)]
    fields = [getattr(holder, name, None) for holder in holders for name in ("password", "domainAdminPassword")]
    return [password for password in fields if password is not None]


def identity_fits_the_guest(subject: Subject) -> None:
    """Refuse an identity of another system: a Linux guest takes Linux ones, a Windows guest Windows ones."""
    fitting = WINDOWS_IDENTITIES if subject.family == "windowsGuest" else LINUX_IDENTITIES | {CLOUD_INIT}
    if subject.identity not in fitting:
        raise invalid_argument("spec.identity")


def identity_can_be_applied_live(subject: Subject) -> None:
    """Only LinuxPrep is documented for a running guest."""
    if subject.identity != "vim.vm.customization.LinuxPrep":
        raise vim.fault.UncustomizableGuest(uncustomizableGuestOS=subject.guest_id)


def identity_can_be_applied_at_a_boot(subject: Subject) -> None:
    """Take a LinuxPrep or a Sysprep of a machine that is off; the other identities are not applied here."""
    if not isinstance(subject.spec.identity, kind.LinuxPrep | kind.Sysprep):
        raise vim.fault.UncustomizableGuest(uncustomizableGuestOS=subject.guest_id)


def nics_are_all_mapped(subject: Subject) -> None:
    """There is one mapping for each NIC of the machine."""
    if len(subject.adapters) != subject.nic_count:
        raise vim.fault.NicSettingMismatch(numberOfNicsInSpec=len(subject.adapters), numberOfNicsInVM=subject.nic_count)


def mac_addresses_are_all_or_none(subject: Subject) -> None:
    """Either each mapping names its adapter, or none does."""
    if len({bool(mapping.macAddress) for mapping in subject.spec.nicSettingMap}) > 1:
        raise customization_fault("MAC addresses must be given for all network adapters or for none.")


def ip_generators_are_known(subject: Subject) -> None:
    """Refuse Unknown generators: a client replaces them by what its user was asked for."""
    for adapter in subject.adapters:
        if type(adapter.ip) in {kind.UnknownIpGenerator, kind.IpGenerator}:
            raise invalid_argument("nicsettings:adapter:ip")
        for generator in adapter.ipV6Spec.ip if adapter.ipV6Spec else []:
            if type(generator) in {kind.UnknownIpV6Generator, kind.IpV6Generator}:
                raise invalid_argument("nicsettings:adapter:ipV6Spec:ip")


def no_generator_application_is_needed(subject: Subject) -> None:
    """Refuse custom generators: they need an application that this vCenter is not configured with."""
    v6 = [generator for adapter in subject.adapters if adapter.ipV6Spec for generator in adapter.ipV6Spec.ip]
    named = [subject.name, *(adapter.ip for adapter in subject.adapters), *v6]
    if any(
        isinstance(generator, kind.CustomNameGenerator | kind.CustomIpGenerator | kind.CustomIpV6Generator)
        for generator in named
    ):
        raise vim.fault.IpHostnameGeneratorError


def fixed_addresses_are_addresses(subject: Subject) -> None:
    """Refuse a FixedIp that is no dotted quad, or whose subnet mask, if there is one, is none."""
    for adapter in subject.adapters:
        if not isinstance(adapter.ip, kind.FixedIp):
            continue
        check_path(ipaddress.IPv4Address, adapter.ip.ipAddress, "spec.nicSettingMap.adapter.ip.ipAddress")
        check_path(prefix_length, adapter.subnetMask, "spec.nicSettingMap.adapter.subnetMask")


def fixed_ipv6_addresses_are_addresses(subject: Subject) -> None:
    """Refuse a FixedIpV6 that is no IPv6 address or has a prefix of more than 128 bits."""
    for adapter in subject.adapters:
        for fixed in adapter.ipV6Spec.ip if adapter.ipV6Spec else []:
            if not isinstance(fixed, kind.FixedIpV6):
                continue
            check_path(ipaddress.IPv6Address, fixed.ipAddress, "spec.nicSettingMap.adapter.ipV6Spec.ip.ipAddress")
            if not 0 <= fixed.subnetMask <= LONGEST_IPV6_PREFIX:
                raise invalid_argument("spec.nicSettingMap.adapter.ipV6Spec.ip.subnetMask")


def check_path(reader: Any, value: Any, path: str) -> None:
    """Raise InvalidArgument for the path if the reader cannot read the value."""
    try:
        reader(value)
    except ValueError as wrong:
        raise invalid_argument(path) from wrong


def host_name_is_a_label(subject: Subject) -> None:
    """Refuse a host name that is no DNS label of letters, digits and hyphens, or an Unknown one."""
    name = subject.spec.identity.hostName
    text = getattr(name, "name", getattr(name, "base", None))
    if text is None and not isinstance(name, kind.VirtualMachineNameGenerator):
        raise invalid_argument("spec.identity.hostName")
    if text is not None and not LABEL.fullmatch(text):
        raise invalid_argument("spec.identity.hostName")


def time_zone_is_known(subject: Subject) -> None:
    """Refuse a time zone that the tz database does not have in this exact case."""
    zone = subject.spec.identity.timeZone
    if not zone:
        return
    if not TIME_ZONE.fullmatch(zone) or (time_zones() and zone not in time_zones()):
        raise customization_fault(f"The time zone '{zone}' is not valid.")


@functools.cache
def time_zones() -> frozenset[str]:
    """List the names of the tz database; none if this machine has no database."""
    return frozenset(zoneinfo.available_timezones())


def no_script(subject: Subject) -> None:
    """Refuse a script: it belongs to the powered-off path."""
    if subject.spec.identity.scriptText:
        raise customization_fault("scriptText is not supported for a running virtual machine.")


def method_is_known(subject: Subject) -> None:
    """Refuse a compatible customization method other than the published names."""
    method = getattr(subject.spec.identity, "compatibleCustomizationMethod", None)
    if method and not METHOD.fullmatch(method):
        raise customization_fault(f"The customization method '{method}' is not known.")


def password_is_not_empty(subject: Subject) -> None:
    """Refuse a new root password without a value."""
    password = getattr(subject.spec.identity, "password", None)
    if password is not None and not password.value:
        raise customization_fault("The password must not be empty.")


_NETWORK = (
    nics_are_all_mapped,
    mac_addresses_are_all_or_none,
    ip_generators_are_known,
    no_generator_application_is_needed,
    fixed_addresses_are_addresses,
    fixed_ipv6_addresses_are_addresses,
)
"""The rules of the adapters and their addresses, the same for a machine that runs and for one that is off."""
RULES = (
    passwords_can_be_read,
    identity_fits_the_guest,
    identity_can_be_applied_live,
    *_NETWORK,
    host_name_is_a_label,
    time_zone_is_known,
    no_script,
    method_is_known,
    password_is_not_empty,
)


OFFLINE = (
    passwords_can_be_read,
    identity_fits_the_guest,
    identity_can_be_applied_at_a_boot,
    *_NETWORK,
)
"""The rules for a machine that is off, whatever its identity."""
OFFLINE_LINUX = (host_name_is_a_label, time_zone_is_known, method_is_known, password_is_not_empty)


def check(subject: Subject, rules: Iterable[Callable[[Subject], None]] = RULES) -> None:
    """Apply all rules; raises the fault of the first that is broken."""
    for rule in rules:
        rule(subject)


def check_offline(subject: Subject) -> None:
    """Apply the rules for a machine that is off; raises the fault of the first that is broken."""
    check(subject, OFFLINE)
    if isinstance(subject.spec.identity, kind.Sysprep):
        check_sysprep(subject.spec)
    else:
        check(subject, OFFLINE_LINUX)
