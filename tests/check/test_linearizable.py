"""The quick search for a legal order against the slow one: the same answer on thousands of small random histories."""

from __future__ import annotations

import importlib
from collections import Counter
from random import Random
from typing import Any

import pytest

from vcontract._check.linearizable import Answer, Steps, linearize
from vcontract._check.search import NOBODY, Limits
from vcontract._check.transitions import Table

HISTORIES: Any = importlib.import_module("histories")  # the files beside this one
WGL: Any = importlib.import_module("wgl")


def compared(seed: int) -> str:
    """Make one random table and history, and answer by both; gives what was made and the answer."""
    rng = Random(seed)  # noqa: S311 - no secret
    table = HISTORIES.random_table(rng)
    made = HISTORIES.History(table, 0, rng.randint(2, 5), rng)
    made.grow(rng.randint(4, 14), HISTORIES.any_chain(table))
    lost = rng.choice((0, 0, 1, 3))
    steps = made.steps(lost)
    kind = "valid" if not lost else "lost"
    if seed % 5:
        steps = HISTORIES.spoiled(steps, len(table.passive), rng)
        kind = f"{kind}, spoiled"
    answer = linearize(table, 1, steps)
    assert (answer.answer is Answer.LEGAL) == WGL.legal(table, 1, steps), f"seed {seed}: {steps}"
    return f"{kind}: {answer.answer}"


def assert_all_compared(seeds: range) -> None:
    """Both answer the same for every seed, and each kind of history and answer is among them."""
    seen = Counter(compared(seed) for seed in seeds)
    assert {"valid: legal", "lost: legal"} <= set(seen)
    assert not {"valid: illegal", "lost: illegal"} & set(seen)
    for kind in ("valid, spoiled", "lost, spoiled"):
        for answer in (Answer.LEGAL, Answer.ILLEGAL):
            assert seen[f"{kind}: {answer}"] > len(seeds) / 50, seen


def test_both_searches_answer_the_same() -> None:
    """A fixed sample of random tables and histories."""
    assert_all_compared(range(4000))


def test_both_searches_answer_the_same_by_the_shipped_model() -> None:
    """Histories of one VM, valid, spoiled and with lost replies, over the tables that are drawn from the contract."""
    machine = importlib.import_module("step_chains").ChainModel()
    table, seen = machine.numbered.table, Counter[str]()
    for seed in range(400):
        rng = Random(seed)  # noqa: S311 - no secret
        made = HISTORIES.History(table, 0, rng.randint(2, 5), rng, machine.veto, rng.random())
        made.grow(rng.randint(5, 20), machine.choose)
        steps = made.steps()
        if seed % 3 == 1:
            steps = HISTORIES.spoiled(steps, len(table.passive), rng)
        elif seed % 3 == 2:
            steps = machine.losing(steps, 2, rng)
        found = linearize(table, 1, steps).answer
        assert (found is Answer.LEGAL) == WGL.legal(table, 1, steps), f"seed {seed}: {steps}"
        seen[found] += 1
    assert min(seen[Answer.LEGAL], seen[Answer.ILLEGAL]) > 40, seen


@pytest.mark.long
def test_both_searches_answer_the_same_at_length() -> None:
    """Many more of them."""
    assert_all_compared(range(4000, 150_000))


# A register that is set to 0 or 1 and read: kinds 0 and 1 set it, 2 and 3 read it.
REGISTER = Table([{0: 1, 1: 1}, {0: 2, 1: 2}, {0: 1}, {1: 2}])


def alone(*kinds: int) -> Steps:
    """One step after the other."""
    return Steps(kinds, (NOBODY,) * len(kinds), tuple(range(2 * len(kinds))))


def test_what_is_read_must_have_been_set_before() -> None:
    """In turn, the last that was set is read, and nothing else; the event of the first impossible end is told."""
    assert linearize(REGISTER, 1, alone(2, 1, 3)).answer is Answer.LEGAL
    found = linearize(REGISTER, 1, alone(2, 1, 2, 3))
    assert (found.answer, found.event, found.states) == (Answer.ILLEGAL, 5, 2)


def test_a_step_counts_only_between_its_begin_and_its_end() -> None:
    """Two steps of one kind are not exchanged: one that begins later cannot have been in the order before."""
    steps = Steps((1, 2, 3), (NOBODY,) * 3, (2, 0, 3, 1, 4, 5))
    assert linearize(REGISTER, 1, steps).answer is Answer.LEGAL
    steps = Steps((1, 0, 3, 2), (NOBODY,) * 4, (0, 2, 1, 4, 5, 6, 7, 3))
    assert linearize(REGISTER, 1, steps).answer is Answer.LEGAL
    steps = Steps((1, 0, 3, 2, 0), (NOBODY,) * 5, (0, 1, 2, 3, 4, 5, 8, 6, 7, 9))
    assert linearize(REGISTER, 1, steps).event == 5


def test_a_step_without_an_end_may_have_happened_late_or_never() -> None:
    """A lost reply explains what is seen long after, and forces nothing."""
    for last in (2, 3):
        steps = Steps((1, 2, last), (NOBODY,) * 3, (0, 2, 3, 4, 5))
        assert linearize(REGISTER, 1, steps).answer is Answer.LEGAL


def test_a_step_waits_for_the_one_before_it() -> None:
    """What must come after a step cannot be in the order without it."""
    legal = Steps((1, 0, 2), (NOBODY, 0, NOBODY), (0, 2, 4, 5, 1, 3))
    assert linearize(REGISTER, 1, legal).answer is Answer.LEGAL
    turned = Steps((1, 0, 3, 2, 3), (NOBODY, 0, NOBODY, NOBODY, NOBODY), (0, 2, 6, 7, 1, 4, 5, 3, 8, 9))
    assert linearize(REGISTER, 1, turned).event == 9


def test_a_search_ends_at_its_limits() -> None:
    """Too little time or memory is said, and is no answer."""
    kinds, rng = tuple(range(18)), Random(1)  # noqa: S311 - no secret
    # steps of which no two can be exchanged, and one that waits for one state
    shuffled = [rng.sample(range(40), 40) for _ in kinds]
    table = Table([{state: 1 << after for state, after in enumerate(each)} for each in shuffled] + [{39: 1 << 39}])
    steps = Steps((*kinds, 18), (NOBODY,) * 19, (*range(0, 38, 2), 37, *range(1, 37, 2)))
    for limits, reason in ((Limits(seconds=0.0), "time"), (Limits(memory=256 * 50), "50 configurations")):
        found = linearize(table, 1, steps, limits)
        assert found.answer is Answer.INCONCLUSIVE
        assert reason in found.reason
