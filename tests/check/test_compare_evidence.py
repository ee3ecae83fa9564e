"""What evidence a difference needs: the rules for circumstances, for latency, and the classes in rules.toml."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from vcontract._check.compare import (
    Kind,
    Sighting,
    by_circumstance,
    circumstance_changes,
    latency_changes,
    row_changes,
    rules,
)
from vcontract._check.compare.latency import ALPHA, mann_whitney
from vcontract._check.compare.rules import RULES
from vcontract._errors import ContractError
from vcontract._terms import RowVerdict, Verdict

BASES = {"NicSettingMismatch": "CustomizationFault", "CustomizationFault": "VimFault", "VimFault": "MethodFault"}
_NUMBERS = iter(range(1, 10**6))


def saw(circumstance: str, outcome: str, channel: str = "call", **more: object) -> Sighting:
    """Make a sighting of a method M."""
    return Sighting(next(_NUMBERS), "M", f"M:{circumstance}", outcome, channel, **more)  # type: ignore[arg-type] # any field


def changed(old: list[Sighting], new: list[Sighting]) -> list[tuple[str, str, str]]:
    """Give kind, old and new of what is claimed."""
    found = circumstance_changes(by_circumstance(old), by_circumstance(new), BASES)
    return [(each.kind.value, each.old, each.new) for each in found]


def test_one_pair_of_calls_is_not_enough() -> None:
    """A difference that one call on either side shows is not claimed; of two pairs it is."""
    old, new = [saw("a", "A")], [saw("a", "B")]
    assert changed(old, new) == []
    assert changed([*old, saw("b", "A")], [*new, saw("b", "B")]) == [("faultChanged", "A (call)", "B (call)")]
    assert changed(old * 2, new * 2) == [("faultChanged", "A (call)", "B (call)")]


def test_pairs_of_several_methods_count_together() -> None:
    """Two methods that changed alike, each seen once, are both told."""
    other = [replace(saw("a", name), method="N", circumstance="N:a") for name in ("A", "B")]
    told = changed([saw("a", "A"), other[0]], [saw("a", "B"), other[1]])
    assert told == [("faultChanged", "A (call)", "B (call)")] * 2


def test_each_field_needs_evidence_of_its_own() -> None:
    """Two fields that went, each seen once, are not told; one that two pairs show is."""
    old = [saw("a", "A", fields=frozenset({"x"})), saw("b", "B", fields=frozenset({"y"}))]
    new = [saw("a", "A"), saw("b", "B")]
    assert changed(old, new) == []
    assert changed([*old, old[0]], [*new, new[0]]) == [("fieldDropped", "set", "not set")]


def test_what_goes_both_ways_is_no_change() -> None:
    """Two circumstances one way and one the other: the target chooses."""
    old = [saw("a", "A"), saw("b", "A"), saw("c", "B")]
    new = [saw("a", "B"), saw("b", "B"), saw("c", "A")]
    assert changed(old, new) == []


def test_what_one_side_answers_both_ways_is_its_choice() -> None:
    """One circumstance in which one run shows both answers keeps them from being told as a change."""
    old = [saw("a", "A"), saw("b", "A"), saw("x", "A"), saw("x", "B")]
    new = [saw("a", "B"), saw("b", "B")]
    assert changed(old, new) == []


def test_a_side_that_chooses_needs_more_evidence() -> None:
    """Where a method is known to choose between other answers, seven circumstances are too few and eight enough."""
    chooses = [saw("x", "C"), saw("x", "D")]
    for count, told in ((7, 0), (8, 1)):
        old = [*chooses, *(saw(str(number), "A") for number in range(count))]
        new = [saw(str(number), "B") for number in range(count)]
        assert len(changed(old, new)) == told, count


def test_chance_is_not_taken_for_a_change() -> None:
    """Two runs of one server that tosses a coin for every answer are told as equal, whatever the coin."""
    for seed in range(200):
        coin = random.Random(seed)  # noqa: S311 - a test, no secret
        runs = [[saw(str(n % 40), coin.choice("AB")) for n in range(60)] for _ in range(2)]
        assert changed(*runs) == [], seed


def test_circumstances_that_are_not_certain_or_not_shared_do_not_count() -> None:
    """A sighting without a circumstance, and one that the other side lacks, say nothing."""
    old = [replace(saw("", "A"), circumstance="")] * 3 + [saw("only old", "A")] * 3
    new = [replace(saw("", "B"), circumstance="")] * 3 + [saw("only new", "B")] * 3
    assert changed(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (("OK", "task"), ("A", "call"), Kind.NOW_REFUSED),
        (("A", "call"), ("OK", "task"), Kind.NOW_ACCEPTED),
        (("A", "call"), ("Lost", "call"), Kind.NOW_LOST),
        (("Lost", "call"), ("OK", "task"), Kind.NOW_ANSWERED),
        (("A", "call"), ("A", "task"), Kind.MOVED_TO_TASK),
        (("A", "task"), ("A", "call"), Kind.MOVED_TO_CALL),
        (("CustomizationFault", "task"), ("NicSettingMismatch", "task"), Kind.FAULT_REFINED),
        (("NicSettingMismatch", "task"), ("CustomizationFault", "task"), Kind.FAULT_FLATTENED),
        (("A", "task"), ("SystemError", "task"), Kind.FAULT_FLATTENED),
        (("A", "call"), ("B", "call"), Kind.FAULT_CHANGED),
    ],
)
def test_a_change_of_outcome_has_a_kind(old: tuple[str, str], new: tuple[str, str], kind: Kind) -> None:
    """Each pair of outcomes is one kind of change."""
    told = changed([saw("a", *old)] * 2, [saw("a", *new)] * 2)
    assert [each[0] for each in told] == [kind.value]


def test_two_permitted_faults_are_a_matter_of_precedence() -> None:
    """If the contract allows both, another precedence was chosen."""
    both = frozenset({"A", "B"})
    told = changed([saw("a", "A", allowed=both)] * 2, [saw("a", "B", allowed=both)] * 2)
    assert [each[0] for each in told] == ["precedenceChanged"]


def test_fields_values_and_task_infos_are_compared() -> None:
    """A field of a fault that went, a value that changed, a field of TaskInfo that came."""
    old = [saw("a", "A", fields=frozenset({"x", "existingState"}), values={"existingState": "poweredOff"})] * 2
    new = [saw("a", "A", fields=frozenset({"existingState"}), values={"existingState": "suspended"})] * 2
    assert changed(old, new) == [("fieldDropped", "set", "not set"), ("valueChanged", "poweredOff", "suspended")]
    old, new = ([saw("b", "OK", "task", life=frozenset(each))] * 2 for each in ({"key"}, {"key", "more"}))
    assert changed(old, new) == [("taskFieldAdded", "not set", "set")]


def timed(seconds: list[float]) -> list[Sighting]:
    """Make sightings of tasks that lasted so long."""
    return [saw("valid", "OK", "task", lasted=each, answer=0.001) for each in seconds]


def test_latency_needs_size_ratio_and_samples() -> None:
    """Three times as long is told; half as long again, a few milliseconds, and few samples are not."""
    usual = [0.020 + 0.001 * (number % 5) for number in range(20)]
    reads = ([0.001] * 50, [0.001] * 50)

    def told(new: list[float], old: list[float] = usual) -> list[str]:
        return [each.kind.value for each in latency_changes(timed(old), timed(new), reads)]

    assert told([3 * each for each in usual]) == ["slower"]
    assert told([each / 3 for each in usual]) == ["faster"]
    assert told([1.5 * each for each in usual]) == []
    assert told([0.004] * 20, [0.001] * 20) == []
    assert told([3 * each for each in usual[:7]]) == []


def test_a_slow_machine_is_not_the_servers_fault() -> None:
    """If the reads of the same run are as much slower, nothing is told."""
    old, new = timed([0.020] * 20), timed([0.060] * 20)
    assert latency_changes(old, new, ([0.001] * 50, [0.030] * 50)) == []
    assert latency_changes(old, new, ([0.001] * 50, [0.002] * 50)) != []


def test_the_rank_test_agrees_with_published_values() -> None:
    """Known values of the test's normal approximation, and its p is uniform enough where nothing differs."""
    # Siegel, Nonparametric Statistics (1956), oral socialisation anxiety: U = 304 of 16 and 23, z = 3.43 with ties
    low = [13, 12, 12, 10, 10, 10, 10, 9, 8, 8, 7, 7, 7, 7, 7, 6]
    high = [17, 16, 15, 15, 15, 14, 14, 14, 13, 13, 13, 12, 12, 12, 12, 11, 11, 10, 10, 10, 8, 8, 6]
    assert mann_whitney([*map(float, low)], [*map(float, high)]) == pytest.approx(0.0006, abs=0.0002)
    coin = random.Random(4)  # noqa: S311 - a test, no secret
    trials = [mann_whitney([coin.random() for _ in range(12)], [coin.random() for _ in range(15)]) for _ in range(2000)]
    assert sum(each < 0.05 for each in trials) / 2000 == pytest.approx(0.05, abs=0.02)
    assert sum(each < ALPHA for each in trials) <= 6
    assert mann_whitney([1.0] * 9, [1.0] * 9) == 1.0


