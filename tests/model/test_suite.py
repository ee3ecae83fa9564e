"""A suite tells every deviating machine apart that has no more states than it speaks of; tried against all there are."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator

import pytest

from vcontract._model.suite import MealyMachine, Suite, Word, suite, sure_words, told_apart

Made = list[dict[str, tuple[str, int]]]
"""A deterministic implementation: state, input to answer and next state."""
INPUTS = "ab"
MOST = 100_000


def machine(
    *moves: dict[str, dict[str, int]], views: str = "", unsettled: Iterable[tuple[int, str, str]] = ()
) -> MealyMachine:
    """Make a machine; without views all states look alike."""
    return MealyMachine(moves, tuple(views) or ("",) * len(moves), frozenset(unsettled))


def conforms(spec: MealyMachine, made: Made) -> bool:
    """Whether an implementation only gives permitted answers: by all pairs of states that can come together."""
    pairs = [(0, 0)]
    for mine, state in pairs:
        for given, answers in spec.moves[state].items():
            told, after = made[mine][given]
            if told not in answers:
                return False
            if (after, answers[told]) not in pairs:
                pairs.append((after, answers[told]))
    return True


def passes(spec: MealyMachine, made: Made, words: Iterable[Word]) -> bool:
    """Whether an implementation gives only permitted answers to the words."""
    for word in words:
        mine = state = 0
        for given in word:
            if given not in spec.moves[state]:
                break
            told, mine = made[mine][given]
            if told not in spec.moves[state][given]:
                return False
            state = spec.moves[state][given][told]
    return True


def drawn(draw: random.Random, states: int, outputs: str) -> MealyMachine:
    """Draw a specification: partial, and with several answers permitted to one input."""
    moves: list[dict[str, dict[str, int]]] = []
    for _ in range(states):
        row = {}
        for given in INPUTS:
            answers = [each for each in outputs if draw.random() < 0.45] or [draw.choice(outputs)]
            if draw.random() > 0.15:
                row[given] = {each: draw.randrange(states) for each in answers}
        moves.append(row)
    return machine(*moves)


def every(states: int, outputs: str) -> Iterator[Made]:
    """Give every implementation with so many states."""
    ends = [(told, after) for told in outputs for after in range(states)]
    for chosen in itertools.product(ends, repeat=states * len(INPUTS)):
        yield [dict(zip(INPUTS, chosen[each * 2 : each * 2 + 2], strict=True)) for each in range(states)]


def faithful(draw: random.Random, spec: MealyMachine, states: int) -> Made | None:
    """Draw an implementation that conforms, each of its states a copy of one of the specification; None if the draw fails."""
    copies = [0, *(draw.randrange(len(spec.moves)) for _ in range(states - 1))]
    made: Made = []
    for state in copies:
        row = {}
        for given in INPUTS:
            ends = [
                (told, mine)
                for told, after in spec.moves[state].get(given, {}).items()
                for mine, copy in enumerate(copies)
                if copy == after
            ]
            if given in spec.moves[state] and not ends:
                return None
            row[given] = draw.choice(ends) if ends else ("0", 0)
        made.append(row)
    return made


def mutants(made: Made, outputs: str) -> Iterator[Made]:
    """Give every implementation that differs in one answer or one next state."""
    for state, given in itertools.product(range(len(made)), INPUTS):
        for end in itertools.product(outputs, range(len(made))):
            changed = [dict(row) for row in made]
            changed[state][given] = end
            yield changed


def _suite(spec: MealyMachine, extra: int) -> Suite:
    found = suite(spec, extra, MOST)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(12))
def test_no_small_deviation_gets_through(seed: int) -> None:
    """Of all implementations with as many states as the suite speaks of, it accuses all that deviate and no other."""
    draw = random.Random(seed)  # noqa: S311 - machines, no secret
    spec = drawn(draw, 2, "01")
    tried = 0
    for extra in (0, 1):
        found = _suite(spec, extra)
        states = found.apart + extra
        share = 0.05 if states > 2 else 1  # of 3 states there are 46 656 machines: one in twenty of them
        for made in (each for each in every(states, "01") if draw.random() < share):
            tried += 1
            assert passes(spec, made, found.words) is conforms(spec, made), (spec, made)
    assert tried > 4


@pytest.mark.parametrize("seed", range(4))
def test_a_deviation_that_is_small_but_far_away_is_found(seed: int) -> None:
    """One changed move of a conforming implementation with a state more never gets through, and needs that one more."""
    draw = random.Random(seed)  # noqa: S311 - machines, no secret
    missed = tried = 0
    for _ in range(12):
        spec = drawn(draw, draw.randint(2, 4), "01")
        found, short = _suite(spec, 1), _suite(spec, 0)
        for _ in range(30):
            made = faithful(draw, spec, found.apart + 1)
            if made is None:
                continue
            assert passes(spec, made, found.words)
            for each in mutants(made, "01"):
                if not conforms(spec, each):
                    tried += 1
                    assert not passes(spec, each, found.words), (spec, each)
                    missed += passes(spec, each, short.words)
    assert tried > 300
    assert missed > 0


LAMP = machine({"a": {"0": 1}, "b": {"0": 0}}, {"a": {"0": 0}, "b": {"1": 1}})
"""A switch `a` and a look `b`: off shows 0, on shows 1."""


def test_states_are_told_apart_by_disjoint_answers() -> None:
    """The look tells on from off; the suite tries it wherever a state must be known, and no word begins another."""
    assert told_apart(LAMP) == {(0, 1): frozenset({("b",)})}
    assert sure_words(LAMP) == {0: (), 1: ("a",)}
    words = _suite(LAMP, 0).words
    assert ("a", "a", "b") in words
    assert not [(one, other) for one in words for other in words if one != other and other[: len(one)] == one]


def test_what_a_common_answer_leads_to_tells_apart_too() -> None:
    """Two states that may answer alike are told apart if every common answer leads to states that are."""
    spec = machine({"a": {"0": 2, "1": 2}}, {"a": {"0": 3, "2": 2}}, {"b": {"0": 2}}, {"b": {"1": 3}})
    assert told_apart(spec)[0, 1] == frozenset({("a", "b")})


def test_what_a_read_shows_needs_no_word() -> None:
    """States with different views are told apart for nothing; words end in their first input nevertheless."""
    spec = machine({"a": {"0": 1}, "b": {"0": 0}}, {"a": {"0": 0}}, views="xy")
    assert told_apart(spec) == {(0, 1): frozenset({()})}
    assert _suite(spec, 0).words == (("b", "a"), ("a", "a", "a"))


def test_an_answer_that_nobody_settles_tells_nothing_apart_and_is_permitted() -> None:
    """If it is settled the two states are alike; if not they are told apart, and the suite says what it rests on."""
    shared = ({"a": {"0": 1, "1": 0}}, {"a": {"1": 0}})
    assert told_apart(machine(*shared)) == {}
    open_ = machine(*shared, unsettled=[(0, "a", "1")])
    assert told_apart(open_) == {(0, 1): frozenset({("a",)})}
    assert _suite(open_, 0).assumed == {(0, "a", "1")}
    harmless = machine({"a": {"0": 1, "2": 0}}, {"a": {"1": 0}}, unsettled=[(0, "a", "2")])
    assert _suite(harmless, 0).assumed == frozenset()


def test_states_that_are_alike_are_named_and_do_not_count() -> None:
    """The guarantee speaks of the states that are told apart, and the others are listed."""
    found = _suite(machine({"a": {"0": 1}}, {"a": {"0": 0}}), 1)
    assert (found.apart, found.alike, found.unsure) == (1, ((0, 1),), ())


def test_a_suite_that_is_too_large_is_not_made() -> None:
    """Beyond the limit of inputs there is none."""
    assert suite(LAMP, 6, 20) is None
    assert suite(LAMP, 1, 20) is not None
