"""Replies that are longer, deeper or fuller than what is read of one: they are cut, and said to be, but not called malformed.

Behind a reply that was cut stands a processing instruction for each thing that was, so that a recording still tells it.
"""

from __future__ import annotations

import re
from typing import cast
from xml.parsers import expat

from lxml import etree

from vcontract._terms import LONG

LONGEST_TEXT = 1_000_000
"""Characters of a text or an attribute that are kept."""
DEEPEST = 250
"""Levels of elements that are kept; libxml2 reads 256."""
MOST_ELEMENTS = 500_000
"""Elements that are kept: so many fill tens of megabytes, if they say anything."""
_TOLD = {
    "text": f"the reply has a text of {{:,}} characters; only the first {LONGEST_TEXT:,} are kept",
    "attribute": f"the reply has an attribute of {{:,}} characters; only the first {LONGEST_TEXT:,} are kept",
    "levels": f"the reply has elements on {{:,}} levels; only the first {DEEPEST} are kept",
    "elements": f"the reply has about {{:,}} elements; only the first {MOST_ELEMENTS:,} are kept",
}
_KEPT = re.compile(rb"<\?vcontract-cut (text|attribute|levels|elements) ([0-9]{1,15})\?>")
_TAIL = 400
"""Bytes in which the instructions stand."""
_MALFORMED, _DOCUMENT_TYPE = "something that is not well-formed XML", "a document type declaration"
Cuts = dict[str, int]
"""What was cut, and how much there was of it."""


class _DocumentTypeError(Exception):
    """There is a document type declaration; nothing behind it is read."""


def shortened(body: bytes) -> bytes:
    """Cut the body of a reply if it is too long; any other is given back as it is."""
    if len(body) <= LONGEST_TEXT:
        return body
    if _elements_in(body) <= MOST_ELEMENTS and max(map(len, body.split(b"<"))) <= LONGEST_TEXT:
        return body
    root, cuts = rebuilt(body)
    if isinstance(root, str) or not cuts:
        return body
    kept = "".join(f"<?vcontract-cut {kind} {number}?>" for kind, number in cuts.items())
    return etree.tostring(root, xml_declaration=True, encoding="utf-8") + kept.encode()


def _elements_in(body: bytes) -> int:
    return body.count(b"<") - body.count(b"</")


def cuts_of(body: bytes) -> Cuts:
    """Give what was cut from a body."""
    if len(body) < _TAIL or not body.endswith(b"?>"):
        return {}
    return {kind.decode(): int(number) for kind, number in _KEPT.findall(body, len(body) - _TAIL)}


def told(cuts: Cuts) -> list[str]:
    """Say what was cut."""
    return [LONG + _TOLD[kind].format(number) for kind, number in cuts.items()]


def rebuilt(body: bytes) -> tuple[etree._Element | str, Cuts]:
    """Read a document without libxml2's limits, by the own ones; gives it, or what the bytes are, and what was cut."""
    builder = _Builder()
    if (number := _elements_in(body)) > MOST_ELEMENTS:
        builder.cuts["elements"] = number
    try:
        builder.parser.Parse(body, True)  # noqa: FBT003 - the parser takes it by place alone
    except _DocumentTypeError:
        return _DOCUMENT_TYPE, {}
    except (expat.ExpatError, ValueError):
        return _MALFORMED, {}
    builder.write()
    return (_MALFORMED if builder.root is None else builder.root), builder.cuts


class _Builder:
    """Builds the tree of a document from what expat reads, as far as the limits go. expat itself expands nothing here."""

    def __init__(self) -> None:
        self.root: etree._Element | None = None
        self.cuts: Cuts = {}
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartNamespaceDeclHandler = self._declare
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._say
        self._declared: dict[str | None, str] = {}
        self._open: list[etree._Element] = []
        self._last: etree._Element | None = None  # an element that has ended, behind which a text stands
        self._text: list[str] = []
        self._length = self._depth = self._count = 0

    def write(self) -> None:
        """Write the text that was gathered to where it stands."""
        if self._length > LONGEST_TEXT:
            self._cut("text", self._length)
        text = "".join(self._text)[:LONGEST_TEXT]
        if text and self._last is not None:
            self._last.tail = (self._last.tail or "") + text
        elif text and self._open:
            self._open[-1].text = (self._open[-1].text or "") + text
        self._text, self._length = [], 0

    def _refuse(self, *_: object) -> None:
        raise _DocumentTypeError

    def _declare(self, prefix: str | None, space: str | None) -> None:
        if space:
            self._declared[prefix] = space

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            self._cut("levels", self._depth)
            return
        self.write()
        shown = {_name(attribute): self._attribute(value) for attribute, value in attributes.items()}
        spaces = cast("dict[str, str]", self._declared)  # the stubs of lxml do not know of the one without a prefix
        if self._open:
            element = etree.SubElement(self._open[-1], _name(name), shown, spaces)
        else:
            self.root = element = etree.Element(_name(name), shown, spaces)
        self._declared = {}
        self._open.append(element)
        self._last = None
        self._count += 1
        if self._count >= MOST_ELEMENTS:  # the rest is but looked at, whether it is well-formed
            self.parser.StartElementHandler = self.parser.EndElementHandler = self.parser.CharacterDataHandler = None
            self.parser.StartNamespaceDeclHandler = None

    def _end(self, _: str) -> None:
        if self._depth <= DEEPEST:
            self.write()
            self._last = self._open.pop()
        self._depth -= 1

    def _say(self, text: str) -> None:
        if self._depth > DEEPEST:
            return
        if self._length <= LONGEST_TEXT:
            self._text.append(text)
        self._length += len(text)

    def _attribute(self, value: str) -> str:
        if len(value) > LONGEST_TEXT:
            self._cut("attribute", len(value))
        return value[:LONGEST_TEXT]

    def _cut(self, kind: str, number: int) -> None:
        self.cuts[kind] = max(number, self.cuts.get(kind, 0))


def _name(name: str) -> str:
    return f"{{{name}" if "}" in name else name
