"""The cases: exhaustive by a count of their own, each breaking one thing, each what the model takes it for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model import Asked, Facts, classify
from vcontract._schema import Schema, load
from vcontract._strategies.calls import Caller
from vcontract._strategies.case import Case
from vcontract._strategies.closure import Closure
from vcontract._terms import SECRET, Arguments, Call, Envelope, Ref

VM, TWO_NICS = Ref("VirtualMachine", "vm-1"), Ref("VirtualMachine", "vm-2")
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
WELL_FORMED = ("doctype", "entity.expansion", "prefix.undeclaredType")
OF_TYPES = (
    "missing",
    "doubled",
    "unknown",
    "lexical",
    "range",
    "enum",
    "wrongType",
    "unknownType",
    "newerType",
    "newerField",
)


def made(caller: Caller, case: Case) -> Call:
    """Turn a valid call into the broken one."""
    return caller.broken(case, case.method, TWO_NICS if case.nics else VM)


def constraints(caller: Caller, kind: str, method: str = METHODS[0]) -> set[str]:
    """Name the constraints of a kind of the schema tier."""
    return {
        each.constraint for each in caller.cases() if (each.tier, each.kind, each.method) == ("schema", kind, method)
    }


@pytest.mark.parametrize("method", METHODS)
def test_schema_cases_are_exhaustive(caller: Caller, newest: Schema, method: str) -> None:
    """One case without each required field, with each single one doubled, with each pair reordered, one for each type."""
    closure = Closure(newest, method)
    parameters = newest.operations[method].parameters
    owners = {name: newest.types[name].fields for name in closure.types} | {method: parameters}
    missing = {f"{owner}.{each.name}" for owner, fields in owners.items() for each in fields if not each.optional}
    single = {f"{owner}.{each.name}" for owner, fields in owners.items() for each in fields if not each.array}
    pairs = {f"{owner}.{a.name}+{b.name}" for owner, fields in owners.items() for a, b in pairwise(fields)}
    assert constraints(caller, "missing", method) == missing | {f"{method}._this"}
    assert constraints(caller, "doubled", method) == single | {f"{method}._this"}
    assert constraints(caller, "reordered", method) == pairs | {f"{method}._this+{parameters[0].name}"}
    assert constraints(caller, "unknown", method) == set(owners)


def test_each_place_has_its_wrong_values(caller: Caller, newest: Schema) -> None:
    """Each place of a type, number, boolean or enumeration has a wrong value; each abstract type is tried in its places."""
    places = {each.name: each.field.type for each in Closure(newest, METHODS[0]).places}
    data = {name for name, kind in places.items() if kind in newest.types and not newest.types[kind].enum}
    any_ = {name for name, kind in places.items() if kind == "anyType"}
    simple = {name for name, kind in places.items() if kind in {"boolean", "int", "byte"}}
    assert constraints(caller, "wrongType") == data
    assert constraints(caller, "unknownType") == data | any_
    assert simple <= constraints(caller, "lexical")
    assert constraints(caller, "range") == {name for name, kind in places.items() if kind in {"int", "byte"}}
    assert len(constraints(caller, "enum")) == 3
    assert len(constraints(caller, "abstractType")) == 7


def test_what_is_newer_is_found(contract: Contract, facts_of: Callable[[str], Facts]) -> None:
    """At 8.0.3.0 three types and six fields are newer; at 9.1 none is."""
    older = Caller(contract, load("8.0.3.0"), facts_of("8.0.3.0"), {"held": "full"}, 1)
    assert len(constraints(older, "newerType")) == 3
    assert len(constraints(older, "newerField")) == 6
    newest = Caller(contract, load("9.1.0.0"), facts_of("9.1.0.0"), {"held": "full"}, 1)
    assert not constraints(newest, "newerType") | constraints(newest, "newerField")


def test_the_model_takes_each_case_for_what_it_is(caller: Caller, contract: Contract) -> None:
    """Labels are unique, and the class of each request is the one that the case expects."""
    cases = caller.cases()
    assert len({each.name for each in cases}) == len(cases) > 800
    for case in cases:
        asked = classify(made(caller, case), contract.method(case.method), caller.facts)
        expected = ("ok", "none") if case.expects == "noSession" else (case.expects or "ok", "valid")
        assert (asked.request, asked.session) == expected, case.name
        if case.tier == "semantic":
            assert case.kind in asked.spec, case.name
        if case.kind in {"rejected", "unsettled"}:
            assert asked.login == case.kind, case.name
        if case.kind == "legal":
            assert (asked.spec, asked.login) == (frozenset(), "accepted"), case.name


def test_a_version_that_the_server_does_not_list_is_marked_so(
    contract: Contract, facts_of: Callable[[str], Facts]
) -> None:
    """Of a list without old ones the cell of an old client is made by one that is not listed; no version is none."""
    for listed, old in (
        (None, "version"),
        (("8.0.3.0", "6.7.3"), "version"),
        (("8.0.3.0",), "unlisted"),
        ((), "unlisted"),
    ):
        facts = replace(facts_of("8.0.3.0"), versions=listed)
        about = Caller(contract, load("8.0.3.0"), facts, {"held": "full"}, 1)
        marks = {}
        for case in about.cases():
            if case.kind == "soapAction" and isinstance(payload := made(about, case).payload, Envelope):
                marks[case.constraint] = payload.breaks.split(":")[0]
        unlisted = dict.fromkeys(("none", "unversioned", "unknown", "foreign"), "unlisted")
        assert marks == {"6.7.3": old, "2.5u2": "version" if listed is None else "unlisted"} | unlisted
        asked = Asked(contract.methods[0].name, request="unknownMethod")
        call = about.call(asked, VM)
        assert isinstance(call.payload, Envelope)
        assert call.payload.breaks.split(":")[0] == old


def problems(schema: Schema, call: Call) -> list[str]:
    """Decode the sent arguments by the harness's own reader, and give what it finds wrong."""
    assert isinstance(call.payload, Envelope)
    element = etree.fromstring(call.payload.body)[-1][0]
    types = {each.name: each.type for each in schema.operations[call.method].parameters}
    found: list[str] = []
    for each in element:
        name = etree.QName(each).localname
        if name in types:
            found += schema.decode(each, types[name])[1]
    return found


