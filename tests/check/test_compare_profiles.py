"""Two learned profiles: what differs has the classes of runs, chance differs in nothing, times are compared by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from vcontract._check.compare import profile_changes
from vcontract._profile import Answer, Latency, Observed, Profile
from vcontract._profile import Target as About


def learned(answers: Mapping[str, str], *, count: int = 2, seconds: Sequence[float] = ()) -> Profile:
    """Make a profile with so many answers in each cell, `FAULT CHANNEL` by the cell's condition."""

    def observed(seen: str) -> tuple[Observed, ...]:
        return tuple(Observed(fault, channel, count) for fault, channel in (each.split() for each in seen.split(",")))

    entries = tuple(
        Answer(
            f"M:{name}",
            "M",
            (name,),
            observed(seen),
            ("X", "?Y"),
        )
        for name, seen in answers.items()
    )
    times = (Latency("M", "Success", "task", len(seconds), 0.0, 0.0, tuple(seconds)),) if seconds else ()
    return Profile("O", About("url"), 1, entries, latency=times)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"a": "X call"}, {"a": "X task"}, [("movedToTask", "M")]),
        ({"a": "X call"}, {"a": "Y call"}, [("precedenceChanged", "M")]),
        ({"a": "X call"}, {"a": "Z call"}, [("faultChanged", "M")]),
        ({"a": "Success task"}, {"a": "X call"}, [("nowRefused", "M")]),
        ({"a": "X call,Y call"}, {"a": "Z call"}, [("entryChanged", "M:a")]),  # several answers have no one class
        ({"a": "X call,Y call"}, {"a": "X call"}, []),  # it may choose either still
        (
            {"a": "X call,Y call", "b": "X call"},
            {"a": "X call,Y call", "b": "Y call"},
            [],
        ),  # it chooses between these two
    ],
)
def test_an_answer_of_a_profile_is_classified_as_one_of_a_run(
    old: dict[str, str], new: dict[str, str], told: list[tuple[str, str]]
) -> None:
    """The classes are those of runs; what a server chooses among is no change."""
    changes = profile_changes(learned(old), learned(new), {})
    assert [(each.kind.value, each.path) for each in changes] == told


def test_what_was_seen_once_is_an_entry_that_changed() -> None:
    """One pair of calls is too little for a class, and too much to keep silent."""
    (change,) = profile_changes(learned({"a": "X call"}, count=1), learned({"a": "X task"}, count=1), {})
    assert (change.kind.value, change.old, change.new) == ("entryChanged", "X (call)", "X (task)")


def test_the_times_of_tasks_are_compared_by_rank() -> None:
    """A tripled time is seen; the same times again, and too few of them, are not."""
    times = [0.02 + number / 1000 for number in range(12)]
    plain, tripled = learned({}, seconds=times), learned({}, seconds=[3 * each for each in times])
    (change,) = profile_changes(plain, tripled, {})
    assert (change.kind.value, change.path) == ("slower", "M task")
    assert profile_changes(plain, plain, {}) == []
    assert profile_changes(plain, learned({}, seconds=[3 * each for each in times[:7]]), {}) == []
