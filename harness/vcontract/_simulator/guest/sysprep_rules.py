"""The rules of a Sysprep beyond its schema, for a Windows guest that is to be customized at its next boot.

Where a public report shows what vCenter says it is that, else an InvalidArgument for the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyVmomi import vim, vmodl

kind = vim.vm.customization

COMPUTER_NAME_LENGTH = 15
COMPUTER_NAME = re.compile("[A-Za-z0-9-]*[A-Za-z-][A-Za-z0-9-]*")
TIME_ZONES = frozenset({
    *range(5), 10, 13, 15, 20, 25, 30, 33, *range(35, 60, 5), 56, 60, 65, 70, 73, 75, 80, 83, *range(85, 115, 5), 113,
    *range(115, 160, 5), 158, *range(160, 195, 5), 193, 195, 200, 201, 203, 205, 207, *range(210, 225, 5), 225, 227,
    *range(230, 295, 5), 300,
})  # fmt: skip
"""The indices that Microsoft has published; vCenter 8 writes one without summer time with the highest bit set, as a sign."""
INDEX = 0x7FFFFFFF


def check_sysprep(spec: Any) -> None:
    """Refuse a specification whose Sysprep breaks a rule: InvalidArgument for the field."""
    for path in broken_fields(spec):
        raise vmodl.fault.InvalidArgument(invalidProperty=path)


def broken_fields(spec: Any) -> Iterator[str]:
    """Find the fields that break a rule."""
    identity, options = spec.identity, spec.options
    user, unattended = identity.userData, identity.guiUnattended
    name = user.computerName
    if not user.fullName:
        yield "FullName"
    if isinstance(name, kind.UnknownNameGenerator):
        yield "spec.identity.userData.computerName"
    if isinstance(name, kind.FixedName) and not COMPUTER_NAME.fullmatch(name.name):
        yield "spec.identity.userData.computerName"
    if unattended.timeZone & INDEX not in TIME_ZONES:
        yield "Timezone"
    if unattended.password is not None and not unattended.password.value:
        yield "spec.identity.guiUnattended.password"
    if unattended.autoLogon and unattended.password is None:
        yield "spec.identity.guiUnattended.autoLogon"
    if isinstance(options, kind.WinOptions) and not options.changeSID:
        yield "spec.options.changeSID"
    yield from broken_membership(identity)


def broken_membership(identity: Any) -> Iterator[str]:
    """Find what is wrong with the workgroup or domain, and with the licences."""
    joins, licences = identity.identification, identity.licenseFilePrintData
    account = joins.domainAdmin is not None and joins.domainAdminPassword is not None
    if (joins.joinWorkgroup is None) == (joins.joinDomain is None) or (joins.joinDomain is not None and not account):
        yield "spec.identity.identification"
    if getattr(joins, "domainOU", None) is not None and joins.joinDomain is None:
        yield "spec.identity.identification.domainOU"
    if licences is not None and licences.autoUsers is not None and licences.autoMode != "perServer":
        yield "spec.identity.licenseFilePrintData.autoUsers"


def in_guest(spec: Any) -> Any:
    """Give a specification as the guest here takes it, which knows a host name and a domain: that of Windows is cut."""
    if not isinstance(spec.identity, kind.Sysprep):
        return spec
    name = spec.identity.userData.computerName
    if isinstance(name, kind.FixedName):
        name = kind.FixedName(name=name.name[:COMPUTER_NAME_LENGTH])
    return kind.Specification(
        identity=kind.LinuxPrep(hostName=name, domain=spec.identity.identification.joinDomain or ""),
        globalIPSettings=spec.globalIPSettings,
        nicSettingMap=spec.nicSettingMap,
    )
