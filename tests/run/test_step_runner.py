"""Taking the steps of a plan: again while they are not arranged, or to confirm what they found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from vcontract._check import Judge
from vcontract._errors import HaltedError
from vcontract._model import cell
from vcontract._run.exerciser import Exerciser
from vcontract._run.plan import Step
from vcontract._run.step_runner import HASTY_TRIES, TRIES, StepRunner
from vcontract._terms import Verdict
from vcontract._testbed.not_arranged import NotArrangedError, RefusedError
from vcontract._testbed.quarantine import Quarantine

METHOD = "AbortCustomization_Task"


class Verdicts:
    """A judge that calls the cells of some names violations."""

    def __init__(self, *wrong: str) -> None:
        self.wrong, self.judgements = wrong, [Seen("", Verdict.CONFORMS)]

    def close(self) -> None:
        """Say nothing."""


class Seen:
    """A judgement, as far as the walk looks at it."""

    def __init__(self, name: str, verdict: Verdict) -> None:
        self.cell, self.verdict, self.observed = name, verdict, "crashed" if "toolsStopped" in name else "OK"


class Script:
    """An exerciser that fails as told: what each try of a step does, the last one again and again."""

    def __init__(self, judge: Verdicts, **tries: Any) -> None:
        self.judge, self.tries = judge, tries
        self.shared: object = None
        self.driver = SimpleNamespace(
            attempt=self._attempt, quarantine=Quarantine(), judge=SimpleNamespace(to_repeat=None)
        )
        self.arrangements = 0
        self.heard: list[str] = []

    def exercise(self, _: object, label: str, *, keep: bool = False) -> None:
        """Take one try."""
        self.heard.append(label)
        name = label.split("#", maxsplit=1)[0].partition(":")[2]
        planned = self.tries.get(name, [None])
        fate = planned.pop(0) if len(planned) > 1 else planned[0]
        if isinstance(fate, Exception):
            raise fate
        self._unanswered = fate or ""
        self.shared = object() if keep else None
        verdict = Verdict.VIOLATES if name in self.judge.wrong else Verdict.CONFORMS
        self.judge.judgements.append(Seen(label, verdict))

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """Fail after a try that came to nothing, as a driver does."""
        self._unanswered = ""
        yield
        if self._unanswered:
            raise NotArrangedError(self._unanswered)

    def count_from(self, arrangements: int) -> None:
        """Go on counting."""
        self.arrangements = arrangements

    def rest(self) -> None:
        """End what was left running."""
        self.shared = None


def step(name: str, *, keep: bool = False) -> Step:
    """Give the step of a cell."""
    found = cell(METHOD, [name])
    return Step(found.id, found, keep=keep)


def walked(script: Script, steps: list[Step], confirm: int = 1, **more: Any) -> StepRunner:
    """Walk some steps."""
    walker = StepRunner(cast("Exerciser", script), cast("Judge", script.judge), confirm, **more)
    walker.walk(steps)
    return walker


def test_a_step_is_tried_until_it_is_arranged() -> None:
    """And is then exercised, not skipped."""
    script = Script(Verdicts(), poweredOff=[NotArrangedError("too slow"), None])
    walker = walked(script, [step("poweredOff")])
    assert script.heard == [f"{METHOD}:poweredOff", f"{METHOD}:poweredOff#2"]
    assert (walker.exercised, walker.skipped) == ({f"{METHOD}:poweredOff"}, {})


def test_a_call_that_came_to_nothing_is_made_again() -> None:
    """Its session had ended, or a busy server did not take it: the step is tried again, and tries are not for ever."""
    judge = Verdicts()
    script = Script(judge, poweredOff=["the session had ended", None], suspended=["turned away: HTTP 503"])
    walker = walked(script, [step("poweredOff"), step("suspended")])
    assert script.heard[:2] == [f"{METHOD}:poweredOff", f"{METHOD}:poweredOff#2"]
    assert walker.exercised == {f"{METHOD}:poweredOff"}
    assert walker.skipped == {f"{METHOD}:suspended": "turned away: HTTP 503"}


def test_a_method_that_is_left_alone_is_not_arranged_for() -> None:
    """It hung on some VMs before."""
    script = Script(Verdicts())
    script.driver.quarantine.methods[METHOD] = "it hung"
    walker = walked(script, [step("poweredOff")])
    assert (script.heard, walker.skipped) == ([], {f"{METHOD}:poweredOff": "it hung"})


@pytest.mark.parametrize(("name", "tries"), [("poweredOff", TRIES), ("customizing", HASTY_TRIES)])
def test_what_was_missed_is_tried_once_more_at_the_end(name: str, tries: int) -> None:
    """A state that passes by itself gets more tries; what is never arranged is skipped with the reason."""
    script = Script(Verdicts(), **{name: [NotArrangedError("too slow")]})
    walker = walked(script, [step(name), step("suspended")])
    assert script.heard.count(f"{METHOD}:{name}") == 2
    assert len(script.heard) == 2 * tries + 1
    assert walker.skipped == {f"{METHOD}:{name}": "too slow"}
    assert walker.exercised == {f"{METHOD}:suspended"}


def test_a_state_that_the_target_refuses_is_out_of_reach() -> None:
    """After as many refusals as tries; it is not tried again at the end."""
    script = Script(Verdicts(), busy=[RefusedError("the target refuses CreateSnapshot_Task: NotSupported")])
    walker = walked(script, [step("busy")])
    assert len(script.heard) == TRIES
    assert walker.refused == {f"{METHOD}:busy": "the target refuses CreateSnapshot_Task: NotSupported"}
    assert (walker.skipped, walker.exercised) == ({}, set())


def test_a_violation_is_confirmed_alone() -> None:
    """Also that of a cell which shared its work: judged with the last of its block, then tried again by itself."""
    script = Script(Verdicts("customizing+loginRejected"))
    first = replace(step("customizing"), label=f"{METHOD}:customizing+loginRejected", keep=True)
    walker = walked(script, [first, step("customizing")], confirm=3)
    assert script.heard == [
        f"{METHOD}:customizing+loginRejected",
        f"{METHOD}:customizing",
        f"{METHOD}:customizing+loginRejected#2",
        f"{METHOD}:customizing+loginRejected#3",
    ]
    assert walker.exercised == {f"{METHOD}:customizing+loginRejected", f"{METHOD}:customizing"}


def test_a_walk_that_goes_on_takes_only_what_is_left() -> None:
    """By the notes of the one before, which name what was taken and what was out of reach."""
    noted: list[dict[str, Any]] = []
    steps = [step("poweredOff"), step("busy"), step("suspended")]
    first = Script(Verdicts(), busy=[RefusedError("refused")])
    walked(first, steps[:2], note=noted.append)
    assert noted == [
        {"label": f"{METHOD}:poweredOff", "arrangements": 0},
        {"label": f"{METHOD}:busy", "refused": "refused"},
    ]
    second = StepRunner(cast("Exerciser", Script(Verdicts())), cast("Judge", Verdicts()), 1)
    second.taken_before(noted)
    assert second.left(steps) == steps[2:]
    assert second.refused == {f"{METHOD}:busy": "refused"}


def test_a_walk_stops_when_it_is_told() -> None:
    """What was not reached is neither exercised nor tried again."""
    script = Script(Verdicts())
    walker = walked(script, [step("poweredOff"), step("suspended")], spent=lambda: "enough" if script.heard else "")
    assert script.heard == [f"{METHOD}:poweredOff"]
    assert (walker.ended, walker.skipped) == ("enough", {})


class Watch:
    """Starts a server again, `times` at most."""

    def __init__(self, times: int) -> None:
        self.left = times

    def look(self) -> None:
        """Find nothing."""

    def revive(self, *, counted: bool = True) -> bool:
        """Start it again."""
        self.left -= counted
        return self.left >= 0


def test_a_walk_goes_on_where_the_server_is_started_again() -> None:
    """What it was arranged for is tried once more, then given up; nobody who starts it again: the run is halted."""
    script = Script(Verdicts(), suspended=[HaltedError("ended")])
    walker = walked(script, [step("suspended"), step("poweredOff")], watch=Watch(4))
    assert script.heard.count(f"{METHOD}:suspended") == 2  # and once more at the end, as whatever was missed
    assert walker.exercised == {f"{METHOD}:poweredOff"}
    assert "the server ended before the step was judged" in walker.skipped[f"{METHOD}:suspended"]
    with pytest.raises(HaltedError):
        walked(Script(Verdicts(), suspended=[HaltedError("ended")]), [step("suspended")])


def test_the_end_of_a_server_is_confirmed_at_least_once() -> None:
    """Whatever the configuration says: once it may be chance."""
    script = Script(Verdicts("toolsStopped", "suspended"))
    walked(script, [step("toolsStopped"), step("suspended")], confirm=1)
    assert script.heard == [f"{METHOD}:toolsStopped", f"{METHOD}:toolsStopped#2", f"{METHOD}:suspended"]


def test_what_was_refused_as_a_step_was_arranged_is_made_once_more() -> None:
    """The judge is asked for it before the next try, in the cell of the first one; not after a try that was arranged."""
    script = Script(Verdicts(), poweredOff=[NotArrangedError("refused"), None])
    asked: list[list[str]] = []

    class Judged:
        """A judge that notes when it is asked."""

        @property
        def to_repeat(self) -> None:
            """Give no call."""
            asked.append(list(script.heard))

    script.driver.judge = Judged()
    walked(script, [step("poweredOff")])
    assert asked == [[f"{METHOD}:poweredOff"]]
