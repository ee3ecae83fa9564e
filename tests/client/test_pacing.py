"""How much is asked of a target: the rate, how many at once, how many in all."""

from __future__ import annotations

import threading
from contextlib import nullcontext, suppress

import pytest

from vcontract._client import Pacing, SpentError, Target
from vcontract._simulator import SimulatorServer
from vcontract._terms import Arguments, Call, Ref

INSTANCE = Ref("ServiceInstance", "ServiceInstance")


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now, self.naps = 100.0, 0

    def __call__(self) -> float:
        """Give the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.naps += 1
        self.now += seconds


def test_requests_keep_their_distance() -> None:
    """The first leaves at once, each further one a pause after the turn of the one before; idle time is not saved up."""
    clock = Clock()
    pacing = Pacing(4, clock=clock, sleep=clock.sleep)
    left = []
    for number in range(5):
        with pacing:
            left.append(clock.now)
        if number == 2:
            clock.now += 10
    assert left == [100.0, 100.25, 100.5, 110.5, 110.75]
    assert clock.naps == 3


def test_a_long_wait_ends_when_the_run_does() -> None:
    """Of a pause of 1000 s nothing but a nap is waited once the recorder is told to stop."""
    clock = Clock()
    pacing = Pacing(0.001, clock=clock, sleep=clock.sleep)
    with pacing:
        pacing.stopped = lambda: clock.naps > 0
    with pacing:
        assert clock.now < 101


def test_no_more_in_all_until_the_limit_is_lifted() -> None:
    """The limit is said in one line with the name of its key; what puts VMs back goes through."""
    pacing = Pacing(total=2)
    for _ in range(2):
        assert pacing.spent == ""
        with pacing:
            pass
    with pytest.raises(SpentError, match=r"limit of 2 requests .*limits.total_calls") as error, pacing:
        pass
    assert str(error.value) == pacing.spent
    pacing.lift()
    with pacing:
        assert pacing.sent == 3


def test_no_more_at_once() -> None:
    """Of nine threads never more than three are inside, and each comes to its turn, also after one that failed."""
    pacing, inside, most, lock = Pacing(at_once=3), 0, 0, threading.Lock()
    full = threading.Barrier(3)

    def work(divisor: int) -> None:
        nonlocal inside, most
        with suppress(ZeroDivisionError), pacing:
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(60)
            with lock:
                inside -= 1
            assert 1 / divisor

    threads = [threading.Thread(target=work, args=(number % 2,)) for number in range(9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert (most, inside, pacing.sent) == (3, 0, 9)


def test_every_request_of_a_target_is_paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of versions, the ServiceContent and each call take a turn; without limits a call takes none."""
    clock = Clock()
    pacing = Pacing(10, clock=clock, sleep=clock.sleep)
    with SimulatorServer() as server:
        target = Target.open(server.url, pacing=pacing)
        target.send(Call(INSTANCE, "CurrentTime", Arguments({}), "nobody"))
        target.close()
        entered: list[str] = []
        monkeypatch.setattr(Pacing, "__enter__", lambda _: entered.append("turn"))
        free = Target.open(server.url)
        free.send(Call(INSTANCE, "CurrentTime", Arguments({}), "nobody"))
        free.close()
    assert pacing.sent == 3
    assert clock.now == pytest.approx(100.2)
    assert entered == ["turn"]  # the list of versions alone, once a run
    assert isinstance(free._turn, nullcontext)
