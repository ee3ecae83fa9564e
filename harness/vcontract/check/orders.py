"""Whether the history of each VM has a legal order: the event model, the tables and the search put together."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

from vcontract.check.concurrency import Encoded, MachineHistory
from vcontract.check.life import workers
from vcontract.check.linearizable import Answer, Result, linearize, replayed
from vcontract.check.machine_histories import MachineHistories
from vcontract.check.machine_steps import Numbered, Rules, beginnings, inherited
from vcontract.check.search import Limits
from vcontract.check.transitions import bits
from vcontract.contract import Contract
from vcontract.model import Facts, State
from vcontract.terms import Operation


class Order(msgspec.Struct, frozen=True):
    """What the search found of one VM, with all that it takes to explain it."""

    vm: str
    result: Result
    encoded: Encoded
    numbered: Numbered


def legal_orders(
    operations: Iterable[Operation], facts: Facts, judged: Contract, *others: Contract, limits: Limits | None = None
) -> list[Order]:
    """Look for a legal order of each VM's history; `limits` are those of all VMs together.

    `operations` come in the order of their ends. `others` are contracts whose methods have effects but are not judged here.
    """
    limits = limits or Limits()
    until = time.monotonic() + limits.seconds
    histories = MachineHistories(facts, judged, *others)
    for operation in operations:
        histories.feed(operation)
    rules = Rules(judged)
    orders: dict[str, Order] = {}
    for vm, machine in histories.machines.items():
        if machine.lives or machine.reads:
            encoded = machine.encode(histories.effects, histories.logouts, facts.publish)
            initial = _inherited(machine, histories, orders) or beginnings(machine.engine, machine.seen)
            numbered = rules.numbered(initial, encoded.kinds)
            left = Limits(until - time.monotonic(), limits.memory)
            result = linearize(numbered.table, numbered.initial, encoded.steps, left)
            orders[vm] = Order(vm, result, encoded, numbered)
    return list(orders.values())


def _inherited(machine: MachineHistory, histories: MachineHistories, orders: dict[str, Order]) -> frozenset[State]:
    """Give every state that a clone may have from its parent; none if nothing is known of that."""
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
    held = "customize" in workers(histories.machines[machine.parent].lives).meeting(start, until)
    return inherited((order.numbered.states[number] for number in bits(possible)), held=held)


def answer_of(orders: Iterable[Order]) -> Answer:
    """Give the answer on a whole history: illegal if some VM's is, legal if all are."""
    answers = {order.result.answer for order in orders}
    return next((answer for answer in (Answer.ILLEGAL, Answer.INCONCLUSIVE) if answer in answers), Answer.LEGAL)
