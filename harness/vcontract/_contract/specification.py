"""The rules of a specification in words: what each says, the letters of its sources, and where they can be read."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import msgspec

from vcontract._errors import ContractError
from vcontract._shipped import shipped
from vcontract._toml_file import read_toml

INFERENCE = "I"
"""The letter of a source that is none: what rests on it alone is no promise."""


class SpecRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"evidence": "from"}):
    """A rule of contracts/ORACLE.md in one sentence.

    `source` has the letters of its sources, `evidence` says where to read them.
    """

    id: Annotated[str, msgspec.Meta(pattern="^[CW][0-9]+$")]
    says: str
    source: str
    evidence: tuple[str, ...]

    @property
    def sourced(self) -> bool:
        """Whether anything but inference supports it."""
        return bool(self.evidence) and set(self.source.split()) != {INFERENCE}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rule: tuple[SpecRule, ...]


@cache
def specification_rules() -> dict[str, SpecRule]:
    """Give each rule by its id. Raises ContractError if the file that ships with the package was changed for the worse."""
    read = read_toml(shipped("contracts") / "specification" / "rules.toml", _File, ContractError)
    return {each.id: each for each in read.rule}
