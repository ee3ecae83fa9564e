"""Judges a concurrent history: whether each VM has a legal order, and whether every other guarantee was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from vcontract._check.causes import former_id
from vcontract._check.disorder import Disorder, explain
from vcontract._check.guarantees import (
    BlamedTask,
    Breach,
    Guarantee,
    GuestNames,
    KeptTasks,
    OneCustomization,
    OwnSessions,
    Replies,
    TaskLives,
)
from vcontract._check.latencies import Latencies, Latency, merged_latencies
from vcontract._check.linearizable import Answer
from vcontract._check.orders import Order, legal_orders
from vcontract._check.search import Limits
from vcontract._check.verdicts import worst
from vcontract._check.vm_steps import CAUSE, READ, REFUSED
from vcontract._collector import uncollected
from vcontract._contract import OK, Contract
from vcontract._model import Facts
from vcontract._terms import Finding, Grade, Lost, Operation, RowVerdict, Verdict

LEGAL_ORDER = "legal-order"
EXPLAINED = 5
"""At most this many VMs without a legal order are explained; the others are only named."""
_READS = "RetrievePropertiesEx"
COPY = Lost("a disturbance delivered the call a second time")
"""The outcome of a call that no client sent but that may have happened."""
_NOT_JUDGED = "no judged call was made"


class ConcurrentResult(msgspec.Struct, frozen=True):
    """The result for a concurrent history: a row per guarantee, the findings, and the violations of order by finding id.

    `calls` counts judged calls, `requests` all operations, `lost` those without a usable answer; `machines` are the answers by
    VM.
    """

    rows: list[RowVerdict]
    findings: list[Finding]
    latencies: list[Latency]
    disorders: dict[str, Disorder]
    machines: dict[str, str]
    calls: int = 0
    requests: int = 0
    lost: int = 0

    @property
    def verdict(self) -> Verdict:
        """The worst of the rows."""
        return worst(row.verdict for row in self.rows)


class _Heard:
    """Passes operations through and feeds them to every guarantee."""

    def __init__(self, facts: Facts, contract: Contract) -> None:
        methods = {method.name for method in contract.methods}
        self.kept = KeptTasks(facts.task_seconds)
        self.guarantees: list[Guarantee] = [
            OneCustomization(alone=facts.alone),
            BlamedTask(facts.publish),
            self.kept,
            GuestNames(facts.staleness, facts.runtime_staleness, alone=facts.alone),
            OwnSessions(facts, contract),
            Replies(methods),
        ]
        self.lives, self.latencies = TaskLives(), Latencies()
        self.calls = self.requests = self.lost = 0

    def through(self, operations: Iterable[Operation]) -> Iterator[Operation]:
        """Yield the operations unchanged."""
        for operation in operations:
            if operation.outcome != COPY:
                self.requests += 1
                self.calls += operation.purpose == "judge"
                self.lost += isinstance(operation.outcome, Lost)
            if operation.purpose != "read":
                self.latencies.feed(operation)
            self.lives.feed(operation)
            for guarantee in self.guarantees:
                guarantee.feed(operation, self.lives)
            yield operation
        for guarantee in self.guarantees:
            guarantee.close(self.lives)


@uncollected()
def judge_concurrent(
    operations: Iterable[Operation],
    facts: Facts,
    contract: Contract,
    *others: Contract,
    limits: Limits | None = None,
    replay: Callable[[str], str] = str,
) -> ConcurrentResult:
    """Judge the operations of a history, which come in the order of their ends, in one pass.

    `others` are contracts whose methods have effects, and are not judged here; `replay` gives the command of a finding.
    """
    heard = _Heard(facts, contract)
    orders = legal_orders(heard.through(operations), facts, contract, *others, limits=limits)
    rows, findings, disorders = [], dict[str, Finding](), dict[str, Disorder]()
    broken = [order for order in orders if order.result.answer is Answer.ILLEGAL]
    for order in broken[:EXPLAINED]:
        disorder = explain(order)
        finding = _finding(contract.object, LEGAL_ORDER, _disordered(order, disorder), replay)
        findings.setdefault(finding.id, finding)
        disorders.setdefault(finding.id, disorder)
    rows.append(_order_row(contract.object, orders, heard.calls))
    for guarantee in heard.guarantees:
        unknown = heard.kept.open if guarantee is heard.kept else ()
        rows.append(_row(contract.object, guarantee, [task.ref.value for task in unknown], heard.calls))
        for breach in guarantee.breaches:
            finding = _finding(contract.object, guarantee.name, breach, replay)
            findings.setdefault(finding.id, finding)
    return ConcurrentResult(
        rows,
        list(findings.values()),
        heard.latencies.table(),
        disorders,
        {order.vm: order.result.answer.value for order in orders},
        heard.calls,
        heard.requests,
        heard.lost,
    )


def together(parts: Sequence[ConcurrentResult]) -> ConcurrentResult:
    """Merge the results of several processes, each of which had VMs of its own."""
    rows = {row.id: row for part in parts for row in part.rows}
    for id_ in rows:
        mine = [row for part in parts for row in part.rows if row.id == id_]
        verdict = worst(row.verdict for row in mine)
        if verdict is Verdict.UNTESTED and any(row.verdict is Verdict.CONFORMS for row in mine):
            verdict = Verdict.CONFORMS  # one process exercised what another did not
        observed = Counter[str]()
        for row in mine:
            observed.update(row.observed)
        reason = next((row.reason for row in mine if row.verdict is verdict), "")
        rows[id_] = RowVerdict(id_, verdict, reason, dict(observed))
    return ConcurrentResult(
        list(rows.values()),
        list({finding.id: finding for part in reversed(parts) for finding in part.findings}.values()),
        merged_latencies([part.latencies for part in parts]),
        {id_: disorder for part in reversed(parts) for id_, disorder in part.disorders.items()},
        {vm: answer for part in parts for vm, answer in part.machines.items()},
        sum(part.calls for part in parts),
        sum(part.requests for part in parts),
        sum(part.lost for part in parts),
    )


def guarantee_id(object_: str, name: str) -> str:
    """Give the row id of a guarantee that holds for many clients at once."""
    return f"{object_}/concurrency/{name}"


def _order_row(object_: str, orders: Sequence[Order], calls: int) -> RowVerdict:
    answers = Counter(order.result.answer for order in orders)
    id_, observed = guarantee_id(object_, LEGAL_ORDER), {answer.value: count for answer, count in answers.items()}
    if answers[Answer.ILLEGAL]:
        names = ", ".join(sorted(order.vm for order in orders if order.result.answer is Answer.ILLEGAL))
        return RowVerdict(id_, Verdict.VIOLATES, f"no legal order: {names}", observed)
    if answers[Answer.INCONCLUSIVE]:
        why = next(order.result.reason for order in orders if order.result.answer is Answer.INCONCLUSIVE)
        return RowVerdict(id_, Verdict.INCONCLUSIVE, why, observed)
    if not calls:
        return RowVerdict(id_, Verdict.UNTESTED, _NOT_JUDGED, observed)
    return RowVerdict(id_, Verdict.CONFORMS, "", observed)


def _row(object_: str, guarantee: Guarantee, unknown: Sequence[str], calls: int) -> RowVerdict:
    id_, observed = guarantee_id(object_, guarantee.name), {"judged": guarantee.judged}
    if guarantee.breaches:
        return RowVerdict(id_, Verdict.VIOLATES, guarantee.breaches[0].detail, observed)
    if unknown:
        return RowVerdict(id_, Verdict.INCONCLUSIVE, f"nobody saw the end of {', '.join(unknown)}", observed)
    if not guarantee.judged:
        why = "nothing happened that could have broken it" if calls else _NOT_JUDGED
        return RowVerdict(id_, Verdict.UNTESTED, why, observed)
    return RowVerdict(id_, Verdict.CONFORMS, "", observed)


def _disordered(order: Order, disorder: Disorder) -> Breach:
    """Describe as a breach that the end of an operation fits into no order."""
    steps, encoded = order.encoded.steps, order.encoded
    step = encoded.kinds[steps.kinds[steps.events[order.result.event] >> 1]]
    refused = step.role in {REFUSED, CAUSE}
    return Breach(
        op=disorder.op,
        method=step.asked.method if step.asked else _READS if step.role == READ else step.does,
        vm=order.vm,
        grade=Grade.WRONG if refused or step.role == READ else Grade.MISSING,
        expected="an outcome that some order of the operations permits",
        observed=step.outcome or OK,
        detail=disorder.text(),
        channel="" if step.role == READ else "task" if step.role == CAUSE or not refused else "call",
        field=", ".join(name for name, _ in step.seen),
        ops=disorder.ops(),
    )


def _finding(object_: str, guarantee: str, breach: Breach, replay: Callable[[str], str]) -> Finding:
    row = guarantee_id(object_, guarantee)
    # what is wrong with a reply is a deviation of each method that gives it; every other guarantee is of the VM
    id_ = former_id(f"{row}/{breach.method}" if guarantee == Replies.name else row, breach)
    observed = f"{breach.observed} ({breach.channel})" if breach.channel else breach.observed
    return Finding(
        id_,
        row,
        object_,
        breach.method,
        breach.grade,
        breach.expected,
        observed,
        replay(id_),
        op=breach.op,
        ops=breach.ops,
        detail=breach.detail,
        root=(breach.vm, breach.vm),
    )
