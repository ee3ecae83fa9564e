"""The search of Wing and Gong with Lowe's memory of what was tried, as Porcupine has it: the judge of the quick one.

It uses the same tables, and knows none of the quick one's prunings: it tries each step that may come next in a linked
list of begins and ends, and goes back where that leads nowhere.
"""

from __future__ import annotations

from vcontract._check.linearizable import Steps
from vcontract._check.search import NOBODY
from vcontract._check.transitions import Table


class _Event:
    """A begin or an end in the list of those that are not yet in the order."""

    __slots__ = ("match", "next", "number", "previous")

    def __init__(self, number: int) -> None:
        self.number = number
        self.match: _Event | None = None
        self.next: _Event | None = None
        self.previous: _Event | None = None


def _listed(steps: Steps) -> _Event:
    """Link the events of a history; those of a step without an end get one behind all others."""
    head = last = _Event(NOBODY)
    begun: dict[int, _Event] = {}
    ended = {event >> 1 for event in steps.events if event & 1}
    lost = [event | 1 for event in steps.events if event >> 1 not in ended]
    for event in (*steps.events, *lost):
        made = _Event(event >> 1)
        if event & 1:
            begun[event >> 1].match = made
        else:
            begun[event >> 1] = made
        last.next, made.previous, last = made, last, made
    return head


def _unlink(event: _Event) -> None:
    for each in (event, event.match):
        assert each is not None
        assert each.previous is not None
        each.previous.next = each.next
        if each.next is not None:
            each.next.previous = each.previous


def _link(event: _Event) -> None:
    for each in (event.match, event):
        assert each is not None
        assert each.previous is not None
        each.previous.next = each
        if each.next is not None:
            each.next.previous = each


def legal(table: Table, states: int, steps: Steps) -> bool:
    """Whether the steps have a legal order; those without an end may be left out of it."""
    head = _listed(steps)
    missing = sum(event & 1 for event in steps.events)
    must = {event >> 1 for event in steps.events if event & 1}
    done, states = 0, table.close(states)
    tried: set[tuple[int, int]] = set()
    taken: list[tuple[_Event, int, int]] = []
    event = head.next
    while missing:
        assert event is not None
        if event.match is not None:
            before = steps.before[event.number]
            ready = before == NOBODY or done >> before & 1
            after = table.after(steps.kinds[event.number], states) if ready else 0
            found = (done | 1 << event.number, after)
            if after and found not in tried:
                tried.add(found)
                taken.append((event, done, states))
                done, states = found
                missing -= event.number in must
                _unlink(event)
                event = head.next
            else:
                event = event.next
        else:
            if not taken:
                return False
            event, done, states = taken.pop()
            missing += event.number in must
            _link(event)
            event = event.next
    return True
