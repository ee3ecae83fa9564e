"""Opens a file, tells its form by how it begins, and gives what it says."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

from vcontract._api.reading.loose import MOST, Loose, SpecificationError
from vcontract._api.reading.structured import read_json, read_yaml
from vcontract._api.reading.xml_forms import read_xml

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""How texts begin that say their encoding; Windows PowerShell writes UTF-16."""


def read_file(name: str) -> Loose:
    """Read a file (`-`: standard input). Raises SpecificationError in one line, with the name of the file."""
    said = "standard input" if name == "-" else name
    try:
        if name == "-":
            content = sys.stdin.buffer.read(MOST + 1)
        else:
            with Path(name).open("rb") as opened:
                content = opened.read(MOST + 1)
    except (OSError, ValueError) as cause:
        raise SpecificationError(f"{said}: cannot be read: {getattr(cause, 'strerror', None) or cause}") from cause
    if len(content) > MOST:
        raise SpecificationError(f"{said}: it is longer than {MOST >> 20} MiB, and no specification is")
    try:
        return read_text(content)
    except SpecificationError as wrong:
        raise SpecificationError(f"{said}: {wrong}") from wrong.__cause__


def read_text(content: bytes) -> Loose:
    """Read the content of a file: XML if it begins with `<`, JSON with `{` or `[`, else YAML. Raises SpecificationError."""
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as cause:
        raise SpecificationError(f"byte {cause.start}: no text in {encoding}") from cause
    begun = text.lstrip()
    if not begun:
        raise SpecificationError("it is empty")
    if begun.startswith("<"):
        return read_xml(begun)
    return read_json(begun) if begun[0] in "{[" else read_yaml(text)
