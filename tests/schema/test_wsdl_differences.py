"""The comparison of WSDLs: against the list of what upgrades brought, against the vendor's metadata, and by its own laws."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import VmomiSupport

from tests.schema.small_wsdl import BASE, edited, small_document, small_wsdl
from vcontract._errors import SchemaError
from vcontract._schema import Schema, load
from vcontract._schema.build import build, write_set
from vcontract._schema.diff import differences, open_pair
from vcontract._schema.metadata import known_versions
from vcontract._schema.ship import roots_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vcontract._terms import Difference

LIST = Path(__file__).parent / "upgrade_diff.tsv"
"""What each release brought to the objects we judge, from the vendor's pages and metadata, and its class."""
ADDED = {"typeAdded", "subtypeAdded", "faultAdded"}
FIELDS = {"fieldAdded", "requiredFieldAdded"}


@cache
def compared(old: str, new: str, roots: tuple[str, ...] = ()) -> tuple[Difference, ...]:
    """Compare two sides as the verb does."""
    first, second = open_pair(old, new, roots)
    return differences(first.schema, second.schema, first.elsewhere | second.elsewhere)


def told(found: Sequence[Difference]) -> set[tuple[str, str, str, str]]:
    """Give what differs, without class and reason."""
    return {(each.kind, each.path, each.old, each.new) for each in found}


def listed(above: str, upto: str = "9.1.0.0") -> list[dict[str, str]]:
    """Read the rows of the list that are younger than one release and not younger than another."""
    order = known_versions()
    with LIST.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 40
    return [each for each in rows if order.index(above) < order.index(each["wire_version"]) <= order.index(upto)]


@pytest.mark.parametrize("pair", [("6.8.7", "9.1.0.0"), ("7.0.3.2", "8.0.3.0"), ("8.0.3.0", "9.0.0.0")])
def test_every_row_of_the_list_is_found_with_its_class(pair: tuple[str, str]) -> None:
    """What an upgrade brings is told, with the class that the list gives it; an optional field is so written."""
    found = {(each.kind in ADDED, each.path): each for each in compared(*pair) if each.kind in ADDED | FIELDS}
    rows = listed(*pair)
    assert len(rows) > (30 if pair[0] == "6.8.7" else 0)
    for row in rows:
        each = found[row["kind"] == "type", row["name"]]
        assert each.impact.value == row["class"], row
        if row["kind"] == "field":
            assert ("?" in each.new, "[]" in each.new) == ("?" in row["type"], "[]" in row["type"]), row
    assert all(each.impact.value != "breaking" for each in found.values())


def test_what_is_found_beyond_the_list_is_true() -> None:
    """Each type and field told as new is younger than 6.8.7 and no younger than 9.1.0.0 in the vendor's metadata."""
    old, new = (_names(wire) for wire in ("6.8.7", "9.1.0.0"))
    found = compared("6.8.7", "9.1.0.0")
    assert len(found) > 200
    for each in found:
        name = each.path.removeprefix("ArrayOf") if each.kind == "typeAdded" else each.path
        assert each.kind in ADDED | FIELDS, each
        assert name in new, each
        assert name not in old, each


def _names(wire: str) -> set[str]:
    """Name every type and field that a release has, straight from pyVmomi's definitions."""
    visible = next(name for name, version in VmomiSupport.versionIdMap.items() if version == wire and "vim." in name)
    past = {*VmomiSupport.parentMap[visible], visible}
    definitions: Any = VmomiSupport._wsdlDefMap
    found = set()
    for (_, name), entry in definitions.items():
        if (entry[2] if len(entry) == 4 else entry[3]) in past:
            found.add(name)
            members = entry[4] if len(entry) == 5 and entry[4] else ()
            found |= {f"{name}.{member[0]}" for member in members if member[2] in past}
    return found


@pytest.mark.parametrize("api", ["6.7.3", "8.0.2.0", "9.1.0.0"])
def test_a_release_does_not_differ_from_itself(api: str, tmp_path: Path) -> None:
    """The set of a release, built again into a folder."""
    assert compared(api, api) == ()
    write_set(build(api, roots_of(api)), tmp_path)
    assert differences(load(api), load(tmp_path)) == differences(load(tmp_path), load(api)) == ()


