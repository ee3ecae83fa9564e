"""A JSON file that names its schema to a struct, or one line that says what is wrong and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vcontract import __version__
from vcontract._errors import HarnessError
from vcontract._saved_file import read_saved

T = TypeVar("T")


def read_document(file: Path, error: type[HarnessError], absent: str = "cannot be read", *, saved: bool = False) -> Any:
    """Read a file as JSON of any kind; raises `error` if it is missing (which is said as `absent`) or truncated.

    A `saved` file is one that a run's directory holds, which must not lead elsewhere.
    """
    try:
        content = read_saved(file) if saved else file.read_bytes()
    except (OSError, ValueError) as cause:
        raise error(f"{file}: {absent}: {getattr(cause, 'strerror', None) or cause}") from cause
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise error(f"{file}: truncated or not JSON: {cause}") from cause


def read_json(
    file: Path,
    kind: type[T],
    schema: str,
    error: type[HarnessError],
    *,
    absent: str = "cannot be read",
    hint: str = "",
    saved: bool = False,
) -> T:
    """Read a file as a struct, whose field `version` is empty if the file names none, as those of 0.1.0 and before.

    Raises `error` as `read_document`, and, with the `hint`, if the file is of another schema; it names both versions.
    """
    document = read_document(file, error, absent, saved=saved)
    written = document.get("schema") if isinstance(document, dict) else None
    if written != schema:
        raise error(
            f"{file}: its schema is {written!r}, expected {schema!r}: {both_versions(writer_of(document))}{hint}"
        )
    document.setdefault("version", "")
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as cause:
        raise error(f"{file}: not a {schema}: {cause}: {both_versions(writer_of(document))}") from cause


def writer_of(document: Any) -> str:
    """Give the version of vcontract that wrote a document; empty if it does not say."""
    version = document.get("version") if isinstance(document, dict) else None
    return version if isinstance(version, str) else ""


def both_versions(writer: str) -> str:
    """Say which version wrote a file that cannot be read (empty: it does not say), and which version this is."""
    return f"it is of {f'vcontract {writer}' if writer else 'no named version'}, this is vcontract {__version__}"
