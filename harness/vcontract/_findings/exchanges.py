"""Keeps what went over the wire for each violation, as soon as it is judged: later the target has forgotten it."""

from __future__ import annotations

from vcontract._check import Judge, row_of
from vcontract._check.causes import named, provisional_id
from vcontract._check.verdicts import with_leaks
from vcontract._client import Target
from vcontract._exchanges import exchanges_of
from vcontract._terms import Verdict

_OPS = 12
"""So many operations of one violation are kept, at most: its first ones, and what showed it."""


class KeptExchanges:
    """Has a target write the exchanges of violations beside the history, of each deviation those of the first time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._seen = 0
        self._ids: set[str] = set()

    def look(self, judge: Judge) -> None:
        """Look at what was judged since the last time. Raises ReportError: the file cannot be written."""
        history, new = self._target.recorder.path, judge.judgements[self._seen :]
        self._seen += len(new)
        for judgement in new:
            if judgement.verdict is not Verdict.VIOLATES or history is None:
                continue
            ids = {
                provisional_id(row_of(each, judge.contract, judge.bases), each, named(each))
                for each in with_leaks(judgement)
            }
            if ids <= self._ids:
                continue
            self._ids |= ids
            ops = dict.fromkeys((judgement.op, judgement.shown, *judgement.ops[: _OPS - 4], *judgement.ops[-2:]))
            self._target.exchanges.keep(filter(None, ops), history.with_name(exchanges_of(history.name)))
