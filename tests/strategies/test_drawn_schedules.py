"""Drawn schedules are whole before anything is sent, keep to what is asked, and are written client by client."""

from __future__ import annotations

from vcontract._strategies.pool import draw
from vcontract._strategies.schedules import Turn, schedules, shown, size


def test_what_is_drawn_keeps_to_what_is_asked() -> None:
    """Methods, clients, VMs and turns; and the same seed draws the same."""
    strategy = schedules(("one", "two"), clients=3, vms=2, most=5)
    drawn = draw(strategy, 1, 100)
    turns = [turn for each in drawn for turn in each]
    assert {len(each) for each in drawn} <= {1, 2, 3, 4, 5}
    assert {turn.method for turn in turns} == {"one", "two"}
    assert {turn.client for turn in turns} == {0, 1, 2}
    assert {turn.vm for turn in turns} == {0, 1}
    assert len({turn.wait for turn in turns}) > 2
    assert draw(strategy, 1, 100) == drawn


def test_what_has_fewer_turns_is_smaller() -> None:
    """Then what has fewer clients and VMs, then what waits less."""
    one, other = Turn(0, "one"), Turn(1, "one", 1, 3)
    assert size((other,)) < size((one, one)) < size((one, other)) < size((one, one, one))
    assert size((one, one)) < size((one, Turn(0, "one", 0, 1)))


def test_a_schedule_is_written_client_by_client() -> None:
    """The turns of a client in their order."""
    written = shown((Turn(1, "two", 1, 2), Turn(0, "one"), Turn(1, "one")))
    assert written.splitlines() == [
        "client 1: one on VM 1",
        "client 2: two on VM 2 after 2 moments",
        "client 2: one on VM 1",
    ]