def test_the_way_back_tells_the_same_things_the_other_way_round() -> None:
    """What is new from A to B is gone from B to A, and nothing else is."""
    there, back = compared("6.7.3", "6.8.7"), compared("6.8.7", "6.7.3")
    assert {(each.path, each.old, each.new) for each in there} == {(each.path, each.new, each.old) for each in back}
    assert {each.kind: each.impact.value for each in back} == {
        "operationRemoved": "breaking",
        "fieldRemoved": "risky",
        "typeRemoved": "risky",
        "becameRequired": "addition",
    }


def test_a_fingerprint_names_the_difference_and_not_the_releases() -> None:
    """The same difference has the same fingerprint in other pairs, one fingerprint stands for one, and some are fixed here."""
    pairs = [("6.8.7", "9.1.0.0"), ("8.0.3.0", "9.1.0.0"), ("9.0.0.0", "9.1.0.0")]
    marks = [{each.fingerprint: each for each in compared(*pair)} for pair in pairs]
    assert [len(each) for each in marks] == [len(compared(*pair)) for pair in pairs]
    assert marks[2].keys() < marks[1].keys() < marks[0].keys()
    for mark, each in marks[2].items():
        assert told([each]) == told([marks[0][mark]])
    by_path = {each.path: each.fingerprint for each in marks[0].values()}
    assert by_path["CustomizationFailed.reason"] == "076cf1b12267"
    assert by_path["SolutionUserRequired"] == "418b8e37a17c"


def test_the_worst_comes_first_and_the_order_is_fixed(tmp_path: Path) -> None:
    """By class, then by path; whatever the order of the definitions."""
    edits = ("State = off lost", "Part: p:int z:int", "op More() void", "-Stop")
    new = edited(BASE, *edits)
    backwards = "\n".join(reversed(new.split("\n")))
    base = small_wsdl(tmp_path / "a")
    found = differences(base, small_wsdl(tmp_path / "b", new))
    assert [f"{each.impact.value} {each.path}" for each in found] == [
        *("breaking Part.z", "breaking Stop", "risky State", "addition More", "addition State"),
    ]
    assert found == differences(base, small_wsdl(tmp_path / "c", backwards))


def test_what_does_not_show_on_the_wire_is_no_difference(tmp_path: Path) -> None:
    """Prefixes, the order of definitions, annotations, comments and the split into files."""
    base = small_wsdl(tmp_path / "a")
    assert differences(base, small_wsdl(tmp_path / "b", "\n".join(reversed(BASE.split("\n"))), prefix="other")) == ()
    document = small_document(BASE)
    part, note = (
        '<xsd:complexType name="Part">',
        "<xsd:annotation><xsd:documentation>A part.</xsd:documentation></xsd:annotation>",
    )
    noted = document.replace(part, f"<!-- new -->{part}{note}")
    assert noted != document
    assert differences(base, _load(tmp_path / "c", {"vimService.wsdl": noted})) == ()
    before, schema, after = (
        document.partition("<xsd:schema")[0],
        *document.partition("<xsd:schema")[2].split("</xsd:schema>"),
    )
    head = '<xsd:schema targetNamespace="urn:x"><xsd:include schemaLocation="types.xsd"/></xsd:schema>'
    names = 'xmlns:x="urn:x" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    files = {
        "vimService.wsdl": f"{before}{head}{after}",
        "types.xsd": f"<xsd:schema {names}{schema}</xsd:schema>",
    }
    assert differences(base, _load(tmp_path / "d", files)) == ()


def _load(folder: Path, files: dict[str, str]) -> Schema:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    return load(folder)


