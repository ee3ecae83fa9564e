"""Each defect has ids of its own, the same at every seed; accepting one accepts no other; each row's finding replays."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter

import pytest

from tests.defects.identities import TWENTY, Told, run_with, seen_by_one_client, told_of
from vcontract._report.deviations import KnownDeviation, Listed, excused
from vcontract._report.result import RunResult
from vcontract._simulator.defects import DEFECTS
from vcontract._simulator.defects.registry import MANAGER
from vcontract._terms import Verdict

ABORT = "AbortCustomization_Task"
FEW = ("session-not-checked-for-abort", "guest-permission-not-checked-for-abort")
TEN = (
    "login-not-checked-for-abort",
    "guest-permission-not-checked",
    "template-not-checked",
    "missing-tools-not-checked",
    "tools-stopped-not-checked",
    "session-not-checked-for-abort",
    "privilege-not-checked-for-network",
    "doubled-element-accepted",
    "nic-count-not-checked-downwards",
    "manager-has-properties",
)
UNIQUE = 0.95


def accepting(result: RunResult, *ids: str) -> RunResult:
    """Give a result as it is worth with these findings known."""
    rows = {each.id: each.row for each in result.findings}
    entries = tuple(KnownDeviation(id_, rows[id_], "known") for id_ in ids)
    return excused(result, Listed("deviations.toml", entries), dt.date(2026, 1, 1), cut=False)


@pytest.fixture(scope="module")
def few() -> list[tuple[RunResult, Told]]:
    """Give two runs at two seeds against a server with two bugs in one method."""
    return [run_with(FEW, seed, methods=(ABORT,), max_calls=90) for seed in (1, 2)]


def test_two_bugs_have_an_id_each_the_same_at_two_seeds(few: list[tuple[RunResult, Told]]) -> None:
    """However the inputs were drawn: without a session, and without permission in the guest."""
    (_, first), (_, second) = few
    assert first.ids.keys() == second.ids.keys()
    assert len(first.ids) == len(FEW), first
    assert first.provisional == second.provisional == ()


def test_accepting_one_leaves_the_other(few: list[tuple[RunResult, Told]]) -> None:
    """The run still fails, by the other alone; with both it does not."""
    (result, told), _ = few
    for id_ in told.ids:
        left = accepting(result, id_)
        assert (left.exit_code, left.verdict) == (1, Verdict.VIOLATES)
        assert list(left.deviations.known) == [id_]
    assert accepting(result, *told.ids).verdict is not Verdict.VIOLATES


@pytest.mark.parametrize(
    ("defect", "row"),
    [
        ("manager-has-properties", "properties"),
        ("manager-shown-to-old-clients", "since"),
        ("another-manager-for-each-session", "singleton"),
    ],
)
def test_what_breaks_a_row_of_the_object_replays(defect: str, row: str) -> None:
    """One finding, whose reads show it again, and whose id lasts."""
    result, told = run_with([defect], 1, methods=(ABORT,), max_calls=1, replayed=True)
    (finding,) = [each for each in result.findings if each.row == f"{MANAGER}/{row}"]
    assert not finding.provisional
    assert {step.purpose for step in finding.program} == {"read"}
    assert told.rows_alone == told.not_replayed == ()


@pytest.mark.long
@pytest.mark.parametrize("name", TWENTY)
def test_three_seeds_give_the_same_ids(name: str) -> None:
    """Of what one client sees without exploring; the others are left to the tests of concurrency and exploration."""
    if not seen_by_one_client(name):
        pytest.skip(f"{name} takes several clients, or a history that a plain run does not make")
    found = [run_with([name], seed)[1] for seed in (1, 2, 3)]
    assert found[0].ids
    assert [each.ids for each in found[1:]] == [found[0].ids] * 2


@pytest.mark.long
def test_accepting_one_of_ten_leaves_nine() -> None:
    """Ten bugs at once: each has ids of its own, and whichever is accepted the others still fail."""
    ids_of = {name: run_with([name], 1)[1].ids for name in TEN}
    result, told = run_with(TEN, 1)
    for name, ids in ids_of.items():
        mine = [id_ for id_ in ids if id_ in told.ids]
        assert mine, (name, ids)
        left = accepting(result, *mine)
        assert left.exit_code == 1
        failing = told.ids.keys() - left.deviations.known.keys()
        assert all(failing & others.keys() for other, others in ids_of.items() if other != name)


@pytest.mark.long
def test_all_defects_have_ids_of_their_own_and_none_races() -> None:
    """At one seed with three tries each: nearly all have an id that no other has, every row a finding that replays."""
    names = [name for name in DEFECTS.known if seen_by_one_client(name)]
    found = told_of([(name, 1) for name in names], os.cpu_count() or 1)
    counts = Counter(id_ for each in found for id_ in each.ids)
    shared = {each.names[0]: each.ids for each in found if not any(counts[id_] == 1 for id_ in each.ids)}
    print("no id of their own:", *shared.items(), sep="\n  ")  # noqa: T201 - the list that is asked for
    assert {each.names: each.raced for each in found if each.raced} == {}
    assert {each.names: each.rows_alone for each in found if each.rows_alone} == {}
    assert {each.names: each.not_replayed for each in found if each.not_replayed} == {}
    assert len(shared) <= (1 - UNIQUE) * len(found)
