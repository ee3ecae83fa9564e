"""Wire values to bytes: what is refused, and that nothing is lost on the way there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from vcontract._errors import SchemaError
from vcontract._schema import DataType, Field, Schema, load, plain
from vcontract._terms import Ref

MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")
VM = {"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": "vm-42"}
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"
TEXT = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff", include_characters="\t\n\r"
    ),
    max_size=6,
)
NUMBERS = {"byte": 7, "short": 15, "int": 31, "long": 63}


def arguments() -> dict[str, Any]:
    """Give fresh arguments of CustomizeGuest_Task that are complete."""
    adapter = {"_typeName": "CustomizationIPSettings", "ip": {"_typeName": "CustomizationDhcpIpGenerator"}}
    return {
        "vm": VM,
        "auth": {
            "_typeName": "NamePasswordAuthentication",
            "interactiveSession": False,
            "username": "root",
            "password": "secret:guest.root",
        },
        "spec": {
            "_typeName": "CustomizationSpec",
            "identity": {
                "_typeName": "CustomizationLinuxPrep",
                "hostName": {"_typeName": "CustomizationFixedName", "name": "web"},
                "domain": "a.b",
            },
            "globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings"},
            "nicSettingMap": [{"_typeName": "CustomizationAdapterMapping", "adapter": adapter}],
            "encryptionKey": [1, -3],
        },
        "configParams": [{"_typeName": "OptionValue", "key": "k", "value": {"_typeName": "string", "_value": "v"}}],
    }


def sent(schema: Schema, given_arguments: dict[str, Any]) -> Any:
    """Serialise, parse, and give the element of the call."""
    return etree.fromstring(schema.request("CustomizeGuest_Task", MANAGER, given_arguments))[0][0]


def value_of(schema: Schema, kind: str) -> st.SearchStrategy[Any]:
    """Draw a wire value of a static type."""
    if kind in NUMBERS:
        return st.integers(-(1 << NUMBERS[kind]), (1 << NUMBERS[kind]) - 1)
    if kind == "boolean":
        return st.booleans()
    if kind == "string":
        return TEXT
    if kind == "anyType":
        return st.sampled_from(["string", "boolean", "int", "long"]).flatmap(
            lambda name: st.builds(lambda each: {"_typeName": name, "_value": each}, value_of(schema, name))
        )
    if schema.types[kind].enum:
        return st.sampled_from(schema.types[kind].enum)
    return st.sampled_from(schema.subtypes(kind)).flatmap(lambda name: data_of(schema, schema.types[name]))


def data_of(schema: Schema, known: DataType) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a data object of exactly this type."""

    def of(field: Field) -> st.SearchStrategy[Any]:
        one = st.deferred(lambda: value_of(schema, field.type))
        return st.lists(one, min_size=1, max_size=2) if field.array else one

    required = {each.name: of(each) for each in known.fields if not each.optional}
    optional = {each.name: of(each) for each in known.fields if each.optional}
    drawn = st.fixed_dictionaries(required, optional=optional)
    return drawn.map(lambda values: {"_typeName": known.name, **values})


NEWEST = load("9.1.0.0")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    spec=data_of(NEWEST, NEWEST.types["CustomizationSpec"]),
    auth=value_of(NEWEST, "GuestAuthentication"),
    options=st.lists(value_of(NEWEST, "OptionValue"), max_size=2),
)
def test_nothing_is_lost_on_the_wire(spec: Any, auth: Any, options: list[Any]) -> None:
    """Whatever the input types allow comes back as it was sent, with no problem found."""
    call = sent(NEWEST, {"vm": VM, "auth": auth, "spec": spec, "configParams": options})
    kinds = {"auth": "GuestAuthentication", "spec": "CustomizationSpec", "configParams": "OptionValue"}
    decoded = [NEWEST.decode(child, kinds[etree.QName(child).localname]) for child in list(call)[2:]]
    assert decoded == [(each, ()) for each in (auth, spec, *options)]