@pytest.mark.parametrize(
    ("first", "edits", "expected"),
    [
        # met on both sides: the worse class counts
        (("Out: c:Part",), ("Part: p:int z:int",), {"requiredFieldAdded sent breaking Part.z"}),
        (("Out: c:Part",), ("New(Part):",), {"subtypeAdded received risky New"}),
        # a field that goes to an ancestor or comes from one is on the wire as it was
        ((), ("Part: p:int q:int?", "FinePart(Part): r:int?"), {"fieldAdded sent addition Part.q"}),
        ((), ("Part:", "FinePart(Part): p:int q:int? r:int?"), {"requiredFieldRemoved sent breaking Part.p"}),
        # … unless it changes on the way, or its place does
        (
            (),
            ("Part: p:int q:int", "FinePart(Part): r:int?"),
            {"requiredFieldAdded sent breaking Part.q", "becameRequired sent breaking FinePart.q"},
        ),
        (
            (),
            ("Part: p:int r:int?", "FinePart(Part): q:int?"),
            {"fieldAdded sent addition Part.r", "orderChanged sent breaking FinePart"},
        ),
        # an order is told where it was made, not again for each descendant
        (
            ("Part: p:int o:int", "FinePart(Part): q:int?"),
            ("Part: o:int p:int",),
            {"orderChanged sent breaking Part"},
        ),
        # an inserted ancestor brings what it requires
        (
            (),
            ("Mid(Part): m:int", "FinePart(Mid): q:int? r:int?"),
            {
                "subtypeAdded sent addition Mid",
                "baseInserted sent addition FinePart",
                "requiredFieldAdded sent breaking FinePart.m",
            },
        ),
        # a base that goes takes its fields along
        (
            (),
            ("-Part", "FinePart: q:int? r:int?", "In: a:int b:string? c:FinePart d:Mode? e:string[]?"),
            {
                "typeRemoved sent breaking Part",
                "baseChanged sent breaking FinePart",
                "requiredFieldRemoved sent breaking FinePart.p",
                "typeReplaced sent breaking In.c",
            },
        ),
        # parameters and results
        ((), ("op Do(n:int? in:In) Out ! Busy",), {"orderChanged sent breaking Do"}),
        ((), ("op Do(in:In n:int) Out ! Busy",), {"becameRequired sent breaking Do.n"}),
        ((), ("op Do(in:In n:int?) void ! Busy",), {"requiredFieldRemoved received breaking Do.returnval"}),
        ((), ("op Stop() int?",), {"fieldAdded received addition Stop.returnval"}),
        ((), ("op Do(in:In n:int?) Out[] ! Busy",), {"becameArray received breaking Do.returnval"}),
        # simple types
        (("Size ~ int", "In: s:Size"), ("Size ~ long",), {"typeWidened sent addition Size"}),
        (("Size ~ int", "In: s:Size"), ("Size ~ string",), {"typeReplaced sent breaking Size"}),
        (("Size ~ int", "In: s:Size"), ("Size = 1 2",), {"formChanged sent breaking Size"}),
        # two things at once are two differences
        (("In: a:int?",), ("In: a:long[]",), {f"{each} In.a" for each in (
            "typeWidened sent addition", "becameRequired sent breaking", "becameArray sent addition")}),
        # what no call names arrives as a property does; an ancestor of what calls name does not
        (("Loose: x:int",), ("Loose: x:int y:int",), {"requiredFieldAdded received addition Loose.y"}),
        (("Loose: x:int",), ("New(Loose):",), {"subtypeAdded received risky New"}),
        (("Root:", "Part(Root): p:int"), ("New(Root):",), {"typeAdded  addition New"}),
        # a client sends no fault, though a request may hold one
        (("Holder: f:MethodFault?", "In: h:Holder"), ("Locked(MethodFault): x:int",),
         {"requiredFieldAdded received addition Locked.x"}),
        (("Holder: f:MethodFault?", "In: h:Holder"), ("New(Holder):",), {"subtypeAdded sent addition New"}),
        # a list in the place of any type is no place of its own
        (("ArrayOfPart: Part:Part[]?",), ("New(Part):",), {"subtypeAdded sent addition New"}),
        (("ArrayOfPart: Part:Part[]?",), ("ArrayOfPiece: Piece:Piece[]?",), {"typeAdded  addition ArrayOfPiece"}),
        # the fault tree: one that leaves its ancestor is missed by who catches that
        ((), ("Broken(MethodFault):",), {"baseChanged received breaking Broken"}),
    ],
)  # fmt: skip
def test_the_meaning_on_the_wire_decides(
    tmp_path: Path, first: tuple[str, ...], edits: tuple[str, ...], expected: set[str]
) -> None:
    """Where a client meets a type, inheritance, several changes at once."""
    old = edited(BASE, *first)
    found = differences(small_wsdl(tmp_path / "a", old), small_wsdl(tmp_path / "b", edited(old, *edits)))
    assert {f"{each.kind} {each.position} {each.impact.value} {each.path}" for each in found} == expected


