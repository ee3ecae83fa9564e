"""The bounded proof: it finds what needs three and more calls to show, says what it proved, and refuses what is too large."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._client import Recorder, Target
from vcontract._commands.run import execute
from vcontract._config.config import Config
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._proof.proof import carry_out, prepared
from vcontract._report.events import CellJudged, Note, RunEnded, RunEvent, RunStarted
from vcontract._report.result import RunResult, load_run
from vcontract._run.rejudge import rejudge
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._terms import Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

MANAGER = "VirtualMachineGuestCustomizationManager"
CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
DEEP = {
    "two-bad-logins-lock-the-good-one-out": (CUSTOMIZE, [f"{CUSTOMIZE}:valid", f"{CUSTOMIZE}:loginRejected"]),
    "second-customization-after-an-abort-fails": (CUSTOMIZE, [f"{CUSTOMIZE}:valid", f"{ABORT}:valid"]),
    "network-start-fails-after-a-customized-guest-booted": (
        NETWORK, [f"{CUSTOMIZE}:valid", f"{NETWORK}:valid", "reset"],
    ),
    "boot-brings-an-aborted-lock-back": (CUSTOMIZE, [f"{CUSTOMIZE}:valid", f"{ABORT}:valid", "orphanLock", "reset"]),
    "abort-after-a-resume-keeps-the-lock": (
        CUSTOMIZE, [f"{CUSTOMIZE}:valid", f"{ABORT}:valid", "orphanLock", "suspend", "powerOn"],
    ),
}  # fmt: skip
"""Defects that need three and more calls: the method that shows it, and an alphabet in which it can be shown."""
STEPS = dict(zip(DEEP, (3, 3, 3, 4, 5), strict=True))
RETRIED = {"boot-brings-an-aborted-lock-back", "abort-after-a-resume-keeps-the-lock"}
"""Those that end in the first customization after an abort, which may be refused once: it takes a retry to show them."""


class Heard:
    """Hears the events of a run."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []

    def on(self, event: RunEvent) -> None:
        """Keep one event."""
        self.events.append(event)


def proved(
    complete: int,
    alphabet: Sequence[str],
    *,
    defects: Sequence[str] = (),
    variants: Sequence[str] = (),
    heard: Heard | None = None,
    **more: object,
) -> RunResult:
    """Run a proof against a simulator of this test's own."""
    settings = fitted(task_time=0.005, boot_time=0.01, defects=frozenset(defects), variants=frozenset(variants))
    options = RunRequest(seed=1, complete=complete, alphabet=tuple(alphabet), **more)  # type: ignore[arg-type] # options by name
    contract = load(MANAGER)
    proof = prepared(contract, EMBEDDED, options)
    with SimulatorServer(settings) as simulator:
        target = Target.open(simulator.url, recorder=Recorder(), secrets=secrets_of(EMBEDDED))
        try:
            site = Site(target, contract, EMBEDDED, options)
            return carry_out(StartedRun(site, [heard] if heard else []), proof)
        finally:
            target.close()


@pytest.mark.parametrize("defect", DEEP)
def test_what_needs_three_and_more_calls_is_found(defect: str) -> None:
    """`--complete 1` finds each on an alphabet that can show it, and cuts it to no more calls than it needs."""
    method, alphabet = DEEP[defect]
    found = proved(1, alphabet, defects=[defect], stop_at_first=True, shrink=Budget(seconds=900))
    assert (found.verdict, found.exit_code) == (Verdict.VIOLATES, 1)
    finding = found.findings[0]
    assert finding.method == method
    assert finding.cell.count(" > ") >= STEPS[defect] - 1
    assert finding.repeats == "3 of 3"
    assert len(finding.program) == STEPS[defect] + (defect in RETRIED), [each.call.method for each in finding.program]


@pytest.mark.long
@pytest.mark.parametrize("defect", DEEP)
def test_the_default_alphabet_finds_them_too(defect: str) -> None:
    """Nobody has to guess an alphabet for them."""
    found = proved(1, (), defects=[defect], stop_at_first=True, shrink=Budget(attempts=0, seconds=0))
    assert found.verdict is Verdict.VIOLATES


