"""A server of somebody else that falls silent: which call is told of, and where nothing is."""

from __future__ import annotations

import pytest

from vcontract._run.ending import suspect
from vcontract._terms import HUNG, UNSENT, Arguments, Call, Lost, Operation, Outcome, Ref, Returned

MANAGER = Ref("VirtualMachineGuestCustomizationManager", "manager")


def done(op: int, outcome: Outcome, purpose: str = "read", method: str = "CurrentTime") -> Operation:
    """Give an operation."""
    return Operation(op, Call(MANAGER, method, Arguments({"a": op}), "full"), op, op + 0.5, outcome, purpose=purpose)


OK, CUT, REFUSED = Returned(), Lost("closed without a reply"), Lost(f"{UNSENT}Connection refused")


@pytest.mark.parametrize("last", [REFUSED, Lost(f"{HUNG}60 s")])
def test_the_call_before_the_silence_is_told_with_what_came_before(last: Lost) -> None:
    """Its arguments, how it showed, and that nothing was tried again."""
    former = [done(1, OK, "arrange", "PowerOnVM_Task"), done(2, OK), done(3, OK, "judge", "Abort"), done(4, OK)]
    (told,) = suspect([*former, done(5, CUT), done(6, last), done(7, last)])
    parts = ["suspect: Abort (operation 3,", '{"a":3}', "was answered, then CurrentTime (operation 5) was not"]
    assert [part for part in [*parts, "PowerOnVM_Task (operation 1)", "not tried again"] if part not in told] == []


def test_connections_that_were_only_cut_accuse_nobody() -> None:
    """Nor does a server that refused before anything was judged, or one that answered again."""
    assert suspect([done(1, OK, "judge"), done(2, CUT), done(3, CUT)]) == []
    assert suspect([done(1, OK), done(2, REFUSED), done(3, REFUSED)]) == []
    assert suspect([done(1, OK, "judge"), done(2, REFUSED), done(3, OK)]) == []
