"""Sums up judgements: the verdict on each row, the findings, and the verdict on the run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import msgspec
from msgspec.structs import replace

from vcontract._check.causes import former_id, gathered, named, provisional_id
from vcontract._check.judgement import AWAY, DEATHS, DENIED, EXPIRED, SHUT_OUT, UNTOLD, Judgement, place
from vcontract._contract import EVERY_METHOD, OK, Contract, Row, documented_as, row_id
from vcontract._model import deviations_of
from vcontract._model.labels import Label
from vcontract._terms import Finding, Grade, RowVerdict, Verdict

ORDER = (Verdict.CONFORMS, Verdict.UNTESTED, Verdict.INCONCLUSIVE, Verdict.VIOLATES)
RUNTIME_CELLS = ("malformed", "vmUnknown", "vmOtherType", "noSession", "thisUnknown", "oldVersion")
"""The lever-free cells that a RuntimeFault row must see, where its method has them (oracle section G, a to f)."""
SHRINKING = "shrink"
"""Cells whose names begin so belong to the shrinking of a finding, not to the run that found it."""
TURNS = 3
"""So often a step must be turned away without a time, or denied its session, until that is a finding."""
TWICE = 2
"""So often the server must at least have ended after a call until that is a finding: once it may be chance."""
_TOLD = ("info", "returnval")
_UNSETTLED = "every answer was one that no source settles, so that it proves nothing"
_LEAK = "secret"
_BLOCKED = "blocked: "
"""The reason of a row begins with this if the target refuses its method as such."""


class Confirming(msgspec.Struct, frozen=True):
    """How a finding is confirmed: it came in so many `times` in repetitions of its cell.

    Or its provisional id is `proven`: it came as often when all that led to it was done again. `one_sided`: only calls that
    must be refused were made, so that rows are judged from that side, and none needs a success.
    """

    times: int = 1
    proven: frozenset[str] = frozenset()
    one_sided: bool = False


class Summary(msgspec.Struct, frozen=True):
    """The end of a judgement: rows in the contract's order, findings, notes, the verdict."""

    verdict: Verdict
    rows: tuple[RowVerdict, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Give the worst of some verdicts; CONFORMS for none."""
    return max(verdicts, key=ORDER.index, default=Verdict.CONFORMS)


def summarise(
    contract: Contract,
    rows: Sequence[Row],
    judgements: Sequence[Judgement],
    extra: Sequence[RowVerdict],
    bases: dict[str, str],
    *,
    confirm: Confirming | None = None,
    replay: Callable[[str], str] = str,
) -> Summary:
    """Sum up judgements by row.

    A finding must have come as often as `confirm` says, else its rows are inconclusive. `extra` are
    verdicts on rows that are judged elsewhere. `replay` turns a finding's id into the command that replays it.
    """
    known = [judgement for judgement in judgements if not judgement.cell.startswith(SHRINKING)]
    asked = confirm or Confirming()

    def proven(each: Judgement) -> bool:
        return provisional_id(row_of(each, contract, bases), each, named(each)) in asked.proven

    judged = _confirmed(insisted(known), asked.times, proven)
    assigned = [(each, row_of(each, contract, bases)) for judgement in judged for each in with_leaks(judgement)]
    findings = _findings(contract, rows, assigned, replay)
    elsewhere = {row.id: row for row in extra}
    telling = _telling(judged)
    taken = _taken(assigned)
    verdicts = tuple(
        elsewhere.get(row.id)
        or replace(
            _row(row, contract, assigned, telling, bases, one_sided=asked.one_sided),
            seconds=round(taken.get(row.id, 0.0), 3),
        )
        for row in rows
    )
    notes = Counter(
        f"{judgement.grade}: {judgement.method} answered {judgement.observed} where {judgement.expected} is expected"
        for judgement in judged
        if judgement.grade in {Grade.IMPRECISE, Grade.UNSETTLED}
    )
    notes.update(
        f"{judgement.observed}: {judgement.why}"
        for judgement in judged
        if judgement.observed in DEATHS and judgement.verdict is Verdict.INCONCLUSIVE
    )
    notes.update(note for judgement in judged for note in (f"{judgement.method}: {text}" for text in judgement.notes))
    verdict = worst([row.verdict for row in verdicts] + [Verdict.VIOLATES] * bool(findings))
    return Summary(verdict, verdicts, findings, tuple(f"{text} ({count}x)" for text, count in sorted(notes.items())))


def _taken(assigned: Iterable[tuple[Judgement, str]]) -> dict[str, float]:
    """Sum up, by row, the seconds that the cells took whose answers belong to it."""
    taken: defaultdict[str, float] = defaultdict(float)
    for (row, _), seconds in {(row, each.op): each.seconds for each, row in assigned}.items():
        taken[row] += seconds
    return taken


def with_leaks(judgement: Judgement) -> tuple[Judgement, ...]:
    """Give a judgement, and one more on a secret that the reply shows, if it says that something else is wrong."""
    leaks = tuple(text for text in judgement.broken if place(text) == _LEAK)
    if not leaks or judgement.field == _LEAK:
        return (judgement,)
    why = "; ".join(leaks)
    leak = replace(judgement, verdict=Verdict.VIOLATES, grade=Grade.PROTOCOL, field=_LEAK, why=why, broken=leaks)
    return judgement, leak


def row_of(judgement: Judgement, contract: Contract, bases: dict[str, str]) -> str:
    """Choose the row that a judgement belongs to: that of the fault that came, or of the outcome that should have come."""
    method = contract.method(judgement.method)
    documented = tuple(fault.type for fault in method.fault)
    if judgement.broken and judgement.field == place(judgement.broken[0]):
        # a broken wire contract or task life belongs to the result row; a broken promise of a success to the success row
        if judgement.grade is Grade.PROTOCOL or judgement.field.startswith(_TOLD):
            return row_id(contract.object, method.name, "result")
        if judgement.observed == OK:
            return row_id(contract.object, method.name, "Success")
    if judgement.observed in {"stuck", "unfinished", "Lost", AWAY, EXPIRED, SHUT_OUT, DENIED, *DEATHS}:
        return row_id(contract.object, method.name, "result")
    if judgement.observed == OK or judgement.grade is Grade.UNDECLARED:
        allowed = (*judgement.settled, *judgement.unsettled)
        expected = [name for name in allowed if name != OK] if OK not in allowed else []
        name = next(
            (documented_name for outcome in expected if (documented_name := documented_as(outcome, documented, bases))),
            "Success",
        )
        return row_id(contract.object, method.name, name)
    if judgement.grade is Grade.SPURIOUS:
        return row_id(contract.object, method.name, "Success")
    return row_id(contract.object, method.name, documented_as(judgement.observed, documented, bases) or "Success")


def insisted(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Make a finding of a step that was turned away, or denied its session, in each of its tries, three at least.

    Once or twice that is the way of what stands in front of a server, and no evidence; so it is if no other was answered.
    """
    answered, tries = set[str](), defaultdict[tuple[str, str], set[str]](set)
    for judgement in judgements:
        step = Label.parse(judgement.cell).step
        if judgement.observed in _FINDING:
            tries[step, judgement.observed].add(judgement.cell)
        elif judgement.observed not in UNTOLD:
            answered.add(step)
    found = {
        (step, observed): len(cells)
        for (step, observed), cells in tries.items()
        if len(cells) >= TURNS and step not in answered and answered
    }
    return [
        _FINDING[judgement.observed](judgement, found[key])
        if (key := (Label.parse(judgement.cell).step, judgement.observed)) in found
        else judgement
        for judgement in judgements
    ]


def _shut_out(judgement: Judgement, tries: int) -> Judgement:
    why = f"the reply is no SOAP envelope: {judgement.why}, in each of {tries} tries, and other calls were answered"
    found = replace(judgement, verdict=Verdict.VIOLATES, grade=Grade.PROTOCOL, observed="Lost", field=place(why))
    return replace(found, why=why, broken=(why,))


def _denied(judgement: Judgement, tries: int) -> Judgement:
    why = f"currentSession showed the session right after, in each of {tries} tries"
    found = replace(judgement, verdict=Verdict.VIOLATES, grade=Grade.SPURIOUS, observed=judgement.field, field="")
    return replace(found, why=why)


_FINDING = {SHUT_OUT: _shut_out, DENIED: _denied}


def as_finding(judgement: Judgement) -> Judgement:
    """Give the finding that a judgement is if each try of its step ends so, as when one is made again; else itself."""
    return _FINDING[judgement.observed](judgement, 1) if judgement.observed in _FINDING else judgement


def _confirmed(judgements: Sequence[Judgement], confirm: int, proven: Callable[[Judgement], bool]) -> list[Judgement]:
    """Turn violations that did not come in `confirm` tries of their cell into inconclusive judgements (oracle rule A5).

    One that needs a history comes again only with that; it is `proven` if it did.
    """
    by_cell: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        by_cell[Label.parse(judgement.cell).step].append(judgement)
    confirmed = []
    for judgement in judgements:
        wanted = confirmations(judgement.observed, confirm)
        if judgement.verdict is Verdict.VIOLATES and wanted > 1:
            tries = by_cell[Label.parse(judgement.cell).step]
            failed = {other.cell for other in tries if other.verdict is Verdict.VIOLATES and _same(other, judgement)}
            if len(failed) < wanted and not proven(judgement):
                raced = "suspect" if judgement.observed in DEATHS else "raced"
                why = f"{raced}: seen in {len(failed)} of {wanted} tries ({judgement.why})"
                confirmed.append(replace(judgement, verdict=Verdict.INCONCLUSIVE, why=why))
                continue
        confirmed.append(judgement)
    return confirmed


def confirmations(observed: str, confirm: int) -> int:
    """Say in how many tries of a step an outcome must be seen until it is a finding."""
    return max(confirm, TWICE) if observed in DEATHS else confirm


def _same(first: Judgement, second: Judgement) -> bool:
    return all(
        getattr(first, name) == getattr(second, name) for name in ("method", "grade", "observed", "channel", "field")
    )


def _findings(
    contract: Contract,
    rows: Sequence[Row],
    assigned: Sequence[tuple[Judgement, str]],
    replay: Callable[[str], str],
) -> tuple[Finding, ...]:
    """Make a finding of each deviation; until it is shrunk its id is provisional."""

    def broken_by(judgement: Judgement, _: str) -> list[str]:
        return [row.id for row in rows if _breaks_every(row, judgement, contract)]

    return tuple(
        Finding(
            found.ids[0],
            found.row,
            contract.object,
            judgement.method,
            judgement.grade,
            judgement.expected,
            observed_text(judgement),
            replay(found.ids[0]),
            judgement.cell,
            judgement.op,
            judgement.ops,
            judgement.why,
            shown=judgement.shown,
            cause=found.cause,
            provisional=True,
            former=former_id(found.row, judgement),
            rows=found.rows,
            cells=found.cells,
            was=found.ids,
            field=judgement.field,
        )
        for found in gathered(assigned, broken_by)
        for judgement in [found.judgement]
    )


def observed_text(judgement: Judgement) -> str:
    """Write what was observed, with the channel of a fault."""
    return f"{judgement.observed} ({judgement.channel})" if judgement.channel else judgement.observed


def _row(
    row: Row,
    contract: Contract,
    assigned: Sequence[tuple[Judgement, str]],
    telling: Sequence[Judgement],
    bases: dict[str, str],
    *,
    one_sided: bool,
) -> RowVerdict:
    mine = [judgement for judgement in telling if not row.method or judgement.method == row.method]
    chosen, observed, missing = _evidence(row, contract, mine, bases, one_sided=one_sided)
    broken = [
        judgement
        for judgement, id_ in assigned
        if judgement.verdict is Verdict.VIOLATES and (id_ == row.id or _breaks_every(row, judgement, contract))
    ]
    if broken:
        return RowVerdict(row.id, Verdict.VIOLATES, broken[0].why, observed)
    blocked = [judgement for judgement in chosen if judgement.verdict is Verdict.UNTESTED]
    if blocked:
        return RowVerdict(row.id, Verdict.UNTESTED, f"{_BLOCKED}{blocked[0].observed}", observed)
    ended = [judgement for judgement, id_ in assigned if id_ == row.id and judgement.observed in DEATHS]
    unsure = [judgement for judgement in (*chosen, *ended) if judgement.verdict is Verdict.INCONCLUSIVE]
    if unsure:
        return RowVerdict(row.id, Verdict.INCONCLUSIVE, unsure[0].why, observed)
    if one_sided and not observed:
        missing = missing or "never chosen where a call had to be refused"
    if missing:
        return RowVerdict(row.id, Verdict.UNTESTED, missing, observed)
    if chosen and all(judgement.grade is Grade.UNSETTLED for judgement in chosen):
        return RowVerdict(row.id, Verdict.UNTESTED, _UNSETTLED, observed)
    return RowVerdict(row.id, Verdict.CONFORMS, "" if observed else "never chosen", observed)


def _telling(judged: Sequence[Judgement]) -> list[Judgement]:
    """Drop the judgements without evidence: forgotten tasks, and unanswered calls that a later try of their step replaced."""
    answered = {Label.parse(judgement.cell).step for judgement in judged if judgement.observed not in UNTOLD}
    again = {EXPIRED, AWAY, SHUT_OUT, DENIED}
    return [
        judgement
        for judgement in judged
        if judgement.observed not in UNTOLD
        or (judgement.observed in again and Label.parse(judgement.cell).step not in answered)
    ]


def is_blocked(row: RowVerdict) -> bool:
    """Whether a row is untested because the target refuses its method as such."""
    return row.verdict is Verdict.UNTESTED and row.reason.startswith(_BLOCKED)


def _breaks_every(row: Row, judgement: Judgement, contract: Contract) -> bool:
    """Whether a violation is also one of an every-method row: nothing but that row's situations called for a refusal."""
    if not row.id.startswith(EVERY_METHOD) or not set(row.when) & set(judgement.situations):
        return False
    raised = {
        permit.outcome
        for situation in contract.situations
        if situation.id in row.when
        for permit in situation.permitted(judgement.method)
    }
    return judgement.observed == row.fault or set(judgement.allowed) <= raised


def _evidence(
    row: Row, contract: Contract, judged: Sequence[Judgement], bases: dict[str, str], *, one_sided: bool
) -> tuple[list[Judgement], dict[str, int], str]:
    """Pick the judgements that exercise a row, count what they saw of it, and say what is missing to judge it."""
    if row.fault and row.id.startswith(EVERY_METHOD):
        chosen = [
            judgement
            for judgement in judged
            if set(row.when) & set(judgement.situations)
            and (judgement.observed != OK or judgement.verdict is Verdict.VIOLATES)
        ]
        seen = Counter(judgement.observed for judgement in chosen)
        return chosen, dict(seen), "" if chosen else f"no cell of {', '.join(row.when)} was exercised"
    if row.fault:
        return _fault_evidence(row, contract, judged, bases)
    part = row.id.rsplit("/", 1)[-1]
    successes = [judgement for judgement in judged if judgement.observed == OK]
    wanted = {"Success": [], "result": [], "parameters": ["W1"], "privilege": ["V1"], "since": ["W2"]}[part]
    refused = [judgement for judgement in judged if set(wanted) & set(judgement.situations)]
    if one_sided and refused:
        return refused, dict(Counter(judgement.observed for judgement in refused)), ""
    if not successes:
        return successes, {}, "no call succeeded"
    missing = f"no cell of {wanted[0]} was exercised" if wanted and not refused else ""
    if missing and part == "since" and any("W4" in judgement.situations for judgement in judged):
        missing = "the target lists no version that lacks the method"
    sure = [judgement for judgement in successes if set(judgement.allowed) - {OK} == set() or part != "Success"]
    chosen = [*sure, *refused]
    return (
        chosen,
        dict(Counter(judgement.observed for judgement in chosen)),
        missing or ("" if sure else "no call had to succeed"),
    )


def _fault_evidence(
    row: Row, contract: Contract, judged: Sequence[Judgement], bases: dict[str, str]
) -> tuple[list[Judgement], dict[str, int], str]:
    documented = tuple(fault.type for fault in contract.method(row.method).fault)

    @cache  # a few names come again and again
    def of_row(name: str) -> bool:
        return documented_as(name, documented, bases) == row.fault

    may = [judgement for judgement in judged if any(of_row(name) for name in judgement.settled)]
    never = [judgement for judgement in judged if not any(of_row(name) for name in judgement.allowed)]
    seen = Counter(judgement.observed for judgement in judged if of_row(judgement.observed))
    if not may or not never:
        side = "may" if not may else "may not"
        return may, dict(seen), f"one-sided: no cell in which {row.fault} {side} appear was exercised"
    if row.fault == "RuntimeFault":
        done = {name for judgement in judged for name in Label.parse(judgement.cell).deviations}
        can = {deviation.name for deviation in deviations_of(contract, contract.method(row.method))}
        if lacking := [name for name in RUNTIME_CELLS if name in can and name not in done]:
            return may, dict(seen), f"not exercised: {', '.join(lacking)}"
    return may, dict(seen), ""
