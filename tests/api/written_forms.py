"""A specification in each form that clients write it in, made by the clients' own libraries where they are at hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from pyVmomi import vim
from pyVmomi.SoapAdapter import SerializeToStr
from pyVmomi.VmomiJSONEncoder import VmomiJSONEncoder
from pyVmomi.VmomiSupport import newestVersions

Spec = dict[str, Any]
SPEC: Spec = {
    "_typeName": "CustomizationSpec",
    "options": {"_typeName": "CustomizationLinuxOptions"},
    "identity": {
        "_typeName": "CustomizationLinuxPrep",
        "hostName": {"_typeName": "CustomizationFixedName", "name": "web_1"},
        "domain": "example.com",
        "hwClockUTC": True,
    },
    "globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings", "dnsServerList": ["10.0.0.53"]},
    "nicSettingMap": [
        {
            "_typeName": "CustomizationAdapterMapping",
            "adapter": {
                "_typeName": "CustomizationIPSettings",
                "ip": {"_typeName": "CustomizationFixedIp", "ipAddress": "10.0.0.5"},
                "subnetMask": "255.255.255.0",
                "gateway": ["10.0.0.1"],
                "ipV6Spec": {
                    "_typeName": "CustomizationIPSettingsIpV6AddressSpec",
                    "ip": [{"_typeName": "CustomizationFixedIpV6", "ipAddress": "2001:db8::5", "subnetMask": 129}],
                },
                "netBIOS": "disableNetBIOS",
            },
        }
    ],
    "encryptionKey": [-128, 1],
}
BROKEN = {
    "spec.identity.hostName.name": "C12",
    "spec.nicSettingMap[0].adapter.ipV6Spec.ip[0].subnetMask": "C7",
}
"""What of it is refused everywhere, by oracle rules C7 and C12."""


def as_pyvmomi() -> Any:
    """Give it as an object of pyVmomi."""
    kind = vim.vm.customization
    ip6 = kind.FixedIpV6(ipAddress="2001:db8::5", subnetMask=129)
    adapter = kind.IPSettings(
        ip=kind.FixedIp(ipAddress="10.0.0.5"), subnetMask="255.255.255.0", gateway=["10.0.0.1"],
        ipV6Spec=kind.IPSettings.IpV6AddressSpec(ip=[ip6]), netBIOS="disableNetBIOS",
    )  # fmt: skip
    return kind.Specification(
        options=kind.LinuxOptions(),
        identity=kind.LinuxPrep(hostName=kind.FixedName(name="web_1"), domain="example.com", hwClockUTC=True),
        globalIPSettings=kind.GlobalIPSettings(dnsServerList=["10.0.0.53"]),
        nicSettingMap=[kind.AdapterMapping(adapter=adapter)],
        encryptionKey=[-128, 1],
    )


def without_types(value: Any) -> Any:
    """Give it as ConvertTo-Json does: no types, the first letters of names large, bytes from 0 to 255."""
    if isinstance(value, list):
        return [without_types(each) for each in value]
    if isinstance(value, Mapping):
        return {f"{name[0].upper()}{name[1:]}": without_types(each) for name, each in value.items() if name[0] != "_"}
    return value


def as_go() -> Spec:
    """Give it as govmomi does: types where a field may have several, and an encryption key in base64."""
    spec = copy.deepcopy(SPEC)
    del spec["globalIPSettings"]["_typeName"], spec["nicSettingMap"][0]["_typeName"]
    del spec["nicSettingMap"][0]["adapter"]["_typeName"]
    return spec | {"encryptionKey": "gAE="}


CONFIG_ROOT = """<ConfigRoot>
  <_type>vim.CustomizationSpecItem</_type>
  <info><_type>vim.CustomizationSpecInfo</_type><description/><name>x</name><type>Linux</type></info>
  <spec>
    <_type>vim.vm.customization.Specification</_type>
    <encryptionKey><_length>2</_length><_type>byte[]</_type><e id="0">-128</e><e id="1">1</e></encryptionKey>
    <globalIPSettings>
      <_type>vim.vm.customization.GlobalIPSettings</_type>
      <dnsServerList><_length>1</_length><_type>string[]</_type><e id="0">10.0.0.53</e></dnsServerList>
    </globalIPSettings>
    <identity>
      <_type>vim.vm.customization.LinuxPrep</_type>
      <domain>example.com</domain>
      <hostName><_type>vim.vm.customization.FixedName</_type><name>web_1</name></hostName>
      <hwClockUTC>true</hwClockUTC>
    </identity>
    <nicSettingMap>
      <_length>1</_length>
      <_type>vim.vm.customization.AdapterMapping[]</_type>
      <e id="0">
        <_type>vim.vm.customization.AdapterMapping</_type>
        <adapter>
          <_type>vim.vm.customization.IPSettings</_type>
          <gateway><_length>1</_length><_type>string[]</_type><e id="0">10.0.0.1</e></gateway>
          <ip><_type>vim.vm.customization.FixedIp</_type><ipAddress>10.0.0.5</ipAddress></ip>
          <ipV6Spec>
            <_type>vim.vm.customization.IPSettings.IpV6AddressSpec</_type>
            <ip>
              <_length>1</_length>
              <_type>vim.vm.customization.IpV6Generator[]</_type>
              <e id="0">
                <_type>vim.vm.customization.FixedIpV6</_type>
                <ipAddress>2001:db8::5</ipAddress>
                <subnetMask>129</subnetMask>
              </e>
            </ip>
          </ipV6Spec>
          <netBIOS>disableNetBIOS</netBIOS>
          <subnetMask>255.255.255.0</subnetMask>
        </adapter>
      </e>
    </nicSettingMap>
    <options><_type>vim.vm.customization.LinuxOptions</_type></options>
  </spec>
