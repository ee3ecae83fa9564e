"""Rules of a Sysprep identity beyond the schema (oracle rules C19 to C24; none has a fault of its own)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vcontract.model.facts import VmFacts
from vcontract.terms import Json

_ANY_FAULT = ("CustomizationFault", "UnexpectedCustomizationFault", "InvalidArgument")
_COMPUTER_NAME = re.compile(r"(?![0-9]*$)[A-Za-z0-9-]+")
Spec = Mapping[str, Json]


def _computer_name(identity: Spec, _: Spec) -> bool:
    """Oracle rule C19: letters, digits and hyphens, not digits alone; what is too long is cut."""
    name = identity["userData"]["computerName"]
    return name.get("_typeName") == "CustomizationFixedName" and not _COMPUTER_NAME.fullmatch(name["name"])


def _unattended(identity: Spec, _: Spec) -> bool:
    """Oracle rules C20 and C21: the index of a time zone; no empty password; no automatic logon without one."""
    unattended = identity["guiUnattended"]
    password = unattended.get("password")
    return (
        unattended["timeZone"] < 0
        or (password is not None and not password["value"])
        or (unattended["autoLogon"] and password is None)
    )


def _identification(identity: Spec, _: Spec) -> bool:
    """Oracle rule C22: a workgroup or a domain; a domain needs its administrator and the password; an OU needs a domain."""
    filled = {name for name, value in identity["identification"].items() if value is not None}
    if "joinDomain" in filled:
        return "joinWorkgroup" in filled or not {"domainAdmin", "domainAdminPassword"} <= filled
    return "joinWorkgroup" not in filled or "domainOU" in filled


def _licence(identity: Spec, _: Spec) -> bool:
    """Oracle rule C23: a number of users only for licences per server."""
    data = identity.get("licenseFilePrintData") or {}
    return data.get("autoUsers") is not None and data.get("autoMode") != "perServer"


def _security_id(_: Spec, spec: Spec) -> bool:
    """Oracle rule C24: the security identifier must be changed."""
    options = spec.get("options") or {}
    return options.get("_typeName") == "CustomizationWinOptions" and not options["changeSID"]


def sysprep(spec: Spec, _: VmFacts) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Find what is wrong with a specification whose identity is a Sysprep."""
    identity = spec.get("identity") or {}
    if identity.get("_typeName") != "CustomizationSysprep":
        return
    if any(rule(identity, spec) for rule in (_computer_name, _unattended, _identification, _licence, _security_id)):
        yield "rule", _ANY_FAULT