def test_it_says_what_it_does_before_it_begins_and_what_it_proved_in_the_end() -> None:
    """Size, guarantee and assumptions come before the first judged call; the end says that all of it was proved."""
    heard = Heard()
    found = proved(0, [f"{CUSTOMIZE}:valid", f"{ABORT}:valid", "orphanLock", "reset"], heard=heard)
    kinds = [type(each) for each in heard.events]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunEnded
    first = kinds.index(CellJudged)
    told = [each.text for each in heard.events[:first] if isinstance(each, Note)]
    assert [each.partition(":")[0] for each in told] == ["--complete 0", "guarantee", "assumed"]
    assert "at most 4 states of a VM: the 4 of the model that this alphabet tells apart, and 0 more" in told[1]
    assert (found.verdict, found.exit_code, found.findings) == (Verdict.CONFORMS, 0, [])
    assert [each for each in found.notes if each.startswith("proved: all")]
    assert set(told) <= set(found.notes)
    last = [each for each in heard.events if isinstance(each, CellJudged)][-1]
    assert last.done == last.total > 1
    assert {each.id for each in found.rows if each.verdict is Verdict.UNTESTED} == set()


def test_a_proof_that_is_cut_short_is_inconclusive() -> None:
    """What a limit of time leaves out was not proved, although all that was seen conforms."""
    found = proved(1, [f"{CUSTOMIZE}:valid"], time_limit=0.000001)
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, 5)
    assert [each for each in found.notes if each.startswith("not proved: 0 of ")]


def test_an_answer_that_no_source_settles_proves_nothing() -> None:
    """A server that overruns an orphaned lock keeps the contract, and states cannot be told apart as was assumed."""
    found = proved(0, [f"{CUSTOMIZE}:valid", "orphanLock"], variants=["orphaned-lock-is-overrun"])
    assert (found.verdict, found.findings) == (Verdict.INCONCLUSIVE, [])
    assert [
        each for each in found.notes if each.startswith("not proved: an answer that no source settles came; orphanLock")
    ]


@pytest.mark.parametrize("variant", ["off-is-invalid-state", "nothing-to-abort-is-invalid-state"])
def test_another_way_to_keep_the_contract_is_proved_too(variant: str) -> None:
    """Where the contract permits several answers the words follow the one that comes, settled or not."""
    found = proved(0, [f"{CUSTOMIZE}:valid", f"{ABORT}:valid", "suspend", "powerOn"], variants=[variant])
    assert (found.verdict, found.findings) == (Verdict.CONFORMS, [])


def test_a_proof_is_a_run_like_any_other(tmp_path: Path) -> None:
    """It has a directory, leaves no clone behind, and can be judged again without a server."""
    options = RunRequest(seed=1, methods=(CUSTOMIZE,), complete=0, alphabet=("valid", "suspend", "powerOn"))
    with SimulatorServer(fitted(task_time=0.005, boot_time=0.01)) as simulator:
        result = execute(replace(options, target=simulator.url, report_dir=tmp_path, output="json"))
        again = execute(replace(options, target=simulator.url, report_dir=tmp_path, output="json"))
    assert result.verdict is again.verdict is Verdict.CONFORMS
    assert not [each for each in result.notes if each.startswith("not restored")]
    assert load_run(tmp_path / "latest").rows == again.rows
    assert rejudge(tmp_path / "latest").rows == again.rows


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            RunRequest(complete=1, max_calls=100),
            "the suite needs 802 judged calls, the limit is 100: raise --max-calls",
        ),
        (RunRequest(complete=3), "the suite needs 45022 judged calls, the limit is 20000"),
        (RunRequest(complete=9), "the suite has more than 300000 inputs, the limit is 20000"),
        (
            RunRequest(complete=1, alphabet=("valid", "removeEngine")),
            "--alphabet removeEngine: .* no lever removeEngine",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(options: RunRequest, said: str) -> None:
    """One line says how many calls are needed, or what is missing, and the way out."""
    levers = Config(lever=tuple(each for each in EMBEDDED.lever if each.does != "removeEngine"))
    with pytest.raises(UsageError, match=said):
        prepared(load(MANAGER), levers, options)


def test_a_lever_that_is_missing_makes_the_default_alphabet_smaller() -> None:
    """Without a lever for an orphaned lock the proof is about the rest, and says so."""
    proof = prepared(load(MANAGER), Config(), RunRequest(complete=1))
    assert "orphanLock" not in proof.alphabet.inputs
    assert proof.text()[-1] == "left out of the alphabet, as the configuration gives no lever: orphanLock"
