"""A specification as a file says it, before its fields and types are looked up: objects, lists, texts, numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vcontract._errors import UsageError
from vcontract._terms import Json

TYPE_KEYS = ("_typeName", "_vimtype", "xsi:type", "@type")
"""Under these names an object says its type: govmomi and VI-JSON, pyVmomi's VmomiJSONEncoder, XML."""
CUT = "is cut: PowerShell wrote the name of its type in place of what is in it; write the file again with -Depth 20"
MOST = 4 << 20
"""Bytes of a file that are read: the longest texts of a specification, cloud-init's two, make one mebibyte."""
DEEPEST = 64
"""Levels of a file that are read: a specification has nine, and a call or a list around it some more."""

VALUES = 1_000_000
"""Values of a file that are read; one byte of a YAML file may stand for many."""

_BREAKS = re.compile(r"\s*[\r\n\v\f\x85\u2028\u2029]\s*")


class SpecificationError(UsageError):
    """A file or value is no specification that can be read: one line that says what is wrong and where."""

    def __init__(self, said: str) -> None:
        super().__init__(_BREAKS.sub(" ", said))  # names of types and fields are the file's


@dataclass(frozen=True, slots=True)
class Loose:
    """What a file says: `root` an object, `dialect` how it is written, in words.

    `lexical`: numbers and truth values are texts, and a list of one item may stand without its list. `untyped`: who wrote it
    leaves types out, so that fields have to tell them.
    """

    root: dict[str, Json]
    dialect: str
    lexical: bool = False
    untyped: bool = False


def check_size(root: Mapping[str, Json]) -> None:
    """Refuse what is too deep, holds itself, or stands for too much, before it is looked at. Raises SpecificationError."""
    ahead: list[tuple[Json, int]] = [(root, 1)]
    seen = 0
    while ahead:
        value, depth = ahead.pop()
        seen += 1
        if depth > DEEPEST or seen > VALUES:
            what = f"{DEEPEST} levels in each other" if depth > DEEPEST else f"{VALUES:,} values"
            raise SpecificationError(f"more than {what}, and no specification has")
        if isinstance(value, Mapping | list):
            ahead += [(each, depth + 1) for each in (value.values() if isinstance(value, Mapping) else value)]


def stated(value: dict[str, Json]) -> str:
    """Give the type that an object says it has, as it is written; empty if it says none."""
    return next((name for key in TYPE_KEYS if isinstance(name := value.get(key), str)), "")


def shown(names: Iterable[str], most: int = 8) -> str:
    """List names for a message, not more than so many, none of them long."""
    listed = [name if len(name) <= 60 else f"{name[:60]}…" for name in names]
    return ", ".join([*listed[:most], *(["…"] if len(listed) > most else [])]) or "nothing"
