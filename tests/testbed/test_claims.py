"""Two runs on one server: one claims the VMs, the other is told by whom; and what is left of the claims: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.windows import fitted
from vcontract._client import Guard, Recorder, Target
from vcontract._client.marks import CLAIM, Claim, option_call
from vcontract._client.properties import list_vms
from vcontract._client.tasks import follow
from vcontract._config.config import LOOPBACK
from vcontract._contract import load
from vcontract._errors import ClaimedError
from vcontract._simulator import SimulatorServer
from vcontract._simulator.inventory import BUILT_IN
from vcontract._terms import Arguments, Call, Json, Ref, Returned, as_ref
from vcontract._testbed import FULL, guard_of, log_in, secrets_of
from vcontract._testbed.claims.claims import LASTING, Claims

MANAGER = "VirtualMachineGuestCustomizationManager"
PATHS = ("config.extraConfig", "customValue", "config.changeVersion", "runtime.powerState")
ACCOUNT = "administrator@vsphere.local"
FEW = 3
"""So many VMs are enough to be claimed."""


@pytest.fixture(scope="module", params=["attribute", "extraConfig"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve VMs with the custom attribute for claims, and without it, where claims stand in extraConfig."""
    text = BUILT_IN.read_text("utf-8")
    file = tmp_path_factory.mktemp("inventory") / "inventory.toml"
    if request.param == "extraConfig":
        text = "\n".join(line for line in text.splitlines() if not line.startswith("custom_attribute"))
    file.write_text(text, "utf-8")
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.01, inventory=file)) as server:
        yield server.url


class Run:
    """What of a run claims: a session with a guard, and the VMs by moId."""

    def __init__(self, url: str, name: str, *, breaks: bool = False, seconds: float = 0.0) -> None:
        self.target = Target.open(url, secrets=secrets_of(LOOPBACK), recorder=Recorder())
        log_in(self.target, LOOPBACK)
        self.guard: Guard = guard_of(self.target, LOOPBACK, load(MANAGER), name, {})
        self.target.guard_with(self.guard)
        listed = list_vms(self.target, FULL, ["name"])
        self.vms = {ref.value: str(values["name"]) for ref, values in sorted(listed.items())[:FEW]}
        self.claims = Claims(self.target, self.guard, name, ACCOUNT, breaks=breaks, seconds=seconds)

    def take(self) -> None:
        """Claim the VMs."""
        self.claims.take(self.vms)

    def reset(self, vm: str) -> None:
        """Disturb a VM, and wait for the end of it."""
        done = self.target.send(Call(Ref("VirtualMachine", vm), "ResetVM_Task", Arguments({}), FULL), "arrange")
        task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
        if task is not None:
            follow(self.target, FULL, task, deadline_seconds=60)

    def shown(self) -> dict[Ref, dict[str, Json]]:
        """Tell what an operator sees of the VMs but for the number of their last change."""
        listed = list_vms(self.target, FULL, PATHS)
        return {
            ref: {path: values.get(path) for path in PATHS if "Version" not in path} for ref, values in listed.items()
        }


Start = Callable[..., Run]


@pytest.fixture
def start(url: str) -> Iterator[Start]:
    """Give a function that starts a run by its name; what it claims is let go in the end."""
    started: list[Run] = []

    def starting(name: str, **stated: Any) -> Run:
        started.append(Run(url, name, **stated))
        return started[-1]

    yield starting
    for each in started:
        each.claims.release()
        each.target.close()


def test_the_second_is_told_by_whom_and_until_when(start: Start) -> None:
    """Its exit code is 3, it has written nothing; once the first is over it gets the VMs, and in the end nothing is left."""
    one, two = start("one"), start("two")
    before = one.shown()
    one.take()
    assert one.claims.notes == []
    assert one.guard.claims.claimed == set(one.vms)
    assert one.guard.touched == set()
    with pytest.raises(ClaimedError) as told:
        two.take()
    assert told.value.exit_code == 3
    assert f"by run one of {ACCOUNT} until 2" in str(told.value)
    assert "--break-claim" in str(told.value)
    assert two.guard.claims.claimed == set()
    assert one.claims.release() == []
    two.take()
    assert two.guard.claims.claimed == set(two.vms)
    assert two.claims.release() == []
    assert one.shown() == before


