"""How a text may be spelled: by XML, percent signs, backslashes, base64, hexadecimal digits; all spellings have one plain form.

The plain form of a text has every escape decoded, again and again: `p%26amp;w` and `p&#38;w` are both `p&w`. A text is found in
another, whichever way it is spelled there, by its plain form in the other's; from there the way goes back to where it stands.
"""

from __future__ import annotations

import base64
import codecs
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_BYTE_ORDERS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(
    rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"'](?!(?:utf-8|us-ascii)[\"'])([\w.:-]+)", re.IGNORECASE
)
_NO_CHARSETS = ("unicode", "raw", "idna", "puny")
"""Codecs of Python that no document is written in."""
_SIGNS = (b"#", b"%", b"\\", b"!", b"\r", b"\0")
"""One of these stands in every spelling in which an everyday character is not itself."""
_HEAD = 64
"""Bytes in which a question mark is that of the XML declaration; further on one may cut a text."""
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_NUMBERS = {"decimal": 10, "hex": 16, "percent": 16, "four": 16, "eight": 16, "two": 16, "octal": 8}
_ESCAPES = (
    r"(?:(?<=&)(?:(?P<entity>lt|gt|amp|quot|apos)|#0*(?P<decimal>[0-9]{1,7})|#[xX]0*(?P<hex>[0-9a-fA-F]{1,6}));"
    r"|(?<=%)(?P<percent>[0-9a-fA-F]{2})"
    r"|(?<=\\)\\*(?:u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})|x(?P<two>[0-9a-fA-F]{2})"
    r"|(?P<octal>[0-3][0-7]{2})|(?P<letter>[nrt])|(?P<itself>[\"'/])|(?<=\\\\)(?P<backslash>))"
    r"|(?<=\r)\n?(?P<line>)|(?<=[\udc80-\udcff])(?P<byte>)|(?<=\0)|(?<=<)!\[CDATA\[|(?<=\])\]>"
)
# The characters with which they begin stand before all, for that is by far the quickest to search; `<` is in every reply.
_ESCAPE_OUTSIDE = re.compile(rf"[&%\\\r\0\udc80-\udcff]{_ESCAPES})")
_ESCAPE = re.compile(rf"[&%\\<\]\r\0\udc80-\udcff]{_ESCAPES})")
_ESCAPE_OR_COMMENT = re.compile(rf"[&%\\<\]\r\0\udc80-\udcff]{_ESCAPES}|(?<=<)!--(?s:.*?)-->|(?<=<)\?(?s:.*?)\?>)")
_CUTS = re.compile(r"<!--|<\?")
_SECTION = re.compile(r"<!\[CDATA\[|\]\]>")
_TAG = re.compile(r"</?\w")
_ROUNDS = 6
"""So many times one escape may lie in another."""
_ENTITY_FREE = re.compile(r"[^&<>\"'\r\n]+")
_ELEMENT = re.compile(r"(?=<[/\w])")
_PIECE = 1 << 18
"""Characters that are looked at together; what is longer is cut before an element."""
_LONGEST = 1 << 21
"""A longer piece has a text that is longer than any that is kept; if it holds a secret, only its begin is kept."""
_GRAM, _STRIDE = 4, 8
"""Bytes that are looked at together, and bytes from one such place to the next."""
_LOOKED_AT = 64
"""Places of a form among which the grams are chosen."""
_SHORTEST = 8
"""What is shorter may stand in a longer word by chance, and so may its encoded forms."""


class Place(NamedTuple):
    """Where a text stands: in a plain text, and whether that is its own spelling, which must not lie in a tag of XML."""

    begin: int
    end: int
    tagless: bool


class Spelled:
    """A text that is searched for in others, whichever way it is spelled there.

    With `whole_words` it is not found as part of a longer word or of one of the texts `besides`, nor in the tags of XML; its
    base64 and hexadecimal forms are found anywhere. Bytes that are not `odd` and have nothing that is `sure` to be in them do
    not contain it.
    """

    def __init__(self, text: str, *, whole_words: bool, besides: Collection[str] = ()) -> None:
        own, encoded = _own_forms(text), _encoded_forms(text)
        words = own if whole_words else [form for form in own if len(form) < _SHORTEST]
        self._anywhere = tuple(form for form in (*own, *encoded) if form not in words)
        kept = "".join(f"{re.escape(longer)}|" for longer in besides if text in longer)
        self._words = tuple(re.compile(rf"{kept}(?<![\w-])({re.escape(form)})(?![\w-])") for form in words)
        self._tagless = whole_words
        self.sure = tuple(dict.fromkeys(map(_sure, (*words, *self._anywhere))))

    def places(self, said: str) -> Iterator[Place]:
        """Give where it stands in a plain text."""
        for word in self._words:
            yield from (Place(*match.span(1), self._tagless) for match in word.finditer(said) if match[1])
        for form in self._anywhere:
            begin = said.find(form)
            while begin >= 0:
                end = begin + len(form)
                yield Place(begin, end, tagless=False)
                begin = said.find(form, end)

    def in_plain(self, said: str) -> bool:
        """Whether it may stand in a plain text."""
        return any(form in said for form in self._anywhere) or any(word.search(said) for word in self._words)


