"""When a run stops before its plan ends: its limits, a target that is gone, the first violation."""

from __future__ import annotations

from vcontract._check import Judge, insisted, object_rows
from vcontract._client import Target
from vcontract._config.request import RunRequest
from vcontract._terms import Verdict

_KEPT_BACK = 16
"""Judged calls that are kept back for each deviation that was seen, so that it can be shrunk and has an id that lasts."""
_LATE, _SPENT = "the limit of time was reached", "the limit of calls was reached"


class RunLimits:
    """Says why a run must stop.

    The time counts from when this is made, by the run's own clock; with a time limit no exchange of the target lasts longer.
    """

    def __init__(self, target: Target, request: RunRequest) -> None:
        self._target, self._request = target, request
        self._began = target.recorder.now()
        self._looked_at = self._counted = 0
        self._seen: set[tuple[str, str, str, str, tuple[str, ...]]] = set()
        if request.time_limit:
            target.end_at(self._began + request.time_limit)

    def hold(self) -> None:
        """End what is waited for at the limit of time from now on; what is read to make the plan may take longer."""
        if self._request.time_limit:
            self._target.end_at(self._began + self._request.time_limit, late=_LATE)

    def spent(self, judge: Judge) -> str:
        """Say why the run must stop; empty if it may go on."""
        target, request = self._target, self._request
        if target.over:
            return target.over
        if request.time_limit and target.recorder.now() - self._began > request.time_limit:
            return _LATE
        if request.max_calls and target.recorder.calls >= request.max_calls - self._kept_back(judge):
            return _SPENT
        if target.pacing.spent:
            return target.pacing.spent
        return "a violation was found" if request.stop_at_first and self._violated(judge) else ""

    def _kept_back(self, judge: Judge) -> int:
        """Count the calls that shrinking may need, at most half of the limit; none of one too small for a single finding."""
        new, self._counted = judge.judgements[self._counted :], len(judge.judgements)
        self._seen |= {
            (each.method, each.grade, each.observed, each.field, each.cause[:1])  # most pairs are one of their parts
            for each in new
            if each.verdict is Verdict.VIOLATES
        }
        half = self._request.max_calls // 2
        able = self._request.shrink.attempts and half >= _KEPT_BACK
        return min(_KEPT_BACK * len(self._seen), half) if able else 0

    def _violated(self, judge: Judge) -> bool:
        """Whether anything that was not looked at yet is a violation."""
        new, self._looked_at = judge.judgements[self._looked_at :], len(judge.judgements)
        verdicts = [judgement.verdict for judgement in new]
        if Verdict.INCONCLUSIVE in verdicts:  # a step may have been turned away once too often
            verdicts += [judgement.verdict for judgement in insisted(judge.judgements)]
        if len(new) == len(judge.judgements):  # the object's own rows are judged from reads before the first call
            verdicts += [row.verdict for row in object_rows(judge.contract, self._target.recorder.operations)]
        return Verdict.VIOLATES in verdicts
