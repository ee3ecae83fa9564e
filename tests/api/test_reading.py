"""Specifications as clients write them: every form comes to the same values, and what is none is told in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.written_forms import BROKEN, SPEC, as_clixml, forms, without_types
from vcontract import UsageError, check_spec
from vcontract._api.reading.read import read_text
from vcontract._api.reading.typed import read_typed
from vcontract._schema import load

FORMS = forms()
DEEP = 100_000
NO_NUMBER = (
    b'<spec xmlns:x="http://www.w3.org/2001/XMLSchema-instance"><identity x:type="CustomizationLinuxPrep">'
    b"<hwClockUTC>perhaps</hwClockUTC></identity></spec>"
)
UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b" \n", "it is empty"),
    "binary": (bytes(range(256)), "byte 128: no text in utf-8"),
    "cut JSON": (b'{"identity": {', "not JSON"),
    "deep JSON": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "line 1: more than 64 levels"),
    "deep JSON list": (b"[" * DEEP, "more than 64 levels"),
    "deep YAML": (b"- " * DEEP, "line 1: more than 64 levels"),
    "deep YAML flow": (b"a: " + b"[" * DEEP, "line 1:"),
    "deep XML": (b"<a>" * DEEP + b"</a>" * DEEP, "line 1: not XML"),
    "aliases": (b"a: &a [x]\nb: [" + b"*a," * 101 + b"]", "line 2: more than 100 aliases"),
    "YAML that holds itself": (
        b"identity: &a {_typeName: CustomizationLinuxPrep, extraConfig: [&b {key: x, value: *b}]}",
        "more than 64 levels",
    ),
    "YAML of much more than is written": (
        b"a0: &a0 [x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 11)),
        "more than 1,000,000 values",
    ),
    "YAML that makes objects": (b"!!python/object/apply:os.getcwd []", "line 1: neither JSON, YAML nor XML"),
    "XML with a DTD": (b'<!DOCTYPE a [<!ENTITY b "c">]><spec><identity>&b;</identity></spec>', "it has a DTD"),
    "other XML": (b"<project><name>x</name></project>", "XML with the root project"),
    "a text": (b"customize this", "it holds no object"),
    "two": (json.dumps([SPEC, SPEC]).encode(), "it holds 2 items"),
    "another type": (b'{"_typeName": "VirtualMachineConfigSpec"}', "it is a VirtualMachineConfigSpec"),
    "another type around": (
        b'{"spec": {"_typeName": "VirtualMachineConfigSpec"}}',
        "spec is a VirtualMachineConfigSpec, not a CustomizationSpec",
    ),
    "REST": (b'{"spec": {"configuration_spec": {}}}', "spec is a specification of the REST API"),
    "no specification": (b'{"name": "x", "hosts": []}', "it holds no CustomizationSpec; it has name, hosts"),
    "unknown field": (b'{"identity": {"_typeName": "CustomizationLinuxPrep", "hostname": 1}}', "hostName is meant?"),
    "unknown type": (b'{"identity": {"_typeName": "CustomizationQuantumPrep"}}', "CustomizationQuantumPrep is a type"),
    "a type over two lines": (b'{"identity": {"_typeName": "a\\nb"}}', "spec.identity: a b is a type that no release"),
    "misplaced type": (b'{"identity": {"_typeName": "CustomizationSpec"}}', "is no CustomizationIdentitySettings"),
    "no object": (b'{"identity": 5}', "spec.identity: must be a CustomizationIdentitySettings, not a number"),
    "no list": (b'{"nicSettingMap": {"adapter": {}}}', "spec.nicSettingMap: must be a list"),
    "no text": (
        b'{"identity": {"_typeName": "CustomizationLinuxPrep", "domain": 5}}',
        "spec.identity.domain must be a string, not 5",
    ),
    "no bytes": (b'{"identity": null, "encryptionKey": "?"}', "spec.encryptionKey: no base64"),
    "too large bytes": (b'{"identity": null, "encryptionKey": [300]}', "spec.encryptionKey: must be bytes"),
    "ambiguous fields": (b'{"identity": {"shoeSize": 3}}', "nothing says which CustomizationIdentitySettings it is"),
    "cut by PowerShell": (b'{"Identity": "VMware.Vim.CustomizationLinuxPrep"}', "spec.identity: is cut"),
    "numbered enum": (
        b'{"nicSettingMap": [{"Adapter": {"Ip": {"IpAddress": "10.0.0.5"}, "NetBIOS": 2}}]}',
        "is written by its name, not as 2",
    ),
    "no number": (
        NO_NUMBER,
        "spec.identity.hwClockUTC: must be a boolean, not a text",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_comes_to_the_same_values(form: str) -> None:
    """Types, numbers, lists and bytes as they are on the wire, whoever wrote the file."""
    read = read_typed(read_text(FORMS[form]), load("9.1.0.0"))
    assert (read.refused, read.open_types) == ((), {})
    told = "options" if form.startswith("convertto") else ""  # without types and fields nothing says what they are
    assert read.spec == {name: value for name, value in SPEC.items() if name != told}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_checked(form: str, tmp_path: Path) -> None:
    """The same fields are refused in each."""
    file = tmp_path / "spec"
    file.write_bytes(FORMS[form])
    refused = {each.path: each.rule for each in check_spec(file) if each.certainty == "will"}
    assert refused == BROKEN


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_specification_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    """With the file, the place in it, and what is wrong; never a traceback."""
    content, said = UNREADABLE[name]
    file = tmp_path / "spec"
    file.write_bytes(content)
    with pytest.raises(UsageError) as wrong:
        check_spec(file)
    text = str(wrong.value)
    assert text.startswith(f"{file}: ")
    assert said in text
    assert "\n" not in text
    assert len(text) < 400


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Ten megabytes, and what has no end."""
    file = tmp_path / "spec.json"
    file.write_bytes(b'{"identity": "' + b"x" * 10_000_000 + b'"}')
    for name in (str(file), "/dev/zero"):
        with pytest.raises(UsageError, match=rf"^{name}: it is longer than 4 MiB"):
            check_spec(name)


