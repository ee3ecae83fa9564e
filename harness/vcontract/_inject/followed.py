"""What followed: for each answer that was injected, what the client was seen to do about it, and what was expected of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import msgspec

from vcontract._inject.journal import Journal, Passed
from vcontract._inject.rules import Expect, Rule

_ABORTS = frozenset({"AbortCustomization_Task", "CancelTask"})


class Followed(msgspec.Struct, frozen=True):
    """One line of the table: a method, an answer and its channel, how often it was met, and what followed of all of these.

    `state` is where the contract permits it (`illegal`: nowhere). `retries` are further calls of the method on the VM until one
    was accepted, `soonest` the seconds before the earliest of them (None: there was none), `aborts` calls that abort or
    cancel; `gave_up` how often neither followed. `reads` and `reads_after_end` are of the injected tasks. `sessions_open`: so
    many of the sessions that met it were not logged out. `tasks_left`: injected tasks that run on and that nobody cancelled.
    """

    method: str
    answer: str
    channel: str
    state: str
    met: int = 0
    retries: int = 0
    soonest: float | None = None
    aborts: int = 0
    gave_up: int = 0
    reads: int = 0
    reads_after_end: int = 0
    sessions_open: int = 0
    tasks_left: int = 0


class Broken(msgspec.Struct, frozen=True):
    """An expectation that was not kept: its number in the file, and in what; `untested`: nothing was met that it is about."""

    number: int
    says: str
    untested: bool = False


def table(journal: Journal) -> list[Followed]:
    """Make the table of a journal, in the order in which the answers were first met."""
    passed, lines = journal.passed, dict[tuple[str, str, str], list[Passed]]()
    for call in passed:
        if call.strike is not None:
            key = call.method, call.strike.fault or call.strike.rule.answer, _channel(call.strike.rule)
            lines.setdefault(key, []).append(call)
    return [_line(key, met, passed, journal) for key, met in lines.items()]


def broken(expected: Sequence[Expect], lines: Iterable[Followed]) -> list[Broken]:
    """Name every expectation that was not kept."""
    told, lines = list[Broken](), list(lines)
    for number, expect in enumerate(expected, 1):
        about = [each for each in lines if _is_about(expect, each)]
        met = sum(each.met for each in about)
        if met < expect.met:
            told.append(Broken(number, f"{_asked(expect)} was met {met} times, and not {expect.met}", untested=True))
            continue
        told += [Broken(number, f"{_named(each)}: {text}") for each in about for text in _unkept(expect, each)]
    return told


def _channel(rule: Rule) -> str:
    if rule.is_fault:
        return "cause" if rule.cause else rule.channel
    return "task" if rule.answer.endswith("-task") else "path"


def _line(key: tuple[str, str, str], met: list[Passed], passed: Sequence[Passed], journal: Journal) -> Followed:
    retries, soonest, aborts, gave_up = 0, list[float](), 0, 0
    for call in met:
        again, abort = _after(call, passed)
        retries += bool(again)
        aborts += abort
        gave_up += not again and not abort
        soonest += [again[0].time - call.time] if again else []
    watched = [journal.watched[call.task] for call in met if call.task in journal.watched]
    strike = met[0].strike
    assert strike is not None
    where = [strike.place.text] if strike.place else []
    return Followed(
        *key,
        ", ".join([*where, "illegal"] if strike.rule.illegal else where),
        len(met),
        retries,
        round(min(soonest), 3) if soonest else None,
        aborts,
        gave_up,
        sum(each.reads for each in watched),
        sum(each.after_end for each in watched),
        len({call.session for call in met} & journal.open_sessions()),
        sum(strike.rule.answer == "stuck-task" and not each.cancelled for each in watched),
    )


def _after(call: Passed, passed: Sequence[Passed]) -> tuple[list[Passed], bool]:
    """Give the client's next call of the method on the VM, if any came, and whether it aborted something before."""
    abort = False
    for later in passed[call.number :]:
        if not _same_client(call, later):
            continue
        if later.method == call.method and later.vm == call.vm:
            return [later], abort
        abort = abort or (later.method in _ABORTS and later.vm in {call.vm, ""})
    return [], abort


def _same_client(call: Passed, later: Passed) -> bool:
    """Whether two calls are one client's: of one session, or of a later one where the first lost its session."""
    strike = call.strike
    lost = strike is not None and (strike.fault or strike.rule.answer) in {"NotAuthenticated", "expired-session"}
    return later.session == call.session or (lost and later.session > call.session)


def _is_about(expect: Expect, line: Followed) -> bool:
    named = fnmatchcase(line.method, expect.method) and fnmatchcase(line.answer, expect.answer)
    return named and expect.channel in {None, line.channel}


def _unkept(expect: Expect, line: Followed) -> list[str]:
    told = []
    if expect.retries_at_least is not None and line.retries < expect.retries_at_least:
        told.append(f"{line.retries} retries, at least {expect.retries_at_least} are expected")
    if expect.retries_at_most is not None and line.retries > expect.retries_at_most:
        told.append(f"{line.retries} retries, at most {expect.retries_at_most} are expected")
    if expect.waits_at_least is not None and line.soonest is not None and line.soonest < expect.waits_at_least:
        told.append(f"tried again after {line.soonest:g} s, at least {expect.waits_at_least:g} s are expected")
    if expect.aborts is not None and bool(line.aborts) is not expect.aborts:
        told.append(f"{'nothing' if expect.aborts else 'something'} was aborted")
    if expect.logs_out is not None and bool(line.sessions_open) is expect.logs_out:
        told.append(f"{line.sessions_open} sessions were left open")
    if expect.stops_reading is not None and line.reads_after_end > expect.stops_reading * line.met:
        told.append(f"the end of the task was read {line.reads_after_end} times")
    return told


def _named(line: Followed) -> str:
    return f"{line.method}, {line.answer} ({line.channel})"


def _asked(expect: Expect) -> str:
    return f"{expect.answer} of {expect.method}{f' by the {expect.channel}' if expect.channel else ''}"
