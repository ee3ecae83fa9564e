"""The rules of `rules.toml`: what a kind of difference means for a client, and why."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

import msgspec

from vcontract._errors import SchemaError
from vcontract._schema.diff.change import Kind, Position
from vcontract._terms import Impact
from vcontract._toml_file import read_toml

RULES = Path(__file__).parent / "rules.toml"
_ANY = "any"
_POSITIONS = {*Position}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"impact": "class"}):
    """The class of a kind of difference in one position, with the reason."""

    impact: Impact
    reason: str


@cache
def rules(file: Path = RULES) -> dict[Kind, dict[str, Rule]]:
    """Read the rules: kind to position (`sent` and `received`, or `any` for both) to rule.

    Raises SchemaError, with the file, for an unknown key, for a kind without a rule, and for a reason that is none.
    """
    document = read_toml(file, dict[Kind, dict[str, Rule]], SchemaError)
    for kind in Kind:
        rules_of_kind = document.get(kind, {})
        if rules_of_kind.keys() not in ({_ANY}, _POSITIONS):
            raise SchemaError(
                f"{file}: {kind} needs `any`, or `sent` and `received`; it has {', '.join(rules_of_kind) or 'none'}"
            )
        if not all(rule.reason.strip() for rule in rules_of_kind.values()):
            raise SchemaError(f"{file}: {kind} has a rule without a reason")
    return document


def judge(kind: Kind, positions: Collection[Position]) -> tuple[str, Rule]:
    """Give the rule of the worst position, and that position; empty if the kind is the same in every one."""
    rules_of_kind = rules()[kind]
    if _ANY in rules_of_kind:
        return "", rules_of_kind[_ANY]
    position = min(sorted(positions), key=lambda position: rules_of_kind[position].impact.rank)
    return position.value, rules_of_kind[position]