def test_an_object_that_is_too_deep_is_refused() -> None:
    """One that no file could hold."""
    deep: Any = {}
    for _ in range(DEEP):
        deep = {"value": deep}
    with pytest.raises(UsageError, match="more than 64 levels"):
        check_spec({"identity": deep})


def test_a_value_is_not_shown(tmp_path: Path) -> None:
    """It may be a password."""
    file = tmp_path / "spec.json"
    wrong = {"_typeName": "CustomizationPassword", "value": {"x": "hunter2"}, "plainText": True}
    file.write_text(json.dumps({"identity": {"_typeName": "CustomizationLinuxPrep", "password": wrong}}))
    with pytest.raises(UsageError) as told:
        check_spec(file)
    assert "hunter2" not in str(told.value)
    assert "spec.identity.password.value: must be a string, not an object" in str(told.value)


def test_an_object_of_several_types_is_checked_as_each() -> None:
    """ConvertTo-Json writes `{}` for DHCP as for an address that is unknown: it may be refused, and not more."""
    spec = without_types(SPEC) | {"EncryptionKey": None, "Options": None}
    adapter = spec["NicSettingMap"][0]["Adapter"]
    adapter.update({"Ip": {}, "SubnetMask": None, "Gateway": None, "IpV6Spec": None})
    told = [each for each in check_spec({"Spec": spec}) if each.path.endswith("adapter.ip")]
    assert {each.rule for each in told} == {"C4", "C8"}
    assert {each.certainty for each in told} == {"may"}
    assert any("type" in each.unknown[0] for each in told)
    read = read_typed(read_text(as_clixml(SPEC).encode()), load("9.1.0.0"))
    assert len(read.alternatives) == 1  # with types there is nothing to choose
