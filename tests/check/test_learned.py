"""From answers to who wins, by which channel, and in which ranks: tables made by hand."""

from __future__ import annotations

import pytest

from vcontract._check.grade import Assessment
from vcontract._check.learned import channels, precedence, ranks
from vcontract._check.pinned import exactly
from vcontract._contract import load
from vcontract._model import Pin, State, expect
from vcontract._model.state import Asked
from vcontract._profile import Answer, Channel, Observed, Precedence
from vcontract._terms import Grade

METHOD = "CustomizeGuest_Task"


def answered(conditions: str, *outcomes: str) -> Answer:
    """Write an answer as `busy+off`, `TaskInProgress call 2`."""
    given = tuple(Observed(fault, channel, int(count)) for fault, channel, count in map(str.split, outcomes))
    return Answer(f"{METHOD}:{conditions}", METHOD, tuple(conditions.split("+")), given)


ALONE = (answered("a", "A call 2"), answered("b", "B call 2"), answered("c", "C task 2"))


def test_the_answer_of_both_says_who_wins() -> None:
    """By the type of the fault, and by its channel where the type is the same."""
    found = precedence([*ALONE, answered("a+b", "B call 2"), answered("b+c", "B call 1")])
    assert found == (Precedence(METHOD, "b", "a", "B", "call"), Precedence(METHOD, "b", "c", "B", "call"))
    same = (answered("x", "F call 2"), answered("y", "F task 2"), answered("x+y", "F task 2"))
    assert precedence(same) == (Precedence(METHOD, "y", "x", "F", "task"),)


@pytest.mark.parametrize(
    "answers",
    [
        (*ALONE, answered("a+b", "B call 1", "A call 1")),
        (*ALONE, answered("a+b", "Z call 2")),
        (ALONE[0], answered("b", "A call 2"), answered("a+b", "A call 2")),
        (ALONE[0], answered("b", "Success task 2"), answered("a+b", "A call 2")),
        (ALONE[0], answered("b", "B call 1", "A call 1"), answered("a+b", "A call 2")),
        (ALONE[0], answered("malformed", "B call 2"), answered("a+malformed", "A call 2")),
        (ALONE[0], answered("a+b", "A call 2")),
    ],
    ids=["varies", "a third answer", "alike", "no reason to refuse", "one varies alone", "many inputs", "one unknown"],
)
def test_what_says_nothing_of_who_wins(answers: tuple[Answer, ...]) -> None:
    """No precedence comes of it."""
    assert precedence(answers) == ()


def test_ranks_are_the_order_and_show_a_circle() -> None:
    """Who loses to nobody comes first; what no order explains shares the last rank."""

    def wins(*pairs: str) -> list[Precedence]:
        return [Precedence(METHOD, each[0], each[1], "F", "call") for each in pairs]

    assert ranks(wins("ab", "bc", "ac", "ad"), METHOD) == [["a"], ["b", "d"], ["c"]]
    assert ranks(wins("ab", "bc", "cb"), METHOD) == [["a"], ["b", "c"]]


def test_channels_are_counted_by_fault() -> None:
    """Success is no fault."""
    found = channels([answered("a", "A call 2", "A task 1"), answered("b", "Success task 4")])
    assert found == (Channel(METHOD, "A", 2, 1),)


def test_a_pin_settles_what_no_source_does_and_excuses_nothing() -> None:
    """An unsettled answer conforms if it is pinned; a pin that the documents forbid counts for nothing."""
    contract = load("VirtualMachineGuestCustomizationManager")
    abort = expect([State()], Asked("AbortCustomization_Task"), contract)
    refused = Assessment(Grade.UNSETTLED, "InvalidState", "call")
    pin = Pin("InvalidState", "call", "says")
    assert exactly(refused, pin, abort, "call").grade is Grade.CONFORMS
    done = Assessment(Grade.CONFORMS, "OK")
    assert exactly(done, pin, abort, "task").grade is Grade.UNPROFILED
    assert exactly(done, pin, abort, "task").why == "says, not Success (task)"
    forbidden = Pin("InvalidGuestLogin", "call", "says")
    assert exactly(done, forbidden, abort, "task") == done
