"""The end of a server: which call is blamed for it, what is told of it, and how often it must come."""

from __future__ import annotations

import pytest

from vcontract._check.judgement import Deaths, Judgement, death_of
from vcontract._check.verdicts import Confirming, summarise
from vcontract._contract import load, rows
from vcontract._terms import CRASHED, SILENT, Arguments, Call, Grade, Lost, Operation, Outcome, Ref, Returned, Verdict

CONTRACT = load("VirtualMachineGuestCustomizationManager")
ABORT = "AbortCustomization_Task"
OK, CUT, ENDED, HANGS = Returned(), Lost("closed without a reply"), Lost(f"{CRASHED}status 2"), Lost(f"{SILENT}60 s")


def done(op: int, outcome: Outcome, purpose: str = "read", method: str = "CurrentTime", cell: str = "") -> Operation:
    """Give an operation."""
    call = Call(Ref(CONTRACT.object, "manager"), method, Arguments({"value": f"of-{op}"}), "full")
    return Operation(op, call, op, op + 0.5, outcome, purpose=purpose, cell=cell)


def blamed(*operations: Operation) -> list[Judgement]:
    """Tell a history."""
    deaths = Deaths({ABORT})
    return [each for one in operations for each in deaths.heard(one)]


@pytest.mark.parametrize(("lost", "observed"), [(ENDED, "crashed"), (HANGS, "hung")])
def test_the_last_call_of_the_contract_is_blamed_for_what_a_later_one_meets(lost: Lost, observed: str) -> None:
    """Whether it was a read or a call that arranges, in this cell or the next; once."""
    former = [done(1, OK, "arrange", "PowerOnVM_Task"), done(2, OK, "judge", ABORT, "cell"), done(3, OK)]
    (judgement,) = blamed(*former, done(4, lost, cell="next"), done(5, lost))
    assert (judgement.op, judgement.cell, judgement.observed) == (2, "cell", observed)
    assert (judgement.verdict, judgement.shown, judgement.ops) == (Verdict.VIOLATES, 4, (2, 4))
    parts = [
        "of-2",
        "was answered, then CurrentTime (operation 4) was not",
        "just before: PowerOnVM_Task (operation 1)",
    ]
    assert [part for part in parts if part not in judgement.why] == []


def test_nobody_is_blamed_where_nothing_was_judged_or_only_a_connection_was_cut() -> None:
    """Nor is what was blamed before, or was itself not answered: that is judged with its cell."""
    assert blamed(done(1, OK), done(2, ENDED)) == []
    assert blamed(done(1, OK, "judge", ABORT), done(2, CUT)) == []
    assert blamed(done(1, ENDED, "judge", ABORT), done(2, ENDED)) == []
    assert death_of(CUT) == death_of(OK) == ""
    deaths = Deaths({ABORT})
    deaths.heard(done(1, OK, "judge", ABORT))
    deaths.resume()
    assert deaths.heard(done(2, ENDED)) == []


@pytest.mark.parametrize(("confirm", "seen", "found"), [(1, 1, 0), (1, 2, 1), (3, 2, 0), (3, 3, 1)])
def test_it_must_come_again_to_be_a_finding(confirm: int, seen: int, found: int) -> None:
    """At least once, whatever the configuration says; else its row is inconclusive, and a note tells it."""
    cells = ["cell", "cell#2", "cell#3"][: max(seen, 2)]
    judgements = [
        judgement
        for number, cell in enumerate(cells)
        for judgement in blamed(done(1, OK, "judge", ABORT, cell), done(2, ENDED if number < seen else OK))
    ]
    listed = [row for row in rows(CONTRACT, {}) if row.method == ABORT]
    summary = summarise(CONTRACT, listed, judgements, [], {}, confirm=Confirming(confirm))
    assert [(each.observed, each.grade) for each in summary.findings] == [("crashed", Grade.WRONG)] * found
    (row,) = (row for row in summary.rows if row.id.endswith(f"{ABORT}/result"))
    assert row.verdict is (Verdict.VIOLATES if found else Verdict.INCONCLUSIVE)
    assert bool([note for note in summary.notes if note.startswith("crashed: suspect: seen in ")]) == (not found)
