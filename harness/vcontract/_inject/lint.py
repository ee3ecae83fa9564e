"""What is wrong with a file of rules: all of it, a line each, with the place and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from vcontract._errors import UsageError
from vcontract._inject.choosing import check_rule, strike_of
from vcontract._inject.plausible import methods
from vcontract._inject.rules import Expect, Rule, Rules, When, check_when, where
from vcontract._toml_file import line_of_table, mistakes

_PATTERN = frozenset("*?[")


def lint(path: Path, *, own: bool) -> list[str]:
    """Name every mistake of a file, in the order of its lines; `own`: the rules are for our own simulator.

    Raises UsageError for a file that is no TOML.
    """
    whole, told = mistakes(path, Rules)
    if whole is None:
        return told
    text, whole_file = path.read_text("utf-8"), not told
    for place, rule in enumerate(whole.rule):
        if rule.method and rule.answer:
            told += _of_rule(whole.rule, place, where(path, text, place, rule), own=own, whole=whole_file)
    for place, expect in enumerate(whole.expect):
        line = line_of_table(text, "expect", place)
        if not told and not any(_meets(rule, expect) for rule in whole.rule):
            asked = f"{expect.answer} of {expect.method}{f' by the {expect.channel}' if expect.channel else ''}"
            told.append(f"{path}, line {line}: expect {place + 1}: no rule gives {asked}, so it is never met")
    return told


def refuse(path: Path, *, own: bool) -> None:
    """Refuse a file with mistakes: the first, and how many more there are. Raises UsageError."""
    told = lint(path, own=own)
    more = f" (and {len(told) - 1} more: vcontract inject --lint {path})" if len(told) > 1 else ""
    if told:
        raise UsageError(f"{told[0]}{more}")


def _of_rule(rules: Sequence[Rule], place: int, place_said: str, *, own: bool, whole: bool) -> Iterator[str]:
    """Give the first thing that is wrong with a rule, if any is; `whole`: nothing is left out of those before it."""
    names = [each.name for each in rules if each.name]
    rule = rules[place]
    checks: list[Callable[[], None]] = [
        partial(check_when, rule, names, place_said),
        partial(check_rule, rule, place_said, own=own),
        partial(_check_after, rules, rule, place_said),
        *([partial(_check_before, rules, place, place_said)] if whole else []),
    ]
    for check in checks:
        try:
            check()
        except UsageError as error:
            yield str(error)
            return


def _check_before(rules: Sequence[Rule], place: int, place_said: str) -> None:
    """Refuse a rule before which another one takes every call. Raises UsageError."""
    for before, other in enumerate(rules[:place]):
        if _takes_all(other, rules[place]):
            raise UsageError(
                f"{place_said}: it can never apply, for rule {before + 1} ({other.title}) takes every such call;"
                f" give that one a when or times, or put this one before it"
            )


def _takes_all(other: Rule, rule: Rule) -> bool:
    """Whether a rule applies to every call to which another could."""
    always = other.when == When() and other.times is None
    if not always or not _covers(other.vm, rule.vm) or not _covers(other.method, rule.method):
        return False
    if _PATTERN.isdisjoint(rule.method):
        return strike_of(other, 0, rule.method) is not None
    known = [each for each in methods() if fnmatchcase(each, rule.method) and strike_of(rule, 0, each)]
    any_method = not other.is_fault and not other.answer.endswith("-task")
    return any_method or (rule.is_fault and not rule.illegal and all(strike_of(other, 0, each) for each in known))


def _covers(pattern: str, other: str) -> bool:
    """Whether a pattern matches whatever another does, as far as that is plain."""
    return pattern in {"*", other} or (_PATTERN.isdisjoint(other) and fnmatchcase(other, pattern))


def _check_after(rules: Sequence[Rule], rule: Rule, place_said: str) -> None:
    """Refuse a rule that waits for one that waits for it. Raises UsageError."""
    by_name = {each.name: each for each in rules if each.name}
    passed, each = [rule.name], by_name.get(rule.when.after)
    while each is not None:
        if each.name in passed:
            raise UsageError(f"{place_said}: when.after: {' after '.join([*passed, each.name])}: it can never apply")
        passed.append(each.name)
        each = by_name.get(each.when.after)


def _meets(rule: Rule, expect: Expect) -> bool:
    """Whether a rule gives a client what an expectation is about."""
    channel = rule.channel if rule.is_fault else "task" if rule.answer.endswith("-task") else ""
    if expect.channel not in {None, "" if rule.cause else channel}:
        return False
    for method in {*methods(), rule.method}:
        strike = strike_of(rule, 0, method) if fnmatchcase(method, rule.method) else None
        if strike is None or not any(fnmatchcase(each, expect.answer) for each in (rule.answer, strike.fault)):
            continue
        if fnmatchcase(method, expect.method) or (not strike.fault and fnmatchcase(expect.method, rule.method)):
            return True
    return False