def test_a_schema_case_breaks_one_thing(contract: Contract, facts_of: Callable[[str], Facts]) -> None:
    """The harness's own reader finds exactly one thing wrong, and nothing in what was there before the edit."""
    schema = load("8.0.3.0")
    caller = Caller(contract, schema, facts_of("8.0.3.0"), {"held": "full"}, 1)
    for case in caller.cases():
        if case.tier != "schema" or case.kind not in OF_TYPES or case.constraint.startswith(case.method):
            continue
        call = made(caller, case)
        found = problems(schema, call)
        assert len(found) == 1 or "xsi:type" in found[0], (case.name, found)
        assert found, case.name
        before = Envelope(schema.request(call.method, call.object, call.arguments), "")
        assert problems(schema, Call(call.object, call.method, before, call.actor)) == []


def test_a_legal_document_says_the_same(caller: Caller, newest: Schema) -> None:
    """What is odd and legal decodes to the arguments of the valid call, without a problem."""
    for case in caller.cases():
        if case.kind != "legal" or case.tier != "xml":
            continue
        call = made(caller, case)
        assert isinstance(call.payload, Envelope)
        parsed = etree.fromstring(call.payload.body, etree.XMLParser(remove_comments=True, remove_pis=True))
        assert etree.QName(parsed).localname == "Envelope"
        for each in parsed.iter(etree.Element):
            each.attrib.pop("versionId", "")
        vm = parsed[-1][0].find("{urn:vim25}vm")
        assert vm is not None
        assert newest.decode(vm, "ManagedObjectReference") == (call.arguments["vm"], ())
        for name in ("auth", "spec"):
            element = parsed[-1][0].find(f"{{urn:vim25}}{name}")
            if element is not None:
                kind = {"auth": "GuestAuthentication", "spec": "CustomizationSpec"}[name]
                value, wrong = newest.decode(element, kind)
                assert (wrong, value["_typeName"]) == ((), call.arguments[name]["_typeName"]), case.name


def test_a_broken_document_is_broken(caller: Caller) -> None:
    """The XML kind is not well-formed for another parser either, but for what only SOAP or a QName forbids."""
    for case in caller.cases():
        if (case.tier, case.kind) != ("xml", "xml") or case.constraint in {
            "doctype",
            "entity.expansion",
            "prefix.undeclaredType",
        }:
            continue
        payload = made(caller, case).payload
        assert isinstance(payload, Envelope)
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(payload.body, etree.XMLParser(resolve_entities=False))


def test_one_plan_exercises_everything(caller: Caller) -> None:
    """Every case once: all types, all positions, all constraints of each method."""
    cases = caller.cases()
    shown = caller.shown([made(caller, each) for each in cases])
    shares = caller.coverage([shown], [each.name for each in cases])
    assert set(shares) == set(METHODS)
    for share in shares.values():
        assert share.types.percent == share.positions.percent == share.constraints.percent == 100
    nothing = caller.coverage([], [])[METHODS[0]]
    assert (nothing.types.reached, nothing.positions.reached, nothing.constraints.reached) == (0, 0, 0)


def test_no_case_holds_a_password(caller: Caller) -> None:
    """The right passwords stand in calls by their names alone."""
    for case in caller.cases():
        given: Any = made(caller, case).arguments.get("auth")
        if isinstance(given, dict) and given.get("username") in {"root", "user"}:
            assert given["password"].startswith(SECRET), case.name


def test_a_case_says_when_a_vm_does_not_fit(caller: Caller) -> None:
    """A case for two NICs is not made for a VM with one."""
    case = next(each for each in caller.cases() if each.nics == 2)
    with pytest.raises(LookupError, match="needs a VM with 2 NICs"):
        caller.broken(case, case.method, VM)
    assert isinstance(caller.broken(case, case.method, TWO_NICS).payload, Arguments)
