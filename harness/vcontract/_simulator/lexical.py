"""Simple values: the text of an element to a pyVmomi value, by the lexical rules of XML Schema."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport

if TYPE_CHECKING:
    from collections.abc import Callable

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([Ee][+-]?[0-9]+)?|-?INF|NaN")
_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _integer(kind: Callable[[int], Any], bits: int) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if not _INTEGER.fullmatch(text) or not -(1 << bits - 1) <= int(text) < 1 << bits - 1:
            raise ValueError(text)
        return kind(int(text))

    return parse


def _float(kind: Callable[[float], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if not _FLOAT.fullmatch(text):
            raise ValueError(text)
        return kind(float(text.replace("INF", "inf")))

    return parse


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text]


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _binary(text: str) -> Any:
    try:
        return VmomiSupport.binary(base64.b64decode("".join(text.split()), validate=True))
    except binascii.Error as error:
        raise ValueError(text) from error


_PARSERS: dict[Any, Callable[[str], Any]] = {
    bool: _boolean,
    VmomiSupport.byte: _integer(VmomiSupport.byte, 8),
    VmomiSupport.short: _integer(VmomiSupport.short, 16),
    int: _integer(int, 32),
    VmomiSupport.long: _integer(VmomiSupport.long, 64),
    float: _float(float),
    VmomiSupport.double: _float(VmomiSupport.double),
    datetime: _time,
    VmomiSupport.binary: _binary,
}
_VERBATIM = {str, VmomiSupport.URI, VmomiSupport.PropertyPath, VmomiSupport.Link}

# XML Schema derives each of these from the one after it.
_INTEGERS = (VmomiSupport.byte, VmomiSupport.short, int, VmomiSupport.long)


def parse(kind: Any, text: str) -> Any:
    """Read `text` as a simple type; raises ValueError if it is not of the type."""
    if kind in _VERBATIM:
        return kind(text)
    parser = _PARSERS.get(kind)
    if parser is not None:
        return parser(text.strip(" \t\r\n"))
    if issubclass(kind, VmomiSupport.Enum):
        if text not in kind.values:
            raise ValueError(text)
        return kind(text)
    raise ValueError(text)


def is_simple(kind: Any) -> bool:
    """Whether a type's values are plain text."""
    return kind in _PARSERS or kind in _VERBATIM or (isinstance(kind, type) and issubclass(kind, VmomiSupport.Enum))


def derives(kind: Any, declared: Any) -> bool:
    """Whether a value of simple type `kind` may stand where `declared` is expected."""
    if kind in _INTEGERS and declared in _INTEGERS:
        return _INTEGERS.index(kind) <= _INTEGERS.index(declared)
    return kind is declared or (declared is str and issubclass(kind, str))
