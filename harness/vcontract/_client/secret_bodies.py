"""Takes the values of secret fields out of the bytes of a reply, for a file that keeps these bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from vcontract._client.encoded import bytes_of, text_of
from vcontract._client.secret_fields import MARKED, UNMARKED
from vcontract._client.soap import parse
from vcontract._terms import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vcontract._client.secret_fields import Hidden

_EVERYDAY = frozenset({"value", "key", "id", "token", "metadata", "cookie", "defaultValue", "sessionId"})
"""Names that other types have too, for what is no secret: a page of properties has a token."""
_FIELDS = frozenset(name for fields in (*MARKED.values(), *UNMARKED.values()) for name in fields)
_BLANK = f"{SECRET}hidden"


def without_hidden(body: bytes, hidden: Sequence[Hidden]) -> bytes:
    """Replace in a document the values that were decoded from secret fields by their names; all else stays."""
    root = parse(body) if hidden else ""
    if isinstance(root, str):
        return body
    for field, value, name in hidden:
        for element in root.iter(f"{{*}}{field}"):
            if "".join(map(str, element.itertext())) == value:
                for child in list(element):
                    element.remove(child)
                element.text = name
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def without_fields(body: bytes, *, everyday: bool) -> bytes:
    """Blank the text of each element that is named like a secret field, in a reply that was not decoded, or not all of it.

    `everyday` includes names that also stand for what is no secret, for a reply of which nothing was decoded.
    """
    pattern = _ANY if everyday else _TELLING
    if b"\0" not in body and pattern.search(body.decode("latin-1")) is None:
        return body
    text, encoding = text_of(body)
    return bytes_of(pattern.sub(lambda match: f"{match[1]}{_BLANK}", text), encoding)


def _elements(names: Iterable[str]) -> re.Pattern[str]:
    known = "|".join(sorted(names))
    return re.compile(
        rf"(<(?:[\w.-]+:)?(?:{known})(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?)(?!\s*secret:)(?=\s*[^\s<])[^<]+?(?=<|\]\]>|$)"
    )


_ANY = _elements(_FIELDS)
_TELLING = _elements(_FIELDS - _EVERYDAY)
