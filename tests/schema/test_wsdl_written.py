"""Our writer beside zeep's: the same bytes for every operation of every shipped set."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vcontract._schema import SHIPPED, DataType, Field, Schema, load
from vcontract._schema.shapes import ANY, REFERENCE
from vcontract._terms import Ref

ZeepWriter: Any = importlib.import_module("zeep_writer").ZeepWriter  # the file beside this one
TEXT = st.text("&<>\"'\t\r\n ]x\x7f\x85\xe9\u2028\U0001f600", max_size=5)
NUMBERS = {"byte": 7, "short": 15, "int": 31, "long": 63, "integer": 70}
FLOATS = st.one_of(st.floats(-1e30, 1e30), st.sampled_from([float("inf"), 0, 7]))
SIMPLE_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "anyURI": TEXT,
    "dateTime": st.sampled_from(["2026-01-02T03:04:05Z", "&"]),
    "base64Binary": st.sampled_from(["", "AAE=", "AAECAwQ="]),
    "boolean": st.booleans(),
    "float": FLOATS,
    "double": st.one_of(FLOATS, st.sampled_from(["INF", "-INF", "NaN"])),
    "decimal": st.floats(-1e6, 1e6),
} | {kind: st.integers(-(1 << bits), (1 << bits) - 1) for kind, bits in NUMBERS.items()}
REFERENCES = st.builds(lambda kind, moid: {"_typeName": REFERENCE, "type": kind, "value": moid}, TEXT, TEXT)
STATED = ["string", "boolean", "double", "base64Binary", REFERENCE, "VirtualMachinePowerState", "ArrayOfString"]
STATED += ["ArrayOfOptionValue", "OptionValue", "GuestAuthentication"]


@cache
def data_of(schema: Schema, known: DataType, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Draw the fields of exactly this type; below some depth only those that are required."""
    strategies = {field.name: field_of(schema, field, depth) for field in known.fields}
    required = {field.name: strategies[field.name] for field in known.fields if not field.optional}
    optional = {name: each for name, each in strategies.items() if name not in required and depth < 3}
    return st.fixed_dictionaries(required, optional=optional)


def field_of(schema: Schema, field: Field, depth: int) -> st.SearchStrategy[Any]:
    """Draw the value of a field."""
    one = st.deferred(lambda: value_of(schema, field.type, depth + 1))
    return st.lists(one, min_size=0 if field.optional else 1, max_size=2) if field.array else one


def value_of(schema: Schema, kind: str, depth: int) -> st.SearchStrategy[Any]:
    """Draw a wire value of a static type."""
    if kind in SIMPLE_VALUES:
        return SIMPLE_VALUES[kind]
    if kind == REFERENCE:
        return REFERENCES
    if kind == ANY:
        return st.sampled_from([name for name in STATED if name in {*SIMPLE_VALUES, REFERENCE, *schema.types}]).flatmap(
            lambda name: stated(schema, name, depth)
        )
    known = schema.types[kind]
    if known.enum:
        return st.sampled_from(known.enum)
    return st.sampled_from(schema.subtypes(kind)).flatmap(
        lambda name: data_of(schema, schema.types[name], depth).map(lambda values: {"_typeName": name, **values})
    )


def stated(schema: Schema, name: str, depth: int) -> st.SearchStrategy[Any]:
    """Draw a value that says its type, as it stands where any type may."""
    values = value_of(schema, name, depth)
    if name in SIMPLE_VALUES or (name != REFERENCE and schema.types[name].enum):
        return values.map(lambda value: {"_typeName": name, "_value": value})
    if name.startswith("ArrayOf"):
        [field] = schema.types[name].fields
        return field_of(schema, field, depth).map(lambda value: {"_typeName": name, "_value": value})
    return values


@pytest.mark.parametrize("api", SHIPPED)
def test_every_call_is_written_as_zeep_writes_it(api: str) -> None:
    """Whatever the types allow has the very bytes that zeep gives it, escapes and empty elements included."""
    schema = load(api)
    peer = ZeepWriter(schema)
    calls = st.sampled_from(sorted(schema.operations)).flatmap(
        lambda method: st.tuples(
            st.just(method), data_of(schema, DataType(method, None, schema.operations[method].parameters), 0)
        )
    )

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(calls, TEXT)
    def same(call: tuple[str, dict[str, Any]], moid: str) -> None:
        method, arguments = call
        this = Ref("Some&Type", moid)
        assert schema.request(method, this, arguments) == peer.request(method, this, arguments)

    same()


@pytest.mark.parametrize("kind", sorted(SIMPLE_VALUES))
def test_every_simple_kind_is_written_as_zeep_writes_it(kind: str) -> None:
    """A value of each simple kind, where any type may stand, has the bytes that zeep gives it."""
    schema = load("8.0.3.0")
    peer = ZeepWriter(schema)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(SIMPLE_VALUES[kind])
    def same(value: Any) -> None:
        option = {"_typeName": "OptionValue", "key": "k", "value": {"_typeName": kind, "_value": value}}
        arguments = {"spec": {"_typeName": "VirtualMachineConfigSpec", "extraConfig": [option]}}
        this = Ref("VirtualMachine", "vm-1")
        assert schema.request("ReconfigVM_Task", this, arguments) == peer.request("ReconfigVM_Task", this, arguments)

    same()
