"""A JSON file that names its schema to a struct, or one line that says what is wrong and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vcontract.errors import HarnessError

T = TypeVar("T")


def read_document(file: Path, error: type[HarnessError], absent: str = "cannot be read") -> Any:
    """Read a file as JSON of any kind; raises `error` if it is missing (which is said as `absent`) or truncated."""
    try:
        content = file.read_bytes()
    except OSError as cause:
        raise error(f"{file}: {absent}: {cause.strerror}") from cause
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise error(f"{file}: truncated or not JSON: {cause}") from cause


def read_json(
    file: Path, kind: type[T], schema: str, error: type[HarnessError], *, absent: str = "cannot be read", hint: str = ""
) -> T:
    """Read a file as a struct; raises `error` as `read_document`, and if it is of another schema (with the `hint`)."""
    document = read_document(file, error, absent)
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema:
        raise error(f"{file}: its schema is {found!r}, expected {schema!r}{hint}")
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as cause:
        raise error(f"{file}: not a {schema}: {cause}") from cause
