"""The rules of `rules.toml`: what a kind of difference means for a client, and why."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

import msgspec

from vcontract.errors import SchemaError
from vcontract.schema.diff.change import Kind, Position
from vcontract.terms import Impact
from vcontract.toml_file import read_toml

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
    found = read_toml(file, dict[Kind, dict[str, Rule]], SchemaError)
    for kind in Kind:
        told = found.get(kind, {})
        if told.keys() not in ({_ANY}, _POSITIONS):
            raise SchemaError(
                f"{file}: {kind} needs `any`, or `sent` and `received`; it has {', '.join(told) or 'none'}"
            )
        if not all(each.reason.strip() for each in told.values()):
            raise SchemaError(f"{file}: {kind} has a rule without a reason")
    return found


def judge(kind: Kind, positions: Collection[Position]) -> tuple[str, Rule]:
    """Give the rule of the worst position, and that position; empty if the kind is the same in every one."""
    told = rules()[kind]
    if _ANY in told:
        return "", told[_ANY]
    position = min(sorted(positions), key=lambda each: told[each].impact.rank)
    return position.value, told[position]
