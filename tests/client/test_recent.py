"""The last exchanges of a run, in bounded memory."""

from __future__ import annotations

from pathlib import Path

from vcontract._client.exchanges.recent import RecentExchanges
from vcontract._client.recording import Passed
from vcontract._client.secrets import Secrets
from vcontract._client.wire import HttpReply
from vcontract._exchanges import read_exchanges


def kept_of(most: int, largest: int, file: Path) -> list[int]:
    """Hear eight exchanges of 101 bytes each; gives which of them are remembered."""
    recent = RecentExchanges(Secrets({}))
    recent.remember(most, largest)
    for op in range(1, 9):
        recent.heard(op, Passed("full", "POST", "/sdk", 0.0, 1.0, HttpReply(200, (), b"y"), {}, b"x" * 100))
    recent.keep(range(1, 9), file)
    return sorted(read_exchanges(file))


def test_so_many_are_remembered_as_was_asked(tmp_path: Path) -> None:
    """By their number, and by their bytes; the oldest are forgotten."""
    assert kept_of(4, 10_000, tmp_path / "number") == [5, 6, 7, 8]
    assert kept_of(100, 303, tmp_path / "bytes") == [6, 7, 8]
    assert kept_of(100, 10_000, tmp_path / "all") == [1, 2, 3, 4, 5, 6, 7, 8]