</ConfigRoot>
"""
"""The form of CustomizationSpecItemToXml, as exports of vCenters that were published have it."""


def _exported(name: str, value: Any, numbers: dict[str, int]) -> str:
    """Write a value as Export-Clixml does, with the types of its objects by number after their first use."""
    named = f' N="{name}"' if name else ""
    if name == "NetBIOS":
        kind = "<TN RefId='90'><T>VMware.Vim.CustomizationNetBIOSMode</T><T>System.Enum</T></TN>"
        return f"<Obj{named} RefId='90'>{kind}<ToString>{value}</ToString><I32>2</I32></Obj>"
    if name == "EncryptionKey":
        return f"<BA{named}>gAE=</BA>"
    if isinstance(value, list):
        inner = "".join(_exported("", each, numbers) for each in value)
        return f"<Obj{named} RefId='1'><TN RefId='80'><T>X[]</T><T>System.Array</T></TN><LST>{inner}</LST></Obj>"
    if isinstance(value, Mapping):
        return _exported_object(named, value, numbers)
    tag = {bool: "B", int: "I32", str: "S"}.get(type(value))
    text = str(value).lower() if isinstance(value, bool) else value
    return f"<{tag}{named}>{text}</{tag}>" if tag else f"<Nil{named} />"


def _exported_object(named: str, value: Mapping[str, Any], numbers: dict[str, int]) -> str:
    kind = value["_typeName"]
    known = kind in numbers
    number = numbers.setdefault(kind, len(numbers))
    told = f"<TNRef RefId='{number}' />" if known else f"<TN RefId='{number}'><T>VMware.Vim.{kind}</T><T>o</T></TN>"
    fields = "".join(
        _exported(f"{each[0].upper()}{each[1:]}", content, numbers)
        for each, content in value.items()
        if each != "_typeName"
    )
    return f"<Obj{named} RefId='2'>{told}<ToString>VMware.Vim.{kind}</ToString><Props>{fields}</Props></Obj>"


def as_clixml(spec: Spec) -> str:
    """Write a specification as Export-Clixml does."""
    item = {"_typeName": "CustomizationSpecItem", "info": None, "spec": spec}
    space = "http://schemas.microsoft.com/powershell/2004/04"
    return f'<Objs Version="1.1.0.1" xmlns="{space}">{_exported("", item, {})}</Objs>'


def forms() -> dict[str, bytes]:
    """Give the specification in every form."""
    flow = json.dumps(SPEC)
    pascal = json.dumps({"Info": None, "Spec": without_types(SPEC) | {"EncryptionKey": [128, 1]}})
    netbios = pascal.replace('"Options": {}, ', '"Options": null, ')
    return {
        "vi-json": flow.encode(),
        "govmomi": json.dumps(as_go()).encode(),
        "call": json.dumps({"vm": {"type": "VirtualMachine", "value": "vm-1"}, "spec": SPEC}).encode(),
        "clone": json.dumps({"_typeName": "VirtualMachineCloneSpec", "customization": SPEC, "powerOn": True}).encode(),
        "yaml": ("# by hand\n" + flow).encode(),
        "pyvmomi-json": json.dumps(as_pyvmomi(), cls=VmomiJSONEncoder).encode(),
        "pyvmomi-xml": SerializeToStr(as_pyvmomi(), version=newestVersions.Get("vim")).encode(),
        "config-root": CONFIG_ROOT.encode(),
        "clixml": as_clixml(SPEC).encode(),
        "clixml-utf16": as_clixml(SPEC).encode("utf-16"),
        "convertto-json": netbios.encode(),
        "convertto-json-utf16": netbios.encode("utf-16"),
    }
