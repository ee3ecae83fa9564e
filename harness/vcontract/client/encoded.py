"""How a text may be spelled in the bytes of a reply: encodings, entities, character references."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_PLAIN = re.compile(r"[!#-%(-;=?-~]+")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Spelled:
    """Finds a text in bodies, whichever way XML spells it.

    `whole_words` leaves out what is part of a longer word, or of one of the texts `besides`. A body that does not contain
    `probe` and is not `odd` does not contain the text, so that the slower search can be skipped.
    """

    def __init__(self, text: str, *, whole_words: bool, besides: Collection[str] = ()) -> None:
        self._text, self._whole = text, whole_words
        self._besides = [each for each in besides if whole_words and text in each]
        # The longest part that can be spelled in one way only, unless by character references.
        self.probe = max(_PLAIN.findall(text), key=len, default="").encode()
        self._pattern: re.Pattern[str] | None = None

    def replaced(self, text: str, other: str) -> str:
        """Replace it by another text wherever it stands."""
        if self._pattern is None:
            pattern = "".join(map(_spelt, self._text))
            whole = rf"(?<![\w-]){pattern}(?![\w-])" if self._whole else pattern
            kept = "|".join(map(re.escape, self._besides))
            self._pattern = re.compile(f"(?P<kept>{kept})|{whole}" if kept else whole)
        return self._pattern.sub(lambda match: match.groupdict().get("kept") or other, text)


def odd(body: bytes) -> bool:
    """Whether a body may spell plain characters in another way: by references, or in an encoding of more bytes each."""
    return b"&#" in body or b"\0" in body


def text_of(body: bytes) -> tuple[str, str]:
    """Decode bytes; gives the text and the encoding that restores the same bytes (with `surrogateescape`)."""
    zeros = body[:4].find(b"\0")  # XML begins with an ASCII character: its place tells the order of bytes
    unmarked = "utf-8" if zeros < 0 else "utf-16-be" if zeros == 0 else "utf-16-le"
    name = next((name for mark, name in _MARKS if body.startswith(mark)), unmarked)
    try:
        text = body.decode(name, "surrogateescape" if name == "utf-8" else "strict")
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"
    return text, name


def _spelt(character: str) -> str:
    """Give the pattern of every way to write a character."""
    number = ord(character)
    ways = [re.escape(character), f"&#0*{number};", f"&#[xX]0*(?i:{number:x});"]
    if character in _ENTITIES:
        ways.append(re.escape(_ENTITIES[character]))
    if 0x80 <= number <= 0xFF:
        ways.append(chr(0xDC00 + number))  # Latin-1, as text_of reads a byte that is no UTF-8
    if character == "\n":
        ways += ["\r\n", "\r"]
    return f"(?:{'|'.join(ways)})"