def test_a_claimed_vm_may_be_disturbed_by_its_run_alone(start: Start) -> None:
    """Whoever disturbs without a claim of its own is kept away as well, and so it is after the run's end of the claim."""
    one, two = start("one"), start("two")
    moid = next(moid for moid, name in one.vms.items() if name == "linux-1")
    one.take()
    one.reset(moid)
    with pytest.raises(ClaimedError, match=r"run one of .* claims it"):
        two.reset(moid)
    assert two.guard.touched == set()


def test_a_run_whose_claim_was_broken_stops(start: Start) -> None:
    """Who breaks it says so and has the VMs; who had them is told before its next disturbing call, and takes nothing back."""
    one, two = start("one"), start("two", breaks=True)
    moid = next(moid for moid, name in one.vms.items() if name == "linux-1")
    one.take()
    one.reset(moid)
    two.take()
    assert len(two.claims.notes) == len(two.vms)
    assert all("run one of" in note and "--break-claim" in note for note in two.claims.notes)
    with pytest.raises(ClaimedError, match=r"run two of .* claims it"):
        one.reset(moid)
    assert one.claims.release() == []
    two.reset(moid)
    two.claims.release()
    with pytest.raises(ClaimedError, match="the claim of this run on it is gone"):
        one.reset(moid)


def test_after_its_end_a_claim_counts_for_nobody(start: Start) -> None:
    """By the server's clock: the run that made it disturbs nothing any more, and another one has the VMs."""
    one, two = start("one", seconds=-LASTING), start("two")
    moid = next(moid for moid, name in one.vms.items() if name == "linux-1")
    one.take()
    with pytest.raises(ClaimedError, match="the claim of this run on it ended at 2"):
        one.reset(moid)
    two.take()
    two.reset(moid)


def test_a_run_that_goes_on_has_its_claims(start: Start) -> None:
    """So has the cleanup after it: both are of its name."""
    start("one").take()
    again = start("one")
    again.take()
    assert again.guard.claims.claimed == set(again.vms)


def test_a_claim_is_of_the_vm_that_it_names(start: Start) -> None:
    """A clone has the text of its parent, and is nobody's."""
    one, two = start("one"), start("two")
    moid, other = sorted(one.vms)[:2]
    text = Claim("three", moid, "2999-01-01T00:00:00+00:00", "x").text()
    _set_option(one, other, text)
    two.take()
    assert other in two.guard.claims.claimed
    two.claims.release()
    _set_option(one, other, "")


def test_what_cannot_be_read_is_somebodys(start: Start) -> None:
    """It does not end by itself; --break-claim takes it."""
    one, two = start("one"), start("two", breaks=True)
    moid = min(one.vms)
    _set_option(one, moid, "mine!")
    with pytest.raises(ClaimedError, match="somebody who wrote 'mine!'"):
        one.take()
    two.take()
    two.claims.release()
    assert "mine!" not in str(two.shown())


def _set_option(run: Run, moid: str, text: str) -> None:
    """Write a text where claims stand, whatever the guard says."""
    run.target.guard = None
    done = run.target.send(option_call(Ref("VirtualMachine", moid), text, "", FULL), "arrange")
    task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
    assert task is not None
    follow(run.target, FULL, task, deadline_seconds=60)
    run.target.guard_with(run.guard)


def test_of_those_that_claim_at_once_at_most_one_wins(start: Start) -> None:
    """They begin at the same moment, several times; who wins has the VMs and nobody has any of them beside."""
    runs = [start(f"run-{number}") for number in range(3)]
    for _ in range(3):
        gate, lost = Barrier(len(runs)), list[Run]()

        def claim(run: Run, gate: Barrier = gate, lost: list[Run] = lost) -> None:
            gate.wait(60)
            try:
                run.take()
            except ClaimedError:
                lost.append(run)

        threads = [Thread(target=claim, args=(run,)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [run for run in runs if run not in lost]
        assert len(won) <= 1
        shown = {name for values in runs[0].shown().values() for name in _claimants(values)}
        assert shown == {run.claims._run for run in won}
        for run in won:
            run.claims.release()


def _claimants(values: dict[str, Json]) -> list[str]:
    texts = [each["value"] for each in values["config.extraConfig"] or () if each["key"] == CLAIM]
    texts += [each["value"] for each in values["customValue"] or ()]
    return [str(text.get("_value", text) if isinstance(text, dict) else text).split()[0][4:] for text in texts]
