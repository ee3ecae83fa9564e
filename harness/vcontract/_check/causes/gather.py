"""Gathers violations into findings: one deviation, one finding with all its cells; and gives findings their ids.

A violation is another one's if the other, by what is unusual about its call, explains it: a server that answers wrongly to a
powered-off VM does so whatever else is wrong with the call, and one that does not notice something answers as if it were not
there. What is answered wrongly only now and then explains nothing but itself: there the history decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from vcontract._check.judgement import Judgement, place
from vcontract._contract import OK
from vcontract._terms import Grade, Verdict

_NO_FAULT = frozenset({OK, "Lost", "stuck", "unfinished", "gone"})


class FingerprintSource(Protocol):
    """What makes two deviations of a row the same."""

    @property
    def grade(self) -> Grade:
        """The grade."""

    @property
    def observed(self) -> str:
        """The name of the outcome that came."""

    @property
    def channel(self) -> str:
        """The channel by which it came, if it was a fault."""

    @property
    def field(self) -> str:
        """What of it was wrong."""


class Gathered(msgspec.Struct, frozen=True):
    """Violations that are one deviation: the one that shows it best with its row and cause, and all of them.

    `rows` are those that any of them breaks, `cells` where they came, `ids` the provisional ids, its own first.
    """

    judgement: Judgement
    row: str
    cause: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[str, ...]
    ids: tuple[str, ...]


def former_id(row: str, source: FingerprintSource) -> str:
    """Give what stands for a deviation whatever its cause: the id that findings of 0.1.0 had, and those of guarantees have."""
    return _digest(row, source.grade, source.observed, source.channel, source.field)


def fingerprint(row: str, source: FingerprintSource, cause: Iterable[str], after: Iterable[str]) -> str:
    """Give the id of a finding that was shrunk: the same deviation has the same id in every run, another one another.

    `cause` is what is still unusual about its call, `after` the methods without which it does not show.
    """
    return _digest(former_id(row, source), "cause", *cause, "after", *after)


def provisional_id(row: str, source: FingerprintSource, cause: Iterable[str]) -> str:
    """Give the id of a finding that was not shrunk, so that its cause may not be the smallest: no other one's, for one run."""
    return _digest(former_id(row, source), "provisional", *cause)


def named(judgement: Judgement) -> tuple[str, ...]:
    """Give the cause of a violation: if a fault itself is wrong, or its task, which fault it is says enough."""
    return () if _of_reply(judgement) and judgement.observed not in _NO_FAULT else judgement.cause


def gathered(
    assigned: Sequence[tuple[Judgement, str]], rows_of: Callable[[Judgement, str], Iterable[str]]
) -> list[Gathered]:
    """Gather the violations among judgements, each with its row; `rows_of` gives all rows that one breaks."""
    kept = {_asked(judgement) for judgement, _ in assigned if judgement.verdict is Verdict.CONFORMS}
    violations = [(judgement, row) for judgement, row in assigned if judgement.verdict is Verdict.VIOLATES]
    groups: dict[str, list[tuple[Judgement, str]]] = {}
    for judgement, row in sorted(violations, key=lambda each: (len(named(each[0])), each[0].observed != OK)):
        id_ = provisional_id(row, judgement, named(judgement))
        if id_ not in groups:
            first = [members[0] for members in groups.values()]
            steady = [each for each in first if _asked(each[0]) not in kept]
            explaining = next((each for each in steady if _explains(each, (judgement, row))), None)
            if explaining is None and (parts := _unnoticed(judgement, [each for each, _ in steady])):
                explaining = next(each for each in steady if each[0].cause == parts)
            if explaining is not None:
                id_ = provisional_id(explaining[1], explaining[0], named(explaining[0]))
        groups.setdefault(id_, []).append((judgement, row))
    found = [_group(members, rows_of) for members in groups.values()]
    return sorted(found, key=lambda each: each.judgement.op)


def _asked(judgement: Judgement) -> tuple[str, tuple[str, ...], str]:
    """Give what was asked, as far as it can be the reason of an answer."""
    return judgement.method, judgement.cause, judgement.breaks


def _group(members: Sequence[tuple[Judgement, str]], rows_of: Callable[[Judgement, str], Iterable[str]]) -> Gathered:
    judgement, row = members[0]
    rows = dict.fromkeys(name for each, its in members for name in (its, *rows_of(each, its)))
    return Gathered(
        judgement,
        row,
        named(judgement),
        tuple(dict.fromkeys((row, *rows))),
        tuple(dict.fromkeys(each.cell for each, _ in members)),
        tuple(dict.fromkeys(provisional_id(its, each, named(each)) for each, its in members)),
    )


def _explains(first: tuple[Judgement, str], other: tuple[Judgement, str]) -> bool:
    """Whether a violation is one of a call that was answered wrongly already with less that is unusual."""
    (one, row), (two, its) = first, other
    if one.method != two.method or _of_reply(one) != _of_reply(two) or not set(named(one)) <= set(two.cause):
        return False
    if _of_reply(one):
        same = one.observed in _NO_FAULT or one.observed == two.observed
        return same and (row, one.grade, one.field) == (its, two.grade, two.field)
    return one.observed != OK and (one.observed, one.channel, one.field) == (two.observed, two.channel, two.field)


def _unnoticed(judgement: Judgement, others: Iterable[Judgement]) -> tuple[str, ...]:
    """Give what the server does not notice, as other violations show, if that explains an answer; empty if it does not."""
    seen = [
        other.cause
        for other in others
        if other.method == judgement.method and other.observed == OK and other.cause and not _of_reply(other)
    ]
    if _of_reply(judgement):
        return ()
    for parts in judgement.unnoticed:
        covering = [cause for cause in seen if set(cause) <= set(parts)]
        if set(parts) == {name for cause in covering for name in cause}:
            return covering[0]
    return ()


def _of_reply(judgement: Judgement) -> bool:
    """Whether the reply or the life of the task is wrong, whatever the outcome."""
    beside = bool(judgement.broken) and judgement.field == place(judgement.broken[0])
    return judgement.grade is Grade.PROTOCOL or beside


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
