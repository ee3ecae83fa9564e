"""Who runs what: walks first, each by its own worker, then the rows by one; also when workers die."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from vcontract.conformance._scheduling import WalkScheduling
from vcontract.conformance._xdist_worker import NUMBER

WALKS = ["t.py::walk[1]", "t.py::walk[2]"]
ROWS = ["t.py::test_row[A/b/c]", "t.py::test_row[A/b/d]", "t.py::test_row[A/e]"]


class FakeNode:
    """Writes down what it is told."""

    def __init__(self, number: int) -> None:
        self.workerinput: dict[str, Any] = {NUMBER: number}
        self.sent: list[int] = []
        self.ended = False

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Take items."""
        assert not self.ended
        self.sent.extend(indices)

    def shutdown(self) -> None:
        """Take the end."""
        self.ended = True


class Scene:
    """Two workers that have collected."""

    def __init__(self, collection: Sequence[str] = (*WALKS, *ROWS)) -> None:
        self.heard: list[list[str]] = []
        self.collection = list(collection)
        self.scheduler = WalkScheduling(
            2, lambda node: int(node.workerinput[NUMBER]), lambda each: self.heard.append(list(each))
        )
        self.first, self.second = self.join(1), self.join(2)

    def join(self, number: int) -> FakeNode:
        """Let a worker come, as pytest-xdist does."""
        node = FakeNode(number)
        self.scheduler.add_node(node)
        self.scheduler.add_node_collection(node, self.collection)
        if self.scheduler.collection_is_completed:
            self.scheduler.schedule()
        return node

    def done(self, node: FakeNode, *items: int) -> None:
        """Let a worker finish items."""
        for each in items:
            self.scheduler.mark_test_complete(node, each)


def test_each_walks_its_own_and_one_waits_with_the_first_row() -> None:
    """A worker begins an item when it knows the next, or that there is none."""
    scene = Scene()
    assert scene.heard == [[*WALKS, *ROWS]]
    assert (scene.first.sent, scene.first.ended) == ([0, 2], False)
    assert (scene.second.sent, scene.second.ended) == ([1], True)
    assert scene.scheduler.has_pending
    assert not scene.scheduler.tests_finished


@pytest.mark.parametrize("last", ["first", "second"])
def test_the_rows_come_when_every_walk_is_over(last: str) -> None:
    """Whoever is the last."""
    scene = Scene()
    first, second = (scene.second, scene.first) if last == "first" else (scene.first, scene.second)
    scene.done(first, first.sent[0])
    assert scene.first.sent == [0, 2]
    scene.done(second, second.sent[0])
    assert scene.first.sent == [0, 2, 3, 4]
    assert scene.scheduler.tests_finished
    assert scene.scheduler.nodes == [scene.first, scene.second]


def test_a_worker_that_dies_walking_holds_nobody_up() -> None:
    """Its walk is named, is not given to the one that takes its place, and the rows come."""
    scene = Scene()
    assert scene.scheduler.remove_node(scene.second) == WALKS[1]
    third = scene.join(0)
    assert (third.sent, third.ended) == ([], True)
    scene.done(scene.first, 0)
    assert scene.first.sent == [0, 2, 3, 4]


def test_the_rows_of_one_that_dies_walking_go_to_the_next() -> None:
    """The one that was to run them."""
    scene = Scene()
    scene.done(scene.second, 1)
    assert scene.scheduler.remove_node(scene.first) == WALKS[0]
    assert not scene.scheduler.tests_finished
    third = scene.join(0)
    assert third.sent == [2, 3, 4]
    assert scene.scheduler.tests_finished


def test_the_rows_of_one_that_dies_over_them_go_on() -> None:
    """What was run, and what it died on, is not run again."""
    scene = Scene()
    scene.done(scene.second, 1)
    scene.done(scene.first, 0, 2)
    assert scene.scheduler.remove_node(scene.first) == ROWS[1]
    assert not scene.scheduler.tests_finished
    assert scene.join(0).sent == [4]


def test_one_that_dies_before_it_has_collected_holds_nobody_up() -> None:
    """The one in its place collects, but does not walk."""
    scheduler = WalkScheduling(2, lambda node: int(node.workerinput[NUMBER]), lambda _: None)
    first, second, third = FakeNode(1), FakeNode(2), FakeNode(0)
    for each in (first, second):
        scheduler.add_node(each)
    scheduler.add_node_collection(first, [*WALKS, *ROWS])
    assert scheduler.remove_node(second) is None
    scheduler.add_node(third)
    scheduler.add_node_collection(third, [*WALKS, *ROWS])
    scheduler.schedule()
    assert (first.sent, third.sent) == ([0, 2], [])
    scheduler.mark_test_complete(first, 0)
    assert first.sent == [0, 2, 3, 4]


def test_where_no_row_is_selected_there_is_nothing_to_wait_for() -> None:
    """Neither walks nor rows."""
    scene = Scene(())
    assert (scene.first.sent, scene.second.sent) == ([], [])
    assert scene.scheduler.tests_finished
