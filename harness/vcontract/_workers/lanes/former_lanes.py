"""What the lanes of a run that was cut did: the steps that they took, and what their histories tell of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from msgspec.structs import replace

from vcontract._client import Recorder
from vcontract._history import STEP, History, read_history
from vcontract._report.result import Worker
from vcontract._run.interrupted_run import InterruptedRun
from vcontract._run.plan import Step
from vcontract._run.rejudge import part_of
from vcontract._run.summary import PartialResult
from vcontract._saved_file import understood
from vcontract._testbed import Testbed

_NUMBER = re.compile(r"history-(\d+)\.jsonl")


class FormerLanes:
    """The histories of a run that goes on, each ended with the mark of a cut: what was under way then is not judged.

    `next_number` is the first one that no lane had. Raises UsageError if a lane of the run is still at work, RunFileError,
    in every method, for a history that tells what no run writes.
    """

    def __init__(self, interrupted: InterruptedRun) -> None:
        self._own, self._directory = interrupted.history, interrupted.directory
        self._lanes: dict[str, History] = {}
        numbers = [0]
        files = sorted(interrupted.directory.glob("history-*.jsonl"))
        for file, history in zip(files, interrupted.workers, strict=True):
            Recorder.continued(file, history).close()
            self._lanes[file.name] = read_history(file)
            if found := _NUMBER.fullmatch(file.name):
                numbers.append(int(found[1]))
        self.next_number = max(numbers) + 1

    def left(self, steps: Sequence[Step]) -> list[Step]:
        """List the steps that nobody has taken."""
        with understood(self._directory):
            done = {note["label"] for history in (self._own, *self._lanes.values()) for note in history.noted(STEP)}
        return [step for step in steps if step.label not in done]

    def parts(self, testbed: Testbed, steps: Sequence[Step]) -> list[PartialResult]:
        """Give what each lane gave; with what was taken in one course of steps before there were lanes, first."""
        with understood(self._directory):
            return self._parts(testbed, steps)

    def _parts(self, testbed: Testbed, steps: Sequence[Step]) -> list[PartialResult]:
        cells = {step.cell.id for step in steps if step.cell is not None}
        site, found = testbed.site, [_noted(PartialResult(), self._own, cells)]
        for name, history in self._lanes.items():
            part = part_of(history, Worker(name), site.contract, testbed.judge.bases)
            seconds = round(max((done.end for done in history.operations), default=0.0), 3)
            worker = Worker(name, part.calls, part.requests, seconds)
            found.append(_noted(replace(part, worker=worker), history, cells))
        judged = (
            done for done in chain(*(each.operations for each in self._lanes.values())) if done.purpose == "judge"
        )
        found[0] = replace(found[0], shown=testbed.caller.shown([done.call for done in judged]))
        return found


def _noted(part: PartialResult, history: History, cells: set[str]) -> PartialResult:
    """Give a part with the steps that a history notes as taken, or as refused."""
    steps = history.noted(STEP)
    return replace(
        part,
        planned=[step["label"] for step in steps if step["label"] in cells],
        exercised=[step["label"] for step in steps if "refused" not in step],
        refused={step["label"]: step["refused"] for step in steps if "refused" in step},
    )
