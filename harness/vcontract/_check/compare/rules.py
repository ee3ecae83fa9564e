"""The rules of `rules.toml`: what a kind of change means, and why."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from vcontract._check.compare.change import Kind
from vcontract._errors import ContractError
from vcontract._terms import Impact
from vcontract._toml_file import read_toml

RULES = Path(__file__).parent / "rules.toml"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"impact": "class"}):
    """The class of a kind of change, with the reason."""

    impact: Impact
    reason: str


class _Types(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str
    types: tuple[str, ...]


class _Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str
    fields: tuple[str, ...]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of the file: a rule for each kind, the faults that say nothing, the fields whose values are compared."""

    rule: dict[Kind, Rule]
    plain: _Types
    values: _Fields


@cache
def rules(file: Path = RULES) -> Rules:
    """Read the rules. Raises ContractError, with the file, for an unknown key, a kind without a rule, an empty reason."""
    document = read_toml(file, Rules, ContractError)
    if lacking := [kind.value for kind in Kind if kind not in document.rule]:
        raise ContractError(f"{file}: {lacking[0]} has no rule")
    reasons = {**{kind.value: rule.reason for kind, rule in document.rule.items()}, "plain": document.plain.reason,
            "values": document.values.reason}  # fmt: skip
    if silent := [name for name, reason in reasons.items() if not reason.strip()]:
        raise ContractError(f"{file}: {silent[0]} has no reason")
    return document


PLAIN = frozenset(rules().plain.types)
VALUES = rules().values.fields
