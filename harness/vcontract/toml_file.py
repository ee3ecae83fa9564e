"""A TOML file to a struct that knows all its keys, or one line that says what is wrong and where."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from vcontract.errors import UsageError

T = TypeVar("T")


def read_toml(path: Path, kind: type[T], error: type[UsageError] = UsageError) -> T:
    """Read a file as a struct; raises `error` for a file, a key or a value that cannot be understood."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
    except OSError as cause:
        raise error(f"{path}: cannot be read: {cause.strerror}") from cause
    except (ValueError, RecursionError) as cause:  # of Python itself: numbers too long, tables too deep
        raise error(f"{path}: {cause}") from cause
