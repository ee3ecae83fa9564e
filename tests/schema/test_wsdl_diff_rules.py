"""Each rule of the comparison: one difference that it decides, and one that is near and not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.schema.small_wsdl import BASE, edited, small_wsdl
from vcontract._errors import SchemaError
from vcontract._schema.diff import differences
from vcontract._schema.diff.change import Kind
from vcontract._schema.diff.rules import RULES, rules
from vcontract._terms import Difference, Impact

if TYPE_CHECKING:
    from pathlib import Path

IN, OUT = "In: a:int b:string? c:Part d:Mode? e:string[]?", "Out: a:int b:string? c:Piece d:State? e:string[]?"


class Fires(NamedTuple):
    """The lines that make B of A, and the difference that must come of it, alone but for `others`."""

    edits: tuple[str, ...]
    impact: str
    path: str
    old: str
    new: str
    others: frozenset[str] = frozenset()


def _both(kind: str, line: str, impacts: tuple[str, str], told: tuple[str, str, str]) -> dict[str, Fires]:
    """Edit alike what is sent and what is received: {0} stands for In or Out, {1} for what they hold, {2} for the enum."""
    found = {}
    for position, impact, words in zip(("sent", "received"), impacts, (_SENT, _RECEIVED), strict=True):
        path, old, new = (each.format(*words) for each in told)
        found[f"{kind}.{position}"] = Fires((line.format(*words),), impact, path, old, new)
    return found


_SENT, _RECEIVED = ("In", "Part", "Mode"), ("Out", "Piece", "State")
ANY = {
    "operationAdded": Fires(("op More() void",), "addition", "More", "", "More"),
    "operationRemoved": Fires(("-Stop",), "breaking", "Stop", "Stop", ""),
    "faultDeclared": Fires(("op Do(in:In n:int?) Out ! Busy Locked",), "risky", "Do/Locked", "", "Locked"),
    "faultRefined": Fires(("op Do(in:In n:int?) Out ! Busy Broken",), "addition", "Do/Broken", "", "Broken"),
    "faultUndeclared": Fires(("op Do(in:In n:int?) Out",), "addition", "Do/Busy", "Busy", ""),
    "typeAdded": Fires(("Alone: x:int",), "addition", "Alone", "", "object"),
    "faultAdded": Fires(("Jam(Busy): why:string",), "risky", "Jam", "", "Busy"),
}
FIRES = (
    ANY
    | _both("subtypeAdded", "New({1}): s:int", ("addition", "risky"), ("New", "", "{1}"))
    | _both("typeRemoved", "-Fine{1}", ("breaking", "risky"), ("Fine{1}", "{1}", ""))
    | _both("baseChanged", "Fine{1}: p:int q:int? r:int?", ("breaking",) * 2, ("Fine{1}", "{1}", "object"))
    | {
        "baseInserted.sent": Fires(
            ("Mid(Part):", "FinePart(Mid): q:int? r:int?"),
            *("addition", "FinePart", "Part", "Mid", frozenset({"subtypeAdded.sent"})),
        ),
        "baseInserted.received": Fires(
            ("Mid(Piece):", "FinePiece(Mid): q:int? r:int?"),
            *("addition", "FinePiece", "Piece", "Mid", frozenset({"subtypeAdded.received"})),
        ),
    }
    | _both("formChanged", "{2}: m:int", ("breaking",) * 2, ("{2}", "enumeration", "object"))
    | {
        "valueAdded.sent": Fires(("Mode = fast idle slow",), "addition", "Mode", "", "idle"),
        "valueAdded.received": Fires(("State = on off lost",), "risky", "State", "", "lost"),
        "valueRemoved.sent": Fires(("Mode = slow",), "breaking", "Mode", "fast", ""),
        "valueRemoved.received": Fires(("State = off",), "addition", "State", "on", ""),
    }
    | _both(
        "fieldAdded", "{0}: a:int b:string? z:int? c:{1} d:{2}? e:string[]?", ("addition",) * 2, ("{0}.z", "", "int?")
    )
    | _both(
        "requiredFieldAdded",
        "{0}: a:int b:string? c:{1} d:{2}? e:string[]? z:int[]",
        *(("breaking", "addition"), ("{0}.z", "", "int[]")),
    )
    | _both("fieldRemoved", "{0}: a:int c:{1} d:{2}? e:string[]?", ("breaking", "risky"), ("{0}.b", "string?", ""))
    | _both("requiredFieldRemoved", "{0}: b:string? c:{1} d:{2}? e:string[]?", ("breaking",) * 2, ("{0}.a", "int", ""))
    | _both(
        "becameRequired",
        "{0}: a:int b:string c:{1} d:{2}? e:string[]?",
        *(("breaking", "addition"), ("{0}.b", "string?", "string")),
    )
    | _both(
        "becameOptional",
        "{0}: a:int? b:string? c:{1} d:{2}? e:string[]?",
        *(("addition", "risky"), ("{0}.a", "int", "int?")),
    )
    | _both(
        "becameArray",
        "{0}: a:int b:string[]? c:{1} d:{2}? e:string[]?",
        *(("addition", "breaking"), ("{0}.b", "string?", "string[]?")),
    )
    | _both(
        "becameSingle",
        "{0}: a:int b:string? c:{1} d:{2}? e:string?",
        *(("breaking", "addition"), ("{0}.e", "string[]?", "string?")),
    )
    | _both(
        "typeWidened", "{0}: a:long b:string? c:{1} d:{2}? e:string[]?", ("addition", "risky"), ("{0}.a", "int", "long")
    )
    | _both(
        "typeNarrowed",
        "{0}: a:short b:string? c:{1} d:{2}? e:string[]?",
        ("breaking", "addition"),
        ("{0}.a", "int", "short"),
    )
    | _both(
        "typeRaised", "{0}: a:int b:string? c:anyType d:{2}? e:string[]?", ("risky",) * 2, ("{0}.c", "{1}", "anyType")
    )
    | _both(
        "typeLowered",
        "{0}: a:int b:string? c:Fine{1} d:{2}? e:string[]?",
        *(("breaking", "risky"), ("{0}.c", "{1}", "Fine{1}")),
    )
    | _both(
        "typeReplaced",
        "{0}: a:double b:string? c:{1} d:{2}? e:string[]?",
        ("breaking",) * 2,
        ("{0}.a", "int", "double"),
    )
    | _both(
        "orderChanged",
        "{0}: b:string? a:int c:{1} d:{2}? e:string[]?",
        *(("breaking",) * 2, ("{0}", "a, b, c, d, e", "b, a, c, d, e")),
    )
)
NEAR: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "operationAdded": (("-Do", "op Do(in:In n:int?) Out ! Busy"), set()),
    "operationRemoved": (("op Stop(n:int?) void",), {"fieldAdded.sent"}),
    "faultDeclared": (("op Do(in:In n:int?) Out ! Busy Broken",), {"faultRefined"}),
    "faultRefined": (("op Do(in:In n:int?) Out ! Locked",), {"faultDeclared", "faultUndeclared"}),
    "faultUndeclared": (("op Do(in:In n:int?) Out ! Locked Busy",), {"faultDeclared"}),
    "typeAdded": (("Alone(Part): x:int",), {"subtypeAdded.sent"}),
    "faultAdded": (("Jam(Locked): why:string",), {"subtypeAdded.received"}),
    "subtypeAdded.sent": (("New(Piece): s:int",), {"subtypeAdded.received"}),
    "subtypeAdded.received": (("New(FinePart): s:int",), {"subtypeAdded.sent"}),
    "typeRemoved.sent": (("-FinePiece",), {"typeRemoved.received"}),
    "typeRemoved.received": (("-FinePart",), {"typeRemoved.sent"}),
    "baseChanged.sent": (("Mid(Part):", "FinePart(Mid): q:int? r:int?"), {"baseInserted.sent", "subtypeAdded.sent"}),
    "baseChanged.received": (
        ("Mid(Piece):", "FinePiece(Mid): q:int? r:int?"),
        {"baseInserted.received", "subtypeAdded.received"},
    ),
    "baseInserted.sent": (("FinePart: p:int q:int? r:int?",), {"baseChanged.sent"}),
    "baseInserted.received": (("FinePiece: p:int q:int? r:int?",), {"baseChanged.received"}),
    "formChanged.sent": (("Mode = slow fast",), set()),
    "formChanged.received": (("State = off on",), set()),
    "valueAdded.sent": (("State = on off idle",), {"valueAdded.received"}),
    "valueAdded.received": (("Mode = fast slow lost",), {"valueAdded.sent"}),
    "valueRemoved.sent": (("Mode = slow fast",), set()),
    "valueRemoved.received": (("State = off on",), set()),
    "fieldAdded.sent": ((f"{IN} z:int",), {"requiredFieldAdded.sent"}),
    "fieldAdded.received": ((f"{OUT} z:int",), {"requiredFieldAdded.received"}),
    "requiredFieldAdded.sent": ((f"{IN} z:int?",), {"fieldAdded.sent"}),
    "requiredFieldAdded.received": ((f"{OUT} z:int?",), {"fieldAdded.received"}),
    "fieldRemoved.sent": ((IN.replace("a:int ", ""),), {"requiredFieldRemoved.sent"}),
    "fieldRemoved.received": ((OUT.replace("a:int ", ""),), {"requiredFieldRemoved.received"}),
    "requiredFieldRemoved.sent": ((IN.replace("b:string? ", ""),), {"fieldRemoved.sent"}),
    "requiredFieldRemoved.received": ((OUT.replace("b:string? ", ""),), {"fieldRemoved.received"}),
    "becameRequired.sent": ((IN.replace("a:int", "a:int?"),), {"becameOptional.sent"}),
    "becameRequired.received": ((OUT.replace("a:int", "a:int?"),), {"becameOptional.received"}),
    "becameOptional.sent": ((IN.replace("b:string?", "b:string"),), {"becameRequired.sent"}),
    "becameOptional.received": ((OUT.replace("b:string?", "b:string"),), {"becameRequired.received"}),
    "becameArray.sent": ((IN.replace("[]", ""),), {"becameSingle.sent"}),
    "becameArray.received": ((OUT.replace("[]", ""),), {"becameSingle.received"}),
    "becameSingle.sent": ((IN.replace("string?", "string[]?"),), {"becameArray.sent"}),
    "becameSingle.received": ((OUT.replace("string?", "string[]?"),), {"becameArray.received"}),
    "typeWidened.sent": ((IN.replace("b:string", "b:Mode"),), {"typeNarrowed.sent"}),
    "typeWidened.received": ((OUT.replace("b:string", "b:State"),), {"typeNarrowed.received"}),
    "typeNarrowed.sent": ((IN.replace("d:Mode", "d:string"),), {"typeWidened.sent"}),
    "typeNarrowed.received": ((OUT.replace("d:State", "d:string"),), {"typeWidened.received"}),
    "typeRaised.sent": ((IN.replace("c:Part", "c:FinePart"),), {"typeLowered.sent"}),
    "typeRaised.received": ((OUT.replace("c:Piece", "c:FinePiece"),), {"typeLowered.received"}),
    "typeLowered.sent": ((IN.replace("c:Part", "c:Piece"),), {"typeReplaced.sent"}),
    "typeLowered.received": ((OUT.replace("c:Piece", "c:Part"),), {"typeReplaced.received"}),
    "typeReplaced.sent": ((IN.replace("a:int", "a:long"),), {"typeWidened.sent"}),
    "typeReplaced.received": ((OUT.replace("a:int", "a:long"),), {"typeWidened.received"}),
    "orderChanged.sent": ((IN.replace("b:", "z:int? b:"),), {"fieldAdded.sent"}),
    "orderChanged.received": ((OUT.replace("b:", "z:int? b:"),), {"fieldAdded.received"}),
}


def rule_of(each: Difference) -> str:
    """Name the rule that decided."""
    return f"{each.kind}.{each.position}" if each.position else each.kind


def compared(folder: Path, *edits: str, first: tuple[str, ...] = ()) -> tuple[Difference, ...]:
    """Compare the base, changed by `first`, with the base changed by the edits as well."""
    old = edited(BASE, *first)
    return differences(small_wsdl(folder / "a", old), small_wsdl(folder / "b", edited(old, *edits)))


@pytest.mark.parametrize("rule", FIRES)
def test_a_rule_fires(tmp_path: Path, rule: str) -> None:
    """The difference that it is for comes with kind, place, both sides, class and the reason of the rules, and alone."""
    told = FIRES[rule]
    found = {rule_of(each): each for each in compared(tmp_path, *told.edits)}
    assert found.keys() == {rule, *told.others}
    each = found[rule]
    assert (each.impact, each.path, each.old, each.new) == (told.impact, told.path, told.old, told.new)
    assert each.reason == rules()[Kind(each.kind)][each.position or "any"].reason


@pytest.mark.parametrize("rule", NEAR)
def test_a_rule_does_not_fire_for_what_is_near(tmp_path: Path, rule: str) -> None:
    """A like change of another meaning is another rule's, or no difference at all."""
    edits, expected = NEAR[rule]
    found = {rule_of(each) for each in compared(tmp_path, *edits)}
    assert rule not in found
    assert found == expected


