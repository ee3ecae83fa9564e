"""A file that holds a password in its first line."""

from __future__ import annotations

from pathlib import Path

from vcontract._errors import UsageError

_BOM = "\ufeff"


def read_password(path: Path) -> str:
    """Read a password file: its first line. Raises UsageError also for what an editor may have put there unseen."""
    try:
        first = path.read_text("utf-8").split("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read the password: {error}") from error
    if first.startswith(_BOM):
        raise UsageError(
            f"{path}: begins with a byte order mark, which is no part of a password: save it as UTF-8 without"
        )
    if first != first.rstrip():
        raise UsageError(
            f"{path}: the first line ends with a blank: take it away, or, if the password has it, give it by an"
            " environment variable"
        )
    if not first:
        raise UsageError(f"{path}: the first line, which is the password, is empty")
    return first