def test_only_settled_verdicts_are_news() -> None:
    """Broken and mended rows are told; a row that one of the runs did not settle is not."""
    words = {"a": ("conforms", "violates"), "b": ("violates", "conforms"), "c": ("untested", "conforms"),
             "d": ("conforms", "inconclusive"), "e": ("violates", "violates")}  # fmt: skip
    sides = [[RowVerdict(name, Verdict(each[side])) for name, each in words.items()] for side in (0, 1)]
    assert [(each.kind.value, each.path) for each in row_changes(*sides)] == [("rowBroken", "a"), ("rowMended", "b")]


def test_every_kind_has_a_class_and_a_reason() -> None:
    """The rules are whole, and each says why."""
    told = rules()
    assert {*told.rule} == {*Kind}
    assert all(each.reason.strip() for each in told.rule.values())


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("[rule.slower]", "[rule.slowest]"), "slowest"),
        (('class = "risky"', 'class = "risky"\nwhy = "x"'), "why"),
        (("[plain]", "[plain]\nmore = 1"), "more"),
        (('reason = "nobody waits longer than before"', 'reason = " "'), "faster has no reason"),
    ],
)
def test_a_rule_that_is_none_is_one_line(edit: tuple[str, str], said: str, tmp_path: Path) -> None:
    """An unknown kind or key and an empty reason are refused, with the file."""
    file = tmp_path / "rules.toml"
    file.write_text(RULES.read_text().replace(*edit, 1))
    with pytest.raises(ContractError, match=said) as error:
        rules(file)
    assert str(file) in str(error.value)


def test_a_kind_without_a_rule_is_one_line(tmp_path: Path) -> None:
    """A file that lacks a kind is refused."""
    file = tmp_path / "rules.toml"
    text = RULES.read_text()
    start = text.index("[rule.faster]")
    file.write_text(text[:start] + text[text.index("[rule.entryChanged]") :])
    with pytest.raises(ContractError, match="faster has no rule"):
        rules(file)
