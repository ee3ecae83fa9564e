"""Rules of a Sysprep identity beyond the schema (oracle rules C19 to C24 and C34)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from vcontract._model.facts import VmFacts
from vcontract._terms import Json

_ANY_FAULT = ("CustomizationFault", "UnexpectedCustomizationFault", "InvalidArgument")
_ARGUMENT = ("InvalidArgument",)
_COMPUTER_NAME = re.compile(r"(?![0-9]*$)[A-Za-z0-9-]+")
_LONGEST_NAME = 15
_ZONES = frozenset(
    {0, 1, 2, 3, 4, 10, 13, 15, 20, 25, 30, 33, 35, 40, 45, 50, 55, 56, 60, 65, 70, 73, 75, 80, 83, 85, 90, 95, 100, 105, 110,
     113, 115, 120, 125, 130, 135, 140, 145, 150, 155, 158, 160, 165, 170, 175, 180, 185, 190, 193, 195, 200, 201, 203, 205,
     207, 210, 215, 220, 225, 227, 230, 235, 240, 245, 250, 255, 260, 265, 270, 275, 280, 285, 290, 300}
)  # fmt: skip
"""Microsoft's indices of time zones [D]; a later Windows may have more."""
_UTC = -2147483568
"""What an 8.0.3 server writes for UTC [O: kitchen-vcenter 189]."""
_REFUSED_ZONE, _NO_ZONE = 21, 1000
"""An index that was seen to be refused [O: ansible 60152], and that from which on no list has any."""
_SHOWN = frozenset({"_typeName", "guiUnattended", "userData", "identification"})
Spec = Mapping[str, Json]


def _computer_name(identity: Spec, _: Spec) -> str:
    """Oracle rule C19: letters, digits and hyphens, not digits alone; what is too long is cut."""
    name = identity["userData"]["computerName"]
    wrong = name.get("_typeName") == "CustomizationFixedName" and not _COMPUTER_NAME.fullmatch(name["name"])
    return "identity.userData.computerName.name" if wrong else ""


def _unattended(identity: Spec, _: Spec) -> str:
    """Oracle rule C21: no empty password; no automatic logon without one."""
    unattended = identity["guiUnattended"]
    password = unattended.get("password")
    if password is not None and not password["value"]:
        return "identity.guiUnattended.password.value"
    return "identity.guiUnattended.autoLogon" if unattended["autoLogon"] and password is None else ""


def _identification(identity: Spec, _: Spec) -> str:
    """Oracle rule C22: a workgroup or a domain; a domain needs its administrator and the password; an OU needs a domain."""
    filled = {name for name, value in identity["identification"].items() if value is not None}
    if "joinDomain" in filled:
        wrong = "joinWorkgroup" in filled or not {"domainAdmin", "domainAdminPassword"} <= filled
    else:
        wrong = "joinWorkgroup" not in filled or "domainOU" in filled
    return "identity.identification" if wrong else ""


def _licence(identity: Spec, _: Spec) -> str:
    """Oracle rule C23: a number of users only for licences per server."""
    data = identity.get("licenseFilePrintData") or {}
    wrong = data.get("autoUsers") is not None and data.get("autoMode") != "perServer"
    return "identity.licenseFilePrintData.autoUsers" if wrong else ""


def _security_id(_: Spec, spec: Spec) -> str:
    """Oracle rule C24: the security identifier must be changed."""
    options = spec.get("options") or {}
    wrong = options.get("_typeName") == "CustomizationWinOptions" and not options["changeSID"]
    return "options.changeSID" if wrong else ""


_RULES: Mapping[str, Callable[[Spec, Spec], str]] = {
    "C19": _computer_name,
    "C21": _unattended,
    "C22": _identification,
    "C23": _licence,
    "C24": _security_id,
}
"""What looks at a specification by each rule, and gives the path of what breaks it; empty: nothing does."""


def _seen_refused(identity: Spec) -> dict[str, str]:
    """Oracle rules C20 and C34, observed offline: an index of no time zone, a user without a full name."""
    zone = identity["guiUnattended"]["timeZone"]
    wrong = {}
    if zone == _REFUSED_ZONE or zone >= _NO_ZONE:
        wrong["C20"] = "identity.guiUnattended.timeZone"
    if not identity["userData"]["fullName"]:
        wrong["C34"] = "identity.userData.fullName"
    return wrong


def _plain(identity: Spec) -> bool:
    """Whether it holds no more than what any Windows takes: a short name, a known time zone, a workgroup, no product key."""
    user, unattended = identity["userData"], identity["guiUnattended"]
    name = user["computerName"]
    return (
        set(identity) <= _SHOWN
        and name.get("_typeName") == "CustomizationFixedName"
        and len(name["name"]) <= _LONGEST_NAME
        and bool(user["fullName"] and user["orgName"])
        and not user["productId"]
        and unattended["timeZone"] in {*_ZONES, _UTC}
        and not unattended["autoLogon"]
        and set(identity["identification"]) <= {"_typeName", "joinWorkgroup"}
    )


def sysprep(spec: Spec, _: VmFacts, *, offline: bool) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Find what is wrong with a specification whose identity is a Sysprep; live nothing is promised of one anyway.

    Gives what it breaks, the faults, the oracle's rule and the path of the field.
    """
    identity = spec.get("identity") or {}
    if identity.get("_typeName") != "CustomizationSysprep":
        return
    broken = {rule: path for rule, wrong in _RULES.items() if (path := wrong(identity, spec))}
    refused = _seen_refused(identity) if offline else {}
    for rule, path in broken.items():
        yield "rule", _ANY_FAULT, rule, path
    for rule, path in refused.items():
        yield "rule", _ARGUMENT, rule, path
    if offline and not broken and not refused and not _plain(identity):
        yield "inferred", (), "C27", "identity"
