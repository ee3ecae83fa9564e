"""A CustomizeGuest_Task with every element that a Linux specification can have, as wire values and as the vendor's objects."""

from __future__ import annotations

from typing import Any

from pyVmomi import VmomiSupport

from vcontract._terms import Json


def _typed(name: str, /, **fields: Json) -> dict[str, Json]:
    return {"_typeName": name, **fields}


_ADAPTER = _typed(
    "CustomizationIPSettings",
    ip=_typed("CustomizationFixedIp", ipAddress="10.1.0.9"),
    subnetMask="255.255.255.0",
    gateway=["10.1.0.1", "10.1.0.2"],
    ipV6Spec=_typed(
        "CustomizationIPSettingsIpV6AddressSpec",
        ip=[_typed("CustomizationFixedIpV6", ipAddress="2001:db8::9", subnetMask=64)],
        gateway=["2001:db8::1"],
    ),
    dnsServerList=["10.0.0.53", "192.0.2.53"],
    dnsDomain="example.com",
    primaryWINS="10.0.0.42",
    secondaryWINS="10.0.0.43",
    netBIOS="enableNetBIOS",
)
CONFIG_PARAMS = [_typed("OptionValue", key="vendor.key", value=_typed("string", _value="x"))]


def specification(number: int) -> dict[str, Json]:
    """Give a specification in which the host name has a number."""
    identity = _typed(
        "CustomizationLinuxPrep",
        hostName=_typed("CustomizationFixedName", name=f"web-{number}"),
        domain="example.com",
        timeZone="Europe/Berlin",
        hwClockUTC=True,
        scriptText="#!/bin/sh\necho customized\n",
        compatibleCustomizationMethod="GOSC_METHOD_1",
    )
    settings = _typed(
        "CustomizationGlobalIPSettings", dnsSuffixList=["example.com", "lab.example"], dnsServerList=["10.0.0.53"]
    )
    return _typed(
        "CustomizationSpec",
        options=_typed("CustomizationLinuxOptions"),
        identity=identity,
        globalIPSettings=settings,
        nicSettingMap=[_typed("CustomizationAdapterMapping", macAddress="00:50:56:00:00:01", adapter=_ADAPTER)],
        encryptionKey=[1, 2, 3, 4],
    )


def login(password: str) -> dict[str, Json]:
    """Give the login of the guest."""
    return _typed("NamePasswordAuthentication", interactiveSession=False, username="root", password=password)


def vendors(value: Json) -> Any:
    """Make the vendor's objects of a wire value."""
    if isinstance(value, list):
        return [vendors(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "_value" in value:
        return value["_value"]
    kind = VmomiSupport.GetWsdlType("urn:vim25", value["_typeName"])
    return kind(**{field: vendors(item) for field, item in value.items() if field != "_typeName"})