def test_roots_of_ones_own() -> None:
    """They choose what is compared; one that a release lacks is left out of it."""
    found = compared("6.7.3", "8.0.2.0", ("VirtualMachineGuestCustomizationManager", "Task:CancelTask"))
    assert {each.path for each in found if each.kind == "operationAdded"} == {
        *("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"),
    }
    assert not any(each.path.startswith("HostRuntimeInfo") for each in found)
    properties = compared("6.8.7", "9.1.0.0", ("VirtualMachine.guest:PowerOnVM_Task", "ServiceInstance:CurrentTime"))
    assert "GuestInfo.guestRebootStatus" in {each.path for each in properties}
    assert "VirtualMachineRuntimeInfo.diskChainBroken" not in {each.path for each in properties}


def test_a_set_with_more_than_the_roots_is_compared_by_the_roots(tmp_path: Path) -> None:
    """What a release has, though not within its roots, is not told as removed from it or added to it."""
    write_set(build("8.0.2.0", [*roots_of("8.0.2.0"), "VirtualMachine", "HostSystem"]), tmp_path)
    assert len(load(tmp_path).types) > len(load("9.1.0.0").types)
    there = compared(str(tmp_path), "9.1.0.0")
    assert {each.kind for each in there} <= ADDED | FIELDS
    assert "GuestInfo.guestRebootStatus" in {each.path for each in there}
    assert {each.kind for each in compared("9.1.0.0", str(tmp_path))} <= {"fieldRemoved", "typeRemoved"}
    assert compared("8.0.2.0", str(tmp_path)) == ()


@pytest.mark.parametrize(
    ("old", "new", "roots", "said"),
    [
        ("6.8.7", "nowhere", (), "cannot read .*nowhere"),
        ("nowhere", "6.8.7", (), "cannot read .*nowhere"),
        ("6.8.7", "9.1.0.0", ("Nope",), "no managed object 'Nope'"),
        ("6.8.7", "9.1.0.0", ("Task:Nope",), "no method in Task at API 9.1.0.0 is named 'Nope'"),
        ("6.8.7", "9.1.0.0", ("Task.nope:",), "no property in Task at API 9.1.0.0 is named 'nope'"),
        ("6.7.3", "6.8.7", ("VirtualMachineGuestCustomizationManager",), "API 6.7.3 has none of the roots"),
        ("nowhere", "elsewhere", ("Task",), "--root is for API releases"),
        ("https://me:word@vc.invalid/sdk/vimService.wsdl", "6.8.7", (), "holds a user name"),
    ],
)
def test_sides_that_cannot_be_compared(old: str, new: str, roots: tuple[str, ...], said: str) -> None:
    """Missing, unknown, without anything to compare: one line that says which, without a password in it."""
    with pytest.raises(SchemaError, match=said) as caught:
        compared(old, new, roots)
    assert "\n" not in str(caught.value)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [(("Loop(Hole):", "Hole(Loop):", "In: c:Loop"), "extends itself"), (("In: c:Nowhere",), "no usable WSDL")],
)
def test_a_set_that_is_unsound_is_one_line(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    """Types that extend each other in a ring, and a type that is not there."""
    (tmp_path / "vimService.wsdl").write_text(small_document(edited(BASE, *lines)))
    with pytest.raises(SchemaError, match=said) as caught:
        compared(str(tmp_path), "6.8.7")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('style="document"', 'style="rpc"', "are not document/literal"),
        ('<part name="f" element="x:BusyFault"/>', '<part name="f" type="x:Busy"/>', "of a form that is not read"),
        ('<part name="f" element="x:BusyFault"/>', "", "of a form that is not read"),
        ('<xsd:element name="BusyFault" type="x:Busy"/>', '<xsd:element name="BusyFault"/>', "Do declares a fault"),
        ('<fault name="Busy" message="x:Busy"/>', '<fault name="Busy" message="x:None"/>', "'Do' was not found"),
        ('<output message="x:StopResponse"/>', "", "of a form that is not read"),
    ],
)
def test_a_form_that_is_not_vspheres_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Nothing of a set is left out silently: what cannot be compared is refused."""
    document = small_document(BASE)
    assert old in document
    (tmp_path / "vimService.wsdl").write_text(document.replace(old, new))
    with pytest.raises(SchemaError, match=said) as caught:
        compared("6.8.7", str(tmp_path))
    assert "\n" not in str(caught.value)
