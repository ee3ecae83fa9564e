"""A JSON file that names its schema to a struct, or one line that says what is wrong and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.errors import HarnessError

T = TypeVar("T")


def read_json(file: Path, kind: type[T], schema: str, what: str, error: type[HarnessError], hint: str = "") -> T:
    """Read a file as a struct; raises `error` if it is missing (`no WHAT`), truncated, of another schema (with the `hint`)."""
    try:
        content = file.read_bytes()
    except OSError as cause:
        raise error(f"{file}: no {what}: {cause.strerror}") from cause
    try:
        document: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise error(f"{file}: truncated or not JSON: {cause}") from cause
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema:
        raise error(f"{file}: its schema is {found!r}, expected {schema!r}{hint}")
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as cause:
        raise error(f"{file}: not a {schema}: {cause}") from cause