def test_the_envelope_has_rules_too(tmp_path: Path) -> None:
    """Another name space breaks all; another SOAPAction is a risk, another release in it is none."""
    base = small_wsdl(tmp_path / "a")
    (moved,) = differences(base, small_wsdl(tmp_path / "b", namespace="urn:y"))
    assert (moved.kind, moved.impact, moved.old, moved.new) == ("namespaceChanged", "breaking", "urn:x", "urn:y")
    (renamed,) = differences(base, small_wsdl(tmp_path / "c", action="urn:z/1"))
    assert (renamed.kind, renamed.impact, renamed.path) == ("actionChanged", "risky", "SOAPAction")
    assert differences(base, small_wsdl(tmp_path / "d", action="urn:x/2", prefix="other")) == ()


def test_every_rule_is_tried() -> None:
    """Each rule of the file has a test that fires it and one that does not; each gives a class and a reason."""
    every = {kind if at == "any" else f"{kind}.{at}" for kind, told in rules().items() for at in told}
    assert every == FIRES.keys() | {"namespaceChanged", "actionChanged"}
    assert every == NEAR.keys() | {"namespaceChanged", "actionChanged"}
    assert {rule.impact for told in rules().values() for rule in told.values()} == set(Impact)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[operationAdded]", "[operationInvented]", "operationInvented"),
        ("[operationAdded]\nany", "[operationAdded]\nsent", "operationAdded needs `any`, or `sent` and `received`"),
        ('class = "breaking"', 'class = "terrible"', "terrible"),
        ("reason =", "because =", "because"),
        ('reason = "a client of A does not call it"', 'reason = " "', "operationAdded has a rule without a reason"),
    ],
)
def test_a_wrong_rule_file_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """An unknown kind, position, class or key, a kind without a rule and an empty reason: one line with the file."""
    file = tmp_path / "rules.toml"
    file.write_text(RULES.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(SchemaError, match=said) as caught:
        rules(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