def test_the_envelope_is_as_a_real_server_wants_it(schema: Schema) -> None:
    """Declared order, empty required objects present, xsi:type only where it says something, bytes as numbers."""
    body = schema.request("CustomizeGuest_Task", MANAGER, arguments())
    assert body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    call = etree.fromstring(body)[0][0]
    assert [etree.QName(each).localname for each in call] == ["_this", "vm", "auth", "spec", "configParams"]
    assert (call[0].get("type"), call[0].text) == (MANAGER.type, MANAGER.value)
    spec = call[3]
    assert spec.get(XSI) is None
    names = ["identity", "globalIPSettings", "nicSettingMap", "encryptionKey", "encryptionKey"]
    assert [etree.QName(each).localname for each in spec] == names
    assert (len(spec[1]), [each.text for each in list(spec)[3:]]) == (0, ["1", "-3"])
    prefix, _, name = str(call[2].get(XSI)).rpartition(":")
    assert (call[2].nsmap[prefix or None], name) == ("urn:vim25", "NamePasswordAuthentication")
    assert call[2][2].text == "secret:guest.root"


@pytest.mark.parametrize(
    ("given_value", "read"),
    [
        ("text", {"_typeName": "string", "_value": "text"}),
        (True, {"_typeName": "boolean", "_value": True}),
        (7, {"_typeName": "int", "_value": 7}),
        (1 << 40, {"_typeName": "long", "_value": 1 << 40}),
        (VM, VM),
        ({"_typeName": "double", "_value": 0.5}, {"_typeName": "double", "_value": 0.5}),
        ({"_typeName": "dateTime", "_value": "2026-01-02T03:04:05Z"},) * 2,
        ({"_typeName": "base64Binary", "_value": "AAE="},) * 2,
        ({"_typeName": "VirtualMachinePowerState", "_value": "poweredOn"},) * 2,
        ({"_typeName": "ArrayOfString", "_value": ["a", ""]}, ["a", ""]),
        ({"_typeName": "OptionValue", "key": "inner"},) * 2,
    ],
)
def test_any_type_carries_its_type(schema: Schema, given_value: Any, read: Any) -> None:
    """Plain values get the type that fits them, stated ones keep theirs, lists come back as lists."""
    values = arguments()
    values["configParams"][0]["value"] = given_value
    decoded, problems = schema.decode(sent(schema, values)[4], "OptionValue")
    assert (decoded["value"], problems) == (read, ())


def change(values: dict[str, Any], path: str, value: Any) -> None:
    """Set what lies at a dotted path."""
    *parents, last = path.split(".")
    for name in parents:
        values = values[name][0] if isinstance(values[name], list) else values[name]
    values[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("vm", None, "CustomizeGuest_Task.vm is missing"),
        ("vm", "vm-42", "vm must be a ManagedObjectReference"),
        ("nothing", 1, "CustomizeGuest_Task.nothing does not exist"),
        ("auth.realm", "x", "auth.realm does not exist: NamePasswordAuthentication has"),
        ("auth._typeName", "CustomizationSpec", "CustomizationSpec is no GuestAuthentication"),
        ("auth.username", 5, "auth.username must be a string"),
        ("auth.username", "a\x00b", "U\\+0000"),
        ("auth.interactiveSession", "no", "must be a boolean"),
        ("spec.identity", None, "spec.identity is missing"),
        ("spec.identity._typeName", "CustomizationLinuxFlexPrep", "is no CustomizationIdentitySettings at API 8.0.3.0"),
        ("spec.identity.password", {}, "identity.password does not exist"),
        ("spec.identity.hostName.name", True, "must be a string"),
        ("spec.nicSettingMap", {}, "must be a list of CustomizationAdapterMapping"),
        ("spec.nicSettingMap.adapter.netBIOS", "maybe", "nicSettingMap\\[0\\].adapter.netBIOS: 'maybe' is no"),
        ("spec.encryptionKey", [128], "encryptionKey\\[0\\]: 128 does not fit into a byte"),
        ("configParams.value", {"_typeName": "Nonsense"}, "names no type"),
        ("configParams.value", {"_typeName": "base64Binary", "_value": "?"}, "is no base64"),
    ],
)
def test_a_wrong_argument_is_named_by_its_path(schema: Schema, path: str, value: Any, said: str) -> None:
    """Unknown, missing, mistyped and unsendable values raise one line with the path to them."""
    values = arguments()
    change(values, path, value)
    with pytest.raises(SchemaError, match=said) as caught:
        sent(schema, values)
    assert "\n" not in str(caught.value)


def test_an_unknown_method_is_named(schema: Schema) -> None:
    """A method that the WSDL lacks is the user's mistake."""
    with pytest.raises(SchemaError, match="no method CloneEverything"):
        schema.request("CloneEverything", MANAGER, {})


def test_plain_unwraps_only_wrapped_values() -> None:
    """A stated simple value becomes the bare one; a reference stays."""
    assert (plain({"_typeName": "string", "_value": "x"}), plain(VM), plain(3)) == ("x", VM, 3)
