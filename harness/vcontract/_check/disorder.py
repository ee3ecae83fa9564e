"""Explains why a VM's history has no legal order: the smallest window without one, the states before it, and a picture."""

from __future__ import annotations

from array import array
from math import inf

import msgspec

from vcontract._check.linearizable import Answer, Steps, linearize, replayed
from vcontract._check.orders import Order
from vcontract._check.search import NOBODY, Limits
from vcontract._check.transitions import bits
from vcontract._model import State
from vcontract._model.state import CUSTOMIZE, ON

_COLUMNS = 56
_LIMITS = Limits(seconds=10.0)
"""The limits of one attempt to shrink the window; a window whose attempt hits them is kept as it is."""


class Span(msgspec.Struct, frozen=True):
    """One step of the window: its operation, its text, and its interval in seconds (no end: it may still happen)."""

    op: int
    what: str
    begin: float
    end: float | None


class Disorder(msgspec.Struct, frozen=True):
    """A violation: at the end of `op` no legal order is left.

    `legal` counts the operations that had ended before it (they do have a legal order). `before` are the states that were
    possible when the window began, `last` those that were possible just before the end that no order reaches.
    """

    vm: str
    op: int
    what: str
    legal: int
    before: tuple[str, ...]
    last: tuple[str, ...]
    window: tuple[Span, ...]

    def ops(self) -> tuple[int, ...]:
        """List the operations of the window."""
        return tuple(dict.fromkeys(span.op for span in self.window))

    def text(self) -> str:
        """Draw the window with time from left to right: one line per step, from its begin to its end."""
        lines = [
            f"{self.vm}: no legal order at operation {self.op} ({self.what}); {self.legal} operations before it have one",
            f"possible before the window: {'; '.join(self.before)}",
            *_drawn(self.window, self.op),
            f"possible at the end: {'; '.join(self.last)}",
        ]
        return "\n".join(lines)


def explain(order: Order) -> Disorder:
    """Find a small window of events that has no legal order from the states that were possible before it.

    The window ends at the event that breaks the order. Its start is doubled backwards until the window is illegal, and then
    narrowed by bisection; passive steps that the violation does not need are left out.
    """
    steps, table, fatal = order.encoded.steps, order.numbered.table, order.result.event
    possible = replayed(table, order.numbered.initial, steps, fatal)
    latest = _began(order)  # the window holds every step of the operation that breaks the order
    width, first = 1, latest
    while first and not _illegal(order, possible[first], first):
        first, width = max(0, latest - width), 2 * width
    late = min(latest + 1, first + width)
    while late - first > 1:
        middle = (first + late) // 2
        first, late = (middle, late) if _illegal(order, possible[middle], middle) else (first, middle)
    kept = _needed(order, possible[first], first)
    number = steps.events[fatal] >> 1
    ended = {order.encoded.ops[event >> 1] for event in steps.events[:fatal] if event & 1}
    return Disorder(
        order.vm,
        order.encoded.ops[number],
        order.encoded.kinds[steps.kinds[number]].text(),
        len(ended),
        _told(order.numbered.states, possible[first]),
        _told(order.numbered.states, order.result.states),
        tuple(_span(order, number) for number in kept),
    )


def _began(order: Order) -> int:
    """Give the index of the event at which the first step of the fatal operation began."""
    steps = order.encoded.steps
    number = steps.events[order.result.event] >> 1
    while steps.before[number] != NOBODY:
        number = steps.before[number]
    return list(steps.events).index(2 * number)


def _window(order: Order, first: int, without: frozenset[int] = frozenset()) -> Steps:
    """Cut out the events from `first` to the fatal one, preceded by the begins of the steps that were open then.

    A step that was open may have been put into the order before the window or may still be, so its end is left out.
    """
    steps, fatal = order.encoded.steps, order.result.event
    events = [event for event in steps.events[first : fatal + 1] if event >> 1 not in without]
    begun = {event >> 1 for event in events if not event & 1}
    ended = {event >> 1 for event in steps.events[:first] if event & 1}
    opened = [event for event in steps.events[:first] if not event & 1 and event >> 1 not in ended | without]
    inner = [event for event in events if not event & 1 or event >> 1 in begun]
    fatal_one = steps.events[fatal]
    if fatal_one not in inner:
        inner.append(fatal_one)  # it began before the window, and its end must stay in it
    before = array("q", (number if number in begun else NOBODY for number in steps.before))
    return Steps(steps.kinds, before, [*opened, *inner])


def _illegal(order: Order, states: int, first: int, without: frozenset[int] = frozenset()) -> bool:
    result = linearize(order.numbered.table, states, _window(order, first, without), _LIMITS)
    return result.answer is Answer.ILLEGAL


def _needed(order: Order, states: int, first: int) -> list[int]:
    """List the steps to show: every changing step, and the passive ones without which the window would have a legal order.

    Steps without an end are left out: they could only add orders, and no order is legal even with them.
    """
    steps, passive = order.encoded.steps, order.numbered.table.passive
    fatal = steps.events[order.result.event] >> 1
    window = _window(order, first)
    numbers = [event >> 1 for event in window.events if not event & 1]
    followed = {steps.before[number] for number in numbers}
    without: frozenset[int] = frozenset()
    for number in numbers:
        if passive[steps.kinds[number]] and number != fatal and number not in followed:
            fewer = without | {number}
            if _illegal(order, states, first, fewer):
                without = fewer
    return [number for number in numbers if number not in without and order.encoded.ends[number] < inf]


def _span(order: Order, number: int) -> Span:
    encoded = order.encoded
    end = encoded.ends[number]
    what = encoded.kinds[encoded.steps.kinds[number]].text()
    return Span(encoded.ops[number], what, encoded.begins[number], end if end < inf else None)


def _told(states: tuple[State, ...], possible: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_named(states[number]) for number in bits(possible)))


def _named(state: State) -> str:
    """Name a state by the fields on which the outcomes of calls depend."""
    if not state.exists:
        return "gone"
    lock = "held" if state.running == CUSTOMIZE else "orphaned" if state.orphaned else "free"
    parts = [state.power] if state.power != ON else [f"Tools {state.tools}", f"lock {lock}"]
    parts += [f"engine {state.engine}"] if state.engine != State().engine else []
    parts += [state.connection] if state.connection != State().connection else []
    return ", ".join(parts)


def _drawn(window: tuple[Span, ...], fatal: int) -> list[str]:
    start = min(span.begin for span in window)
    stop = max((span.end for span in window if span.end is not None), default=start)
    scale = (_COLUMNS - 1) / ((stop - start) or 1.0)
    wide = max(len(str(span.op)) for span in window)
    lines = [f"{start:.4f} s to {stop:.4f} s"]
    for span in window:
        left = round((span.begin - start) * scale)
        right = _COLUMNS - 1 if span.end is None else round((span.end - start) * scale)
        right = max(left, min(right, _COLUMNS - 1))
        bar = " " * left + "|" + "-" * (right - left - 1) + ("" if right == left else ">" if span.end is None else "|")
        mark = "!" if span.op == fatal else " "
        lines.append(f"{mark} {span.op:>{wide}} {bar:<{_COLUMNS}} {span.what}")
    return lines
