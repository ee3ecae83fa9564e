"""Takes the steps of a plan one by one: each again while it is not arranged, or to confirm what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from vcontract._check import Judge
from vcontract._check.judgement import DEATHS
from vcontract._check.verdicts import confirmations
from vcontract._errors import HaltedError
from vcontract._model import passes
from vcontract._model.labels import Label
from vcontract._run.exerciser import Exerciser
from vcontract._run.plan import Step
from vcontract._run.preludes import PreludeExerciser
from vcontract._terms import Json, Verdict
from vcontract._testbed import NotArrangedError, RefusedError, repeat_refused

ENDS = 2
"""So often the server may end as a step is arranged before the step is given up."""
_ENDED = "the server ended before the step was judged"
TRIES, HASTY_TRIES = 3, 8
"""How often a step is tried until it is arranged; the second for a state that passes by itself, which may be too quick."""


class Watch(Protocol):
    """Watches the server between steps, and goes on after it has ended."""

    def look(self) -> None:
        """Look whether it suffers. Raises HaltedError if it does."""

    def revive(self, *, counted: bool = True) -> bool:
        """Go on with it; False if it has not ended, or is not ours to start again. Raises HaltedError if it cannot be."""


class _Unwatched:
    def look(self) -> None:
        """Do nothing."""

    def revive(self, *, counted: bool = True) -> bool:
        """Nobody starts it again."""
        return not counted


class StepRunner:
    """Walks a plan.

    `exercised` are the labels of the steps that were taken, `skipped` those that were not, with the reason, `refused` those
    whose state the target again and again refused to be brought into. A violation is tried until it was seen `confirm` times.
    `ended` says why the last steps were not tried (empty: all were). `spent` says why to stop (empty: go on), `taken` hears how
    many steps are done, `note` which: from these notes a run that was cut can go on. `watch` looks between steps
    of which none leaves work running for the next, and is asked when the run would be halted whether it goes on all the same.
    """

    def __init__(
        self,
        exerciser: Exerciser,
        judge: Judge,
        confirm: int,
        spent: Callable[[], str] = str,
        taken: Callable[[int, int], None] = lambda *_: None,
        note: Callable[[dict[str, Json]], None] = lambda _: None,
        watch: Watch | None = None,
    ) -> None:
        self.exercised: set[str] = set()
        self.skipped: dict[str, str] = {}
        self.ended = ""
        self.refused: dict[str, str] = {}
        self._exerciser, self._judge, self._confirm = exerciser, judge, confirm
        self._spent, self._taken, self._note, self._watch = spent, taken, note, watch or _Unwatched()
        self._missed: Counter[str] = Counter()
        self._met: set[str] = set()
        self._open: list[tuple[Step, int]] = []

    def walk(self, steps: Sequence[Step]) -> None:
        """Take the steps in their order, until all are taken or `spent` says to stop; cells that were missed once more."""
        self.walk_dealt([steps], len(steps))

    def walk_dealt(self, batches: Iterable[Sequence[Step]], total: int) -> None:
        """Take steps as they are dealt, at most so many; else as `walk` does."""
        taken: list[Step] = []
        for steps in batches:
            if not self._all(steps, len(taken), total):
                break
            taken += steps
        else:
            missed = [step for step in taken if step.label in self.skipped and step.cell is not None]
            self._all(missed, 0, len(missed))
        self._exerciser.rest()
        self._confirm_open()

    def _all(self, steps: Sequence[Step], before: int, total: int) -> bool:
        """Take steps, when so many of a total were taken before; False if `spent` said to stop."""
        for number, step in enumerate(steps, before):
            if reason := self._spent():
                self.ended = reason
                return False
            if self._exerciser.shared is None:
                self._looked()
            self._step(step)
            self._taken(number + 1, total)
        return True

    def go_on_with(self, exerciser: Exerciser) -> None:
        """Go on by another exerciser: what was left running for the next step is gone, and is taken again."""
        self._exerciser = exerciser
        for step, _ in self._open:
            self.skipped[step.label] = _ENDED
        self._open = []

    def _looked(self) -> None:
        """Do what is to be done between steps."""
        try:
            self._watch.look()
        except HaltedError:
            if not self._watch.revive():
                raise

    def _step(self, step: Step) -> None:
        """Take a step; what is kept running for the next one is judged, and confirmed, with the last of its block."""
        tries = self._tried(step)
        if tries:
            self._open.append((step, tries))
        if self._exerciser.shared is None:
            self._confirm_open()

    def _tried(self, step: Step) -> int:
        """Try a step until it is arranged; gives how many tries that took (0: it was not)."""
        refusals, ends = list[str](), 0
        for number in range(1, self._worth(step) + 1):
            try:
                self._attempt(step, number, keep=step.keep)
            except HaltedError as error:
                if not self._watch.revive():
                    raise
                if not self._ended_it(_label(step, number)):
                    self.skipped[step.label] = f"{_ENDED}: {error}"
                    ends += 1
                    if ends == ENDS:
                        break
                    continue
            except (NotArrangedError, LookupError) as error:
                self.skipped[step.label] = str(error)
                refusals += [str(error)] if isinstance(error, RefusedError) else []
                if len(refusals) == TRIES:
                    break
                continue
            self.skipped.pop(step.label, None)
            self._met.add(_passing(step))
            return number
        self._missed[_passing(step)] += 1
        if refusals:  # what was not refused came too late, for the state had passed
            del self.skipped[step.label]
            self.refused[step.label] = refusals[-1]
            self._note({"label": step.label, "refused": refusals[-1]})
        return 0

    def _worth(self, step: Step) -> int:
        """Say how often a step is worth trying: once, if it is about what passes by itself and was always missed so far."""
        kind = _passing(step)
        if not kind:
            return TRIES
        return HASTY_TRIES if kind in self._met or self._missed[kind] < TRIES else 1

    def taken_before(self, notes: Sequence[dict[str, Json]]) -> None:
        """Take as done what a run noted before it was cut."""
        for note in notes:
            if "refused" in note:
                self.refused[note["label"]] = note["refused"]
            else:
                self.exercised.add(note["label"])
            self._exerciser.count_from(note.get("arrangements", 0))

    def left(self, steps: Sequence[Step]) -> list[Step]:
        """List the steps that are still to be taken."""
        return [step for step in steps if step.label not in self.exercised and step.label not in self.refused]

    def _confirm_open(self) -> None:
        """Judge what is over; take each step that found something again, alone, until it found it often enough."""
        self._judge.close()
        taken, self._open = self._open, []
        for step, number in taken:
            self.exercised.add(step.label)
            self._confirm_step(step, number)
            self._note({"label": step.label, "arrangements": self._exerciser.arrangements})

    def _confirm_step(self, step: Step, number: int) -> None:
        """Take a step again that found something, until it found it often enough."""
        wanted = confirmations("crashed", self._confirm) if self._ended_it(_label(step, number)) else self._confirm
        while self._violated(_label(step, number)) and wanted > 1:
            try:
                self._attempt(step, number + 1, keep=False)
            except HaltedError:
                if not self._watch.revive():
                    raise
            except (NotArrangedError, LookupError):
                break
            self._judge.close()
            number, wanted = number + 1, wanted - 1

    def _ended_it(self, label: str) -> bool:
        """Whether a call of a step is blamed for the end of the server."""
        return any(judgement.cell == label and judgement.observed in DEATHS for judgement in self._judge.judgements)

    def _violated(self, label: str) -> bool:
        return any(
            judgement.cell == label and judgement.verdict is Verdict.VIOLATES for judgement in self._judge.judgements
        )

    def _attempt(self, step: Step, number: int, *, keep: bool) -> None:
        exerciser, label = self._exerciser, _label(step, number)
        if why := exerciser.driver.quarantine.why("", step.cell.method if step.cell is not None else step.method):
            raise NotArrangedError(why)
        with exerciser.driver.attempt():
            try:
                self._make(exerciser, step, label, keep=keep)
            except NotArrangedError:
                repeat_refused(exerciser.driver)  # what arranges the step may be what was refused
                raise

    @staticmethod
    def _make(exerciser: Exerciser, step: Step, label: str, *, keep: bool) -> None:
        if step.cell is not None:
            exerciser.exercise(step.cell, label, keep=keep)
            return
        exerciser.rest()
        if step.case is not None:
            exerciser.given(step.case, label)
        elif step.prior:
            PreludeExerciser(exerciser.lane).exercise(step.method, step.prior, label)
        else:
            exerciser.disturbed(step.method, step.disturb, label)


def _label(step: Step, number: int) -> str:
    return str(Label.parse(step.label).tried(number))


def _passing(step: Step) -> str:
    """Name what passes by itself in a step's state; empty if nothing does."""
    if step.cell is None or not passes(step.cell.state):
        return ""
    return step.cell.state.running or step.cell.state.tools
