"""`exchanges.jsonl`: what went over the wire around each finding, one exchange a line, secrets by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from vcontract._errors import RunFileError
from vcontract._saved_file import open_saved

if TYPE_CHECKING:
    from pathlib import Path

EXCHANGES = "exchanges.jsonl"
_LONGEST = 1 << 22


class WireExchange(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request and what came back, `op` as in the history, times in seconds on the clock of the run.

    `request` and `reply` are the bodies as text, cut with their length said; without an answer `lost` says why.
    """

    op: int
    actor: str
    path: str
    sent: float
    ended: float
    headers: dict[str, str] = {}
    request: str = ""
    status: int = 0
    answered: dict[str, str] = {}
    reply: str = ""
    lost: str = ""


def exchanges_of(history: str) -> str:
    """Name the file that goes with a history: that of a worker has its number, too."""
    return history.replace("history", "exchanges", 1)


def read_exchanges(file: Path) -> dict[int, WireExchange]:
    """Read a file of exchanges, by operation; none if there is no such file. A last line that was cut is dropped.

    Raises RunFileError, with file and line, for anything else that is none.
    """
    found: dict[int, WireExchange] = {}
    if not file.exists():
        return found
    try:
        with open_saved(file) as lines:
            number = 0
            while line := lines.readline(_LONGEST):
                number += 1
                try:
                    each = msgspec.json.decode(line, type=WireExchange)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    if line.endswith(b"\n") or len(line) >= _LONGEST:
                        raise RunFileError(f"{file}:{number}: not an exchange: {error}") from error
                    break
                found[each.op] = each
    except OSError as error:
        raise RunFileError(f"{file}: cannot be read: {error.strerror}") from error
    return found
