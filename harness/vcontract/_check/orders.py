"""Decides whether the history of each VM has a legal order: combines the event model, the tables and the search."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

from vcontract._check.call_spans import work_of
from vcontract._check.linearizable import Answer, Result, linearize, replayed
from vcontract._check.search import Limits
from vcontract._check.transitions import bits
from vcontract._check.vm_histories import VmHistories
from vcontract._check.vm_history import Encoded, VmHistory
from vcontract._check.vm_steps import Numbered, Rules, beginnings, inherited
from vcontract._contract import Contract
from vcontract._model import Facts, State
from vcontract._terms import Operation


class Order(msgspec.Struct, frozen=True):
    """The result of the search for one VM, with the data that an explanation needs."""

    vm: str
    result: Result
    encoded: Encoded
    numbered: Numbered


def legal_orders(
    operations: Iterable[Operation], facts: Facts, judged: Contract, *others: Contract, limits: Limits | None = None
) -> list[Order]:
    """Search for a legal order of each VM's history; `limits` hold for all VMs together.

    `operations` come in the order of their ends. `others` are contracts whose methods have effects but are not judged here.
    """
    limits = limits or Limits()
    until = time.monotonic() + limits.seconds
    histories = VmHistories(facts, judged, *others)
    for operation in operations:
        histories.feed(operation)
    rules = Rules(judged)
    orders: dict[str, Order] = {}
    for vm, machine in histories.machines.items():
        if machine.spans or machine.reads:
            encoded = machine.encode(histories.effects, histories.logouts, facts.publish)
            initial = _inherited(machine, histories, orders) or beginnings(machine.engine, machine.seen)
            numbered = rules.numbered(initial, encoded.kinds)
            left = Limits(until - time.monotonic(), limits.memory)
            result = linearize(numbered.table, numbered.initial, encoded.steps, left)
            orders[vm] = Order(vm, result, encoded, numbered)
    return list(orders.values())


def _inherited(machine: VmHistory, histories: VmHistories, orders: dict[str, Order]) -> frozenset[State]:
    """Compute every state that a clone may have from its parent; empty if the parent's states are not known."""
    order = orders.get(machine.parent)
    if order is None or order.result.answer is not Answer.LEGAL:
        return frozenset()
    start, until = machine.born
    steps, times = order.encoded.steps, (order.encoded.begins, order.encoded.ends)
    moments = [times[event & 1][event >> 1] for event in steps.events]
    first, last = bisect_left(moments, start), bisect_right(moments, until)
    possible = 0
    for states in replayed(order.numbered.table, order.numbered.initial, steps, last)[first:]:
        possible |= states
    spans = histories.machines[machine.parent].spans
    # the search takes a lock no earlier than it must, so that its states do not show each moment at which it may be held
    taken = any(span.customized and span.queued <= until and span.until >= start for span in spans)
    held = taken or bool({"customize", "network"} & work_of(spans).meeting(start, until))
    return inherited((order.numbered.states[number] for number in bits(possible)), held=held)


def answer_of(orders: Iterable[Order]) -> Answer:
    """Give the answer on a whole history: illegal if some VM's is, legal if all are."""
    answers = {order.result.answer for order in orders}
    return next((answer for answer in (Answer.ILLEGAL, Answer.INCONCLUSIVE) if answer in answers), Answer.LEGAL)
