"""Findings are made smaller one after the other: each deviation has its turn; a server that ends on the way ends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from vcontract._config.request import Budget
from vcontract._errors import HaltedError
from vcontract._findings.program import KEPT, latest, since_fresh
from vcontract._run import phases
from vcontract._terms import Arguments, Call, Finding, Grade, Ref, ReplayStep

STEP = ReplayStep(Call(Ref("VirtualMachine", "vm-1"), "ResetVM_Task", Arguments({}), "full"))


def finding(id_: str, former: str) -> Finding:
    """Give a provisional finding."""
    return Finding(id_, "row", "VirtualMachine", "ResetVM_Task", Grade.WRONG, "", "", "", op=1, former=former)


class Clock:
    """A clock that goes on with each look."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Give the time."""
        self.time += 1.0
        return self.time


class Ground:
    """A run whose server is started again, or is not its own."""

    def __init__(self, lane: Any, *, able: bool = True) -> None:
        self.testbed: Any
        self.testbed, self.able, self.revived = SimpleNamespace(lane=lane), able, 0

    def revive(self, *, counted: bool = True) -> bool:
        """Start it again."""
        assert not counted
        self.revived += 1
        return self.able


def shrunk(monkeypatch: pytest.MonkeyPatch, ground: Ground | None, budget: Budget, dies: Sequence[str] = ()) -> Any:
    """Shrink four findings of two deviations; gives what came of them, the order, and what was noted."""
    tried: list[str] = []
    notes: list[str] = []

    class Shrinker:
        """Takes the place of ours: some findings end the server."""

        def __init__(self, *_: Any) -> None:
            pass

        def shrink(self, given: Finding, *_: Any) -> Finding:
            tried.append(given.id)
            if given.id in dies:
                raise HaltedError("the server ended")
            return given

    monkeypatch.setattr(phases, "Shrinker", Shrinker)
    monkeypatch.setattr(phases, "untried", lambda given, *_: given)
    lane: Any = SimpleNamespace(driver=SimpleNamespace(target=SimpleNamespace(recorder=Clock())))
    every = [finding(id_, former) for id_, former in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b"))]
    found: dict[str, Finding] = {}
    if ground is not None:
        ground.testbed.lane = lane
    phases.shrink_each(lane, budget, every, {each.id: [] for each in every}, found, notes.append, len(every), ground)
    return found, tried, notes


def test_each_deviation_has_its_turn_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then come the others that look the same."""
    _, tried, _ = shrunk(monkeypatch, None, Budget())
    assert tried == ["a1", "b1", "a2", "b2"]


def test_when_the_time_is_over_it_is_told_how_many_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep their calls as they are."""
    found, tried, notes = shrunk(monkeypatch, None, Budget(seconds=2.5))
    assert tried == ["a1", "b1"]
    assert set(found) == {"a1", "b1"}
    assert notes[-1] == "2 of 4 findings are not made smaller: the 2.5 s for that are over"


def test_a_server_that_ends_on_the_way_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding that was tried keeps its calls and says so; the next ones are tried on."""
    ground = Ground(None)
    found, tried, _ = shrunk(monkeypatch, ground, Budget(), dies=["b1"])
    assert (tried, ground.revived) == (["a1", "b1", "a2", "b2"], 1)
    assert found["b1"].repeats == "0 of 0: the server ended while it was tried"


@pytest.mark.parametrize("ground", [None, Ground(None, able=False)], ids=["somebody else's", "not ended"])
def test_where_it_is_not_ours_to_start_the_run_ends(ground: Ground | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does in its steps."""
    with pytest.raises(HaltedError):
        shrunk(monkeypatch, ground, Budget(), dies=["a1"])


def test_of_a_long_past_the_last_steps_are_kept() -> None:
    """Where no guest tells of Tools, no VM is ever as a fresh one; the cell of the finding is kept whole."""
    past = [[STEP] * 3 for _ in range(1000)]
    assert len(since_fresh(past)) == KEPT // 3 * 3
    assert latest([[STEP] * 50], 32) == [[STEP] * 50]
    assert latest(past, 7) == past[-2:]