def replaced(text: str, spelled: Sequence[tuple[Spelled, str]]) -> str:
    """Replace texts, those named first first, by others wherever they stand in a text; all else stays."""
    return "".join(_in_piece(piece, spelled) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text before elements of XML."""
    begin = 0
    while len(text) - begin > _PIECE and (element := _ELEMENT.search(text, begin + _PIECE)):
        yield text[begin : element.start()]
        begin = element.start()
    yield text[begin:]


class Grams:
    """Says which of many texts may stand in some bytes, in one pass, however many the texts are.

    Every eighth place of the bytes is looked at. Of each form of a text, eight grams that follow each other are known, so that
    one of them stands at such a place wherever the form begins. A form that is too short for that is searched for by itself.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, ...]] = {}
        self._short: list[tuple[bytes, int]] = []

    def add(self, spelled: Spelled, number: int) -> None:
        """Add a text by its number."""
        for form in spelled.sure:
            window = _STRIDE + _GRAM - 1
            if len(form) < window:
                self._short.append((form, number))
                continue
            # Grams of everyday letters stand everywhere.
            odds = [byte < 97 or byte > 122 for byte in form[: 2 * _LOOKED_AT]]
            best = max(
                range(min(len(form) - window + 1, _LOOKED_AT)),
                key=lambda start: sum(odds[start : start + window]),
            )
            for place in range(best, best + _STRIDE):
                gram = int.from_bytes(form[place : place + _GRAM], sys.byteorder)
                self._known[gram] = (*self._known.get(gram, ()), number)

    def may_be_in(self, data: bytes) -> set[int]:
        """Give the numbers of the texts that may stand in some bytes; others do not."""
        found = {number for form, number in self._short if form in data}
        seen = memoryview(data[: len(data) & -_GRAM]).cast("I")[:: _STRIDE // _GRAM]
        if not self._known.keys().isdisjoint(seen):
            found.update(*(self._known.get(gram, ()) for gram in set(seen)))  # others may add to it meanwhile
        return found


def _in_piece(piece: str, spelled: Sequence[tuple[Spelled, str]]) -> str:
    # What stands in a comment is found while comments count as text, what a comment cuts in two while they do not.
    for escapes in (_ESCAPE, _ESCAPE_OR_COMMENT) if _CUTS.search(piece, _HEAD) else (_ESCAPE,):
        said = _plain(piece, escapes)
        present = [entry for entry in spelled if entry[0].in_plain(said)]
        if not present:
            continue
        if len(piece) > _LONGEST:
            return f"{piece[: piece.find('>') + 1]}{present[0][1]}"
        said, begins, ends = _mapped(piece, escapes)
        taken: dict[int, tuple[int, str]] = {}
        for each, other in present:
            for place in each.places(said):
                begin, end = begins[place.begin], ends[place.end - 1]
                if not (place.tagless and _in_tag(piece, begin)):
                    taken.setdefault(begin, (end, other))
        piece = _with(piece, taken)
    return piece


def _with(piece: str, taken: dict[int, tuple[int, str]]) -> str:
    """Put other texts into places that are given by their beginnings; of two that overlap, the one that begins first."""
    parts, done = [], 0
    for begin, (end, other) in sorted(taken.items()):
        if begin >= done:
            # A section that began or ended in the middle still does.
            parts += [piece[done:begin], other, *_SECTION.findall(piece, begin, end)]
            done = end
        elif end > done:
            done = end
    return "".join([*parts, piece[done:]])


def plain(text: str) -> str:
    """Give the plain form of a text; with what XML leaves out (comments), and then without it."""
    if _CUTS.search(text, _HEAD):
        return f"{_plain(text, _ESCAPE)}\n{_plain(text, _ESCAPE_OR_COMMENT)}"
    return _plain(text, _ESCAPE_OR_COMMENT if "<!" in text or "<?" in text else _ESCAPE_OUTSIDE)


def _plain(text: str, escapes: re.Pattern[str]) -> str:
    for _ in range(_ROUNDS):
        before, text = text, escapes.sub(_meaning, text)
        if text == before:
            break
    return text


def _mapped(text: str, escapes: re.Pattern[str]) -> tuple[str, Sequence[int], Sequence[int]]:
    """Give the plain form, and for each of its characters where that which it stands for begins and ends in the text."""
    begins: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    for _ in range(_ROUNDS):
        parts: list[str] = []
        first: list[int] = []
        last: list[int] = []
        done = 0
        for match in escapes.finditer(text):
            begin, end = match.span()
            meaning = _meaning(match)
            parts += [text[done:begin], meaning]
            first += [*begins[done:begin], *[begins[begin]] * len(meaning)]
            last += [*ends[done:begin], *[ends[end - 1]] * len(meaning)]
            done = end
        if not done:
            break
        begins, ends = [*first, *begins[done:]], [*last, *ends[done:]]
        text = "".join([*parts, text[done:]])
    return text, begins, ends


def _meaning(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is None:  # a mark of XML, which means nothing itself
        return ""
    said = match[kind]
    if kind in _NUMBERS:
        number = int(said, _NUMBERS[kind])
        return chr(number) if number <= 0x10FFFF else ""
    if kind == "byte":
        return chr(ord(match[0]) - 0xDC00)
    if kind == "entity":
        return _ENTITIES[said]
    return {"line": "\n", "backslash": "\\", "n": "\n", "r": "\n", "t": "\t"}.get(
        kind if kind != "letter" else said, said
    )


def _in_tag(text: str, place: int) -> bool:
    opened = text.rfind("<", 0, place)
    return opened > text.rfind(">", 0, place) and _TAG.match(text, opened) is not None


def _own_forms(text: str) -> list[str]:
    """Give the plain forms of the characters themselves: as such, as escaped bytes, as a form of a web page sends them."""
    wide = "".join(map(_halves, text))
    spelled = (text, text.encode("utf-8", "surrogatepass").decode("latin-1"), wide, text.replace(" ", "+"))
    return list(dict.fromkeys(form for form in (_plain(each, _ESCAPE_OR_COMMENT) for each in spelled) if form))


def _halves(character: str) -> str:
    """Write a character as JSON does, with two numbers if it takes them."""
    if ord(character) <= 0xFFFF:
        return character
    both = character.encode("utf-16-be")
    return chr(int.from_bytes(both[:2])) + chr(int.from_bytes(both[2:]))


def _encoded_forms(text: str) -> Collection[str]:
    """Give what shows a text in base64 and in hexadecimal digits, wherever it begins in what was encoded."""
    forms: list[str] = []
    for written in dict.fromkeys((text, escape(text))):
        data = written.encode("utf-8", "surrogatepass")
        if len(data) < _SHORTEST:
            continue
        forms += [data.hex(), data.hex().upper()]
        for before in range(3):
            whole = base64.b64encode(bytes(before) + data).decode()
            sure = whole[
                (before * 8 + 5) // 6 : (before + len(data)) * 8 // 6
            ]  # the others depend on what stands beside it
            forms += [sure, sure.replace("+", "-").replace("/", "_")]
    return dict.fromkeys(forms)


def _sure(form: str) -> bytes:
    """Give the longest part that is spelled in one way only, unless a body is odd."""
    return max(_ENTITY_FREE.findall(form), key=len, default="").encode("utf-8", "surrogatepass")


def odd(body: bytes) -> bool:
    """Whether a body may spell everyday characters in another way: by escapes, in pieces, or in another encoding."""
    for sign in _SIGNS:
        if sign in body:
            return True
    if body.find(b"?", _HEAD) >= 0 or _DECLARATION.match(body):
        return True
    if body.isascii():
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    return False


def text_of(body: bytes) -> tuple[str, str]:
    """Decode bytes; gives the text and the encoding by which `bytes_of` restores the same bytes."""
    zeros = body[:4].find(b"\0")  # XML begins with an ASCII character: its place tells the order of bytes
    unmarked = "utf-8" if zeros < 0 else "utf-16-be" if zeros == 0 else "utf-16-le"
    declared = _DECLARATION.match(body)
    if declared and (told := _in(body, declared[1].decode())):
        return told
    name = next((name for mark, name in _BYTE_ORDERS if body.startswith(mark)), unmarked)
    try:
        text = body.decode(name, "surrogateescape" if name == "utf-8" else "strict")
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"
    return text, name


def bytes_of(text: str, encoding: str) -> bytes:
    """Encode a text that `text_of` gave, whatever was replaced in it."""
    # What is no UTF-8 was read strictly; there a name may have a character that the encoding lacks.
    return text.encode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")


def _in(body: bytes, name: str) -> tuple[str, str] | None:
    """Decode bytes by the encoding that they declare; None if they are not written in it."""
    try:
        text = "" if name.lower().startswith(_NO_CHARSETS) else body.decode(name)
    except (LookupError, UnicodeError):
        return None
    return (text, name) if text.startswith("<?xml") else None
