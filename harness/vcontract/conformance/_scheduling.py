"""Which worker runs what under pytest-xdist: a walk each, and when all are over one of them runs the rows, in no time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from vcontract.conformance._items import walk_of_node


class Node(Protocol):
    """A worker, as pytest-xdist's controller sees it; `workerinput` is what it was given when it started."""

    workerinput: dict[str, Any]

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Send items."""

    def shutdown(self) -> None:
        """Say that no more will come."""


class WalkScheduling:
    """A scheduler of pytest-xdist.

    A worker begins an item once it knows the next one, or that there is none: so each is told at once that its walk is all,
    but for one, which keeps the first row for later. A worker that takes the place of a dead one gets no walk, for nobody
    knows in which state the VMs of that share are; the rows it may get. `number_of` names a worker's walk (0: none),
    `collected` hears what was collected, once.
    """

    def __init__(
        self, workers: int, number_of: Callable[[Node], int], collected: Callable[[Sequence[str]], None]
    ) -> None:
        self._workers, self._number_of, self._collected = workers, number_of, collected
        self._pending: dict[Node, list[int]] = {}
        self._collections: dict[Node, list[str]] = {}
        self._started: set[Node] = set()
        self._clerk: Node | None = None
        self._wanted: set[int] = set()
        self._over: set[int] = set()
        self._done: set[str] = set()
        self._rows_sent = False
        self.collection_is_completed = False

    @property
    def nodes(self) -> list[Node]:
        """Every worker that is there."""
        return list(self._pending)

    @property
    def tests_finished(self) -> bool:
        """Whether nothing more will be sent to anybody."""
        return self._rows_sent

    @property
    def has_pending(self) -> bool:
        """Whether anything that was sent is not done."""
        return any(self._pending.values())

    def add_node(self, node: Node) -> None:
        """Take in a worker."""
        self._pending[node] = []

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """Take in what a worker collected."""
        self._collections[node] = list(collection)
        if not self.collection_is_completed and len(self._collections) >= self._workers:
            self.collection_is_completed = True
            self._wanted = {number for each in collection if (number := walk_of_node(each))}
            self._collected(collection)

    def schedule(self) -> None:
        """Send each worker that has nothing yet its walk."""
        for node in self.nodes:
            if node in self._started or node not in self._collections:
                continue
            self._started.add(node)
            walk = self._walk_of(node)
            clerk = self._clerk is None
            if clerk:
                self._clerk = node
            self._send(node, [*walk, *(self._rows(node)[:1] if clerk and walk else [])])
            if not clerk:
                node.shutdown()
        self._go_on()

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:  # noqa: ARG002 - xdist's signature
        """Note that an item is done; the last walk lets the rows be sent."""
        self._pending[node].remove(item_index)
        item = self._collections[node][item_index]
        self._done.add(item)
        self._over.add(walk_of_node(item))
        self._go_on()

    def remove_node(self, node: Node) -> str | None:
        """Let a worker go; gives the item on which it died, if it did."""
        pending = self._pending.pop(node)
        died_on = self._collections[node][pending[0]] if pending else None
        if died_on is not None:
            self._done.add(died_on)
        if node is self._clerk:
            self._clerk = None
            self._rows_sent = self._rows_sent and len(pending) < 2
        self._over.add(self._number_of(node))
        self._go_on()
        return died_on

    def mark_test_pending(self, item: str) -> None:
        """Refuse: nothing is run twice."""
        raise NotImplementedError(item)

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> None:
        """Refuse: nothing is taken back."""
        raise NotImplementedError(node, indices)

    def _go_on(self) -> None:
        """Send the rows if every walk is over and there is somebody to send them to."""
        clerk = self._clerk
        if self._wanted - self._over or clerk is None or self._rows_sent or not self.collection_is_completed:
            return
        self._rows_sent = True
        sent = set(self._pending[clerk])
        self._send(clerk, [each for each in self._rows(clerk) if each not in sent])

    def _walk_of(self, node: Node) -> list[int]:
        number = self._number_of(node)
        return [index for index, each in enumerate(self._collections[node]) if number and walk_of_node(each) == number]

    def _rows(self, node: Node) -> list[int]:
        collected = enumerate(self._collections[node])
        return [index for index, each in collected if not walk_of_node(each) and each not in self._done]

    def _send(self, node: Node, indices: list[int]) -> None:
        if indices:
            self._pending[node].extend(indices)
            node.send_runtest_some(indices)
