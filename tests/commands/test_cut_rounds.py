"""After a run that was cut, whatever became of it and of its files, all is as it was, or cleanup says what is not."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.cut_rounds import KINDS, NEVER, made

WHOLE = ("kill", "hangup", "full")
"""What leaves files that tell everything."""


@pytest.fixture(autouse=True)
def _terminal() -> Iterator[None]:
    """Let a hangup end a run here as from a terminal, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", range(20))
def test_a_cut_run_is_cleaned_up_after_or_it_is_told(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, hung up, with a full disk: it was put back, or cleanup does it. Of damaged files it is said that they are."""
    ended = made(number, tmp_path, monkeypatch)
    assert not ended.falsely_clean, ended
    assert ended.closing or ended.said
    assert ended.said != NEVER or ended.restored
    if ended.kind in WHOLE and ended.said != NEVER:
        assert (ended.closing, ended.restored) == ("clean", True), ended


@pytest.mark.long
def test_two_hundred_cut_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is falsely clean."""
    counted: Counter[tuple[str, bool, str, bool]] = Counter()
    for number in range(200):
        ended = made(number, tmp_path, monkeypatch)
        assert not ended.falsely_clean, (number, ended)
        assert ended.closing or ended.said
        assert ended.said != NEVER or ended.restored
        counted[ended.kind, ended.resumed, ended.closing, ended.restored] += 1
    print(*sorted(counted.items()), sep="\n")  # noqa: T201 - the long tests keep what they print
    assert {kind for kind, *_ in counted} == set(KINDS)
