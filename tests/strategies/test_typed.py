"""Values drawn from the types: nothing is lost on the way to bytes and back, and all that the types allow is drawn."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from vcontract._schema import Schema, load
from vcontract._strategies.closure import ABSTRACT, Closure
from vcontract._strategies.coverage import goals, seen
from vcontract._strategies.pool import draw
from vcontract._strategies.typed import CHARACTERS, NASTY, arguments, values
from vcontract._terms import Ref

METHOD = "CustomizeGuest_Task"
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")
VM = Ref("VirtualMachine", "vm-42")


def written(schema: Schema, made: dict[str, Any]) -> Any:
    """Serialise arguments and give the element of the call."""
    return etree.fromstring(schema.request(METHOD, MANAGER, {"vm": VM.json(), **made}))[0][0]


def read(schema: Schema, call: Any) -> dict[str, Any]:
    """Decode the arguments of a call; the schema must find nothing wrong."""
    found: dict[str, Any] = {}
    for field in schema.operations[METHOD].parameters:
        elements = call.findall(f"{{urn:vim25}}{field.name}")
        decoded = [schema.decode(each, field.type) for each in elements]
        assert [problems for _, problems in decoded if problems] == []
        plain = [value for value, _ in decoded]
        if plain:
            found[field.name] = plain if field.array else plain[0]
    return found


def settled(value: Any) -> Any:
    """Make alike what the wire cannot tell apart: an empty list and none, an array by its type and by its items."""
    if isinstance(value, list):
        return [settled(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("_value"), list):
        return value["_value"]
    return {name: settled(each) for name, each in value.items() if each != []}


def of_empty_arrays(value: Any) -> Any:
    """Leave out OptionValue.value where it is an empty list, which decodes to an empty list by itself."""
    if isinstance(value, list):
        return [of_empty_arrays(each) for each in value]
    if isinstance(value, dict):
        return {name: of_empty_arrays(each) for name, each in value.items() if each != []}
    return value


@pytest.mark.parametrize("api", ["6.8.7", "9.1.0.0"])
def test_what_is_drawn_is_of_the_schema_and_survives_the_wire(api: str) -> None:
    """Every drawn argument is written without an error and decodes to itself, in the oldest API and in the newest."""
    schema = load(api)

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(arguments(schema, METHOD))
    def check(made: dict[str, Any]) -> None:
        back = read(schema, written(schema, made))
        assert back.pop("vm") == VM.json()
        assert of_empty_arrays(settled(back)) == of_empty_arrays(settled(made))

    check()


@given(st.text(CHARACTERS, max_size=5))
@settings(max_examples=300, deadline=None, database=None)
def test_every_character_is_one_that_xml_has(text: str) -> None:
    """XML 1.0 allows tab, line feed, carriage return, and all from space on but surrogates and U+FFFE, U+FFFF."""
    element = etree.Element("x")
    element.text = text
    assert etree.fromstring(etree.tostring(element)).text == (text or None)


def test_the_draw_reaches_every_type_and_nearly_every_position(newest: Schema) -> None:
    """Some hundred examples show every type, and nine in ten of what can be told apart."""
    closure = Closure(newest, METHOD)
    shown: set[str] = set()
    for made in draw(arguments(newest, METHOD), 3, 400):
        shown |= seen(closure, made)
    wanted = set(goals(closure)) - {f"{METHOD}.vm+"}
    assert set(closure.types) <= shown
    assert len(shown & wanted) > 0.9 * len(wanted), sorted(wanted - shown)
    assert not shown & ABSTRACT


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("byte", -128, 127), ("short", -32768, 32767), ("int", -(2**31), 2**31 - 1)]
)
def test_numbers_reach_their_boundaries(newest: Schema, kind: str, low: int, high: int) -> None:
    """The least and the greatest number are among a few, and none is beyond."""
    drawn = draw(values(newest, kind), 1, 100)
    assert (min(drawn), max(drawn)) == (low, high)


def test_texts_are_hostile_enough(newest: Schema) -> None:
    """Markup, combining characters, characters beyond the first plane and nothing at all are drawn."""
    drawn = set(draw(values(newest, "string"), 1, 400))
    assert len(drawn & set(NASTY)) > len(NASTY) / 2
    assert any(ord(character) > 0xFFFF for text in drawn for character in text)
    assert "" in drawn


def test_any_values_are_of_each_kind(newest: Schema) -> None:
    """An anyType place takes simple values of every kind, and arrays; infinity is a double."""
    drawn = draw(values(newest, "anyType"), 1, 300)
    assert {"string", "boolean", "int", "long", "double", "dateTime", "ArrayOfString"} <= {
        each["_typeName"] for each in drawn
    }
    assert any(each["_value"] in {"INF", "-INF"} for each in drawn if each["_typeName"] == "double")
    assert all(json.loads(json.dumps(each, allow_nan=False)) == each for each in drawn)  # a saved call is the call


def test_the_same_seed_draws_the_same(newest: Schema) -> None:
    """One seed, one sequence; another seed, another."""
    strategy = values(newest, "CustomizationSpec")
    assert draw(strategy, 5, 20) == draw(strategy, 5, 20)
    assert draw(strategy, 5, 20) != draw(strategy, 6, 20)


def test_an_older_api_has_nothing_newer() -> None:
    """No value for API 6.8.7 holds a type or field that came later."""
    schema = load("6.8.7")
    closure = Closure(schema, METHOD)
    assert "CustomizationCloudinitPrep" not in closure.types
    assert all("scriptText" not in str(each) for each in draw(values(schema, "CustomizationSpec"), 1, 100))
    assert len(closure.types) == 37


def test_the_closure_is_the_whole_input(newest: Schema) -> None:
    """At 9.1 there are 41 types to send, 6 abstract ones, 3 enumerations; and a way to each type."""
    closure = Closure(newest, METHOD)
    assert len(closure.types) == 41
    assert set(newest.types) >= ABSTRACT
    enums = {each.field.type for each in closure.places if closure.enum(each.field.type)}
    assert enums == {"CustomizationNetBIOSMode", "CustomizationLicenseDataMode", "CustomizationSysprepRebootOption"}
    assert all(path[-1][1] == kind for kind, path in closure.paths.items())
