"""Simple values to the text of an element and back: what each kind takes, and how XML spells it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from vcontract._terms import Json

BOUNDS = {"byte": 7, "short": 15, "int": 31, "long": 63}
SPECIAL = ("INF", "-INF", "NaN")
"""Numbers that JSON cannot carry: as values they are texts, spelled as XSD has it."""
ToText: TypeAlias = "Callable[[Json], str]"
"""Checks a value and gives the text of its element, in which nothing is left to be escaped; raises WrongError."""
FromText: TypeAlias = "Callable[[str], Json]"
"""Gives the value of a text; raises ValueError or KeyError if it has none."""
_LEGAL = "\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff"
_ILLEGAL = re.compile(f"[^{_LEGAL}]")
unusual = re.compile(f"[&<>\r]|[^{_LEGAL}]").search
"""Finds a character that is escaped, or that XML cannot carry."""
_FRACTIONS = ("float", "double", "decimal")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|-?INF|NaN")
_DATE_TIME = re.compile(r"-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BOOLEAN = {"true": True, "1": True, "false": False, "0": False}


class WrongError(Exception):
    """A value cannot be written: `said` is what is wrong with it, `way` the steps to it, the last one first."""

    def __init__(self, said: str, *way: str) -> None:
        self.said = said
        self.way = list(way)

    def text(self, root: str) -> str:
        """Write it as one line, with the path from a root."""
        return root + "".join(reversed(self.way)) + self.said


def to_text(kind: str) -> ToText:
    """Give what writes the values of a simple kind."""
    if kind == "boolean":
        return _boolean
    if kind == "base64Binary":
        return _base64
    if kind in _FRACTIONS:
        return _fraction(kind)
    if kind in BOUNDS or kind == "integer":
        return _whole(kind)
    return string if kind == "string" else _texts(kind)


def string(value: Json) -> str:
    """Write a text; raises WrongError if it is none, or has a character that XML cannot carry."""
    if type(value) is not str and not isinstance(value, str):
        raise WrongError(f" must be a string, not {value!r}")
    return escaped(value) if unusual(value) else value


def escaped(value: str) -> str:
    """Escape a text as it stands between tags; raises WrongError for what XML cannot carry."""
    if illegal := _ILLEGAL.search(value):
        raise WrongError(f": XML cannot carry the character U+{ord(illegal[0]):04X}")
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\r", "&#13;")


def attribute(value: Json) -> str:
    """Write a text as it stands in the quotes of an attribute; raises WrongError as `string` does."""
    return string(value).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")


def _texts(kind: str) -> ToText:
    def write(value: Json) -> str:
        if not isinstance(value, str):
            raise WrongError(f" must be a {kind}, not {value!r}")
        return string(value)

    return write


def _boolean(value: Json) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    raise WrongError(f" must be a boolean, not {value!r}")


def _whole(kind: str) -> ToText:
    bound = 1 << BOUNDS[kind] if kind in BOUNDS else None

    def write(value: Json) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            raise WrongError(f" must be a {kind}, not {value!r}")
        if bound is not None and not -bound <= value < bound:
            raise WrongError(f": {value} does not fit into a {kind}")
        return str(value)

    return write


def _fraction(kind: str) -> ToText:
    """Floats are spelled as XSD has it, infinity and NaN as in SPECIAL; a decimal has none of these."""
    special = dict(zip(("inf", "-inf", "nan"), SPECIAL, strict=True))

    def write(value: Json) -> str:
        if kind != "decimal" and isinstance(value, str) and value in SPECIAL:
            return value
        if not isinstance(value, float | int) or isinstance(value, bool):
            raise WrongError(f" must be a {kind}, not {value!r}")
        text = str(float(value))
        return special.get(text) or (text.upper() if kind == "float" else text)

    return write


def _base64(value: Json) -> str:
    if not isinstance(value, str):
        raise WrongError(f" must be a base64Binary, not {value!r}")
    string(value)
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode()
    except binascii.Error as error:
        raise WrongError(f" is no base64: {error}") from error


def _truth(text: str) -> bool:
    return _BOOLEAN[text]


def _within(bits: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text) if _INTEGER.fullmatch(text) else 1 << 64
        if not -(1 << bits) <= value < 1 << bits:
            raise ValueError(text)
        return value

    return read


def _number(text: str) -> float | str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return text.strip() if text.strip() in SPECIAL else float(text)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch("".join(text.split())):
            raise ValueError(text)
        return text

    return read


_READERS: dict[str, FromText] = {
    "boolean": _truth,
    "float": _number,
    "double": _number,
    "decimal": _number,
    "integer": _within(63),
    "dateTime": _matching(_DATE_TIME),
    "base64Binary": _matching(_BASE64),
} | {name: _within(bits) for name, bits in BOUNDS.items()}


def from_text(kind: str) -> FromText | None:
    """Give what reads the text of a simple kind, without white space around it; None if that is the value itself."""
    return _READERS.get(kind)
