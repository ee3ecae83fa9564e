"""`vcontract run --lanes N`: one run on several VMs at once finds what one VM after the other finds, within all limits."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from msgspec.structs import replace

from tests.processes import Command
from tests.windows import fitted
from vcontract._client.pacing import Pacing, SpentError
from vcontract._commands.run import execute_on
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._history import STEP, History, read_history
from vcontract._model import Facts, State, all_cells
from vcontract._report.result import RunResult, load_run
from vcontract._run.plan import Step, plan
from vcontract._run.preparation import PLAIN
from vcontract._run.rejudge import rejudge
from vcontract._schema import load as load_schema
from vcontract._simulator import SimulatorServer
from vcontract._strategies.calls import Caller
from vcontract._terms import Ref, Verdict
from vcontract._workers.lanes.dealer import LONGEST, Dealer, blocks_of
from vcontract._workers.lanes.default_lanes import default_lanes

MANAGER, AUTH = "VirtualMachineGuestCustomizationManager", "GuestAuthManager"
AT_WORK = 60_000
"""Bytes of the history of a lane that has taken some steps."""
KNOWN = "3c16ee51ebf5"
"""The id of what the planted bug of these tests is, as one lane finds it."""


@pytest.fixture(scope="module")
def caller() -> Caller:
    """Give who makes calls; it says which VM a step wants."""
    contract = load(MANAGER)
    return Caller(contract, load_schema("8.0.3.0"), Facts(MANAGER, Ref(MANAGER, "m"), "8.0.3.0"), {"held": "full"}, 1)


@pytest.fixture(scope="module")
def steps(caller: Caller) -> list[Step]:
    """Plan a whole run, in which everything is within reach."""
    contract = load(MANAGER)
    methods = [method.name for method in contract.methods]
    return plan(contract, methods, all_cells(contract), caller.cases(), 1).steps


def test_every_step_is_dealt_once_whatever_the_lanes_can_serve(caller: Caller, steps: list[Step]) -> None:
    """Also those that one lane alone serves, and those that none does: somebody tries these, and says why not."""
    dealer = Dealer(steps, caller, (1, 2, 3))
    dealt: Counter[str] = Counter()
    running = {lane: dealer.batches(lane, served(lane)) for lane in (1, 2, 3)}
    while running:
        for lane, batches in list(running.items()):
            batch = next(batches, None)
            if batch is None:
                del running[lane]
                dealer.ended(lane)
            else:
                dealt.update(step.label for step in batch)
                assert lane == 2 or not any(step.cell and only_second(step.cell.state) for step in batch)
    assert dealt == Counter(step.label for step in steps)
    assert dealer.left == []


def served(lane: int) -> Callable[[tuple[object, bool, int]], bool]:
    """Let lane 2 alone serve templates, and no lane a state on a host that is lost."""

    def serves(want: tuple[object, bool, int]) -> bool:
        state = want[0]
        return getattr(state, "connection", "") == "connected" and (lane == 2 or not getattr(state, "template", False))

    return serves


def only_second(state: State) -> bool:
    """Whether lane 2 alone serves a state."""
    return served(2)((state, False, 0)) and not served(1)((state, False, 0))


def test_what_belongs_together_is_dealt_together_and_rows_come_first(caller: Caller, steps: list[Step]) -> None:
    """A step that is kept running for the next stands before it; the sections follow each other as in the plan."""
    blocks = blocks_of(steps, caller)
    assert [step for block in blocks for step in block.steps] == steps
    assert not any(block.steps[-1].keep for block in blocks)
    assert [block.section for block in blocks] == sorted(block.section for block in blocks)
    kept = [len(block.steps) for block in blocks if not any(step.keep for step in block.steps)]
    assert max(kept) == LONGEST


def test_a_lane_goes_on_in_the_state_in_which_it_is(caller: Caller, steps: list[Step]) -> None:
    """As long as a step of the section wants that state, though others stand before it; who is elsewhere takes these."""
    cells = {step.cell.state: step for step in steps if step.cell is not None and step.cell.state.exists}
    off, on = (
        cells[State(power=power, tools=tools)] for power, tools in (("poweredOff", "stopped"), ("poweredOn", "ready"))
    )
    dealer = Dealer([off, on, replace(off, label="again"), replace(on, label="once more")], caller, (1, 2))
    one, two = (dealer.batches(lane, lambda _: True) for lane in (1, 2))
    taken = [next(one), next(one), next(two), next(two)]
    assert [step.label for batch in taken for step in batch] == [off.label, "again", on.label, "once more"]


def test_limits_hold_for_all_who_share_them() -> None:
    """So many requests a second, at one time and in all; one that puts things back is let, for itself alone."""
    clock, waited = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    first = Pacing(10.0, 0, 4, clock=lambda: clock[0], sleep=sleep)
    second = first.beside()
    for pacing in (first, second, first, second):
        with pacing:
            pass
    assert sum(waited) == pytest.approx(0.3)
    assert (first.sent, second.sent) == (4, 4)
    second.lift()
    with second:
        pass
    with pytest.raises(SpentError), first:
        pass


def test_no_more_requests_at_one_time_than_all_together_may_send() -> None:
    """Whoever of them sends."""
    pacings = [Pacing(0.0, 2, 0)]
    pacings += [pacings[0].beside() for _ in range(5)]
    now, most = [0], [0]

    def send(pacing: Pacing) -> None:
        for _ in range(20):
            with pacing:
                now[0] += 1
                most[0] = max(most[0], now[0])
                time.sleep(0.0005)
                now[0] -= 1

    threads = [Thread(target=send, args=(pacing,)) for pacing in pacings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [2]


def told(result: RunResult) -> tuple[object, ...]:
    """Give what must not depend on the number of lanes."""
    return result.verdict, [(each.id, each.verdict) for each in result.rows], {each.id for each in result.findings}


@pytest.mark.parametrize("counts", [(3,), pytest.param((1, 2, 4), marks=pytest.mark.long)])
def test_lanes_find_what_one_finds(counts: tuple[int, ...], vcontract: Command, tmp_path: Path) -> None:
    """Rows, verdicts, ids; `judge` says the same of the histories of the lanes."""
    settings = fitted(task_time=0.02, boot_time=0.06, defects=frozenset({"any-guest-login-is-valid"}))
    found = list[RunResult]()
    with SimulatorServer(settings) as server:
        for lanes in counts:
            place = tmp_path / f"reports-{lanes}"
            options = ("--seed=1", f"--lanes={lanes}", "--report-dir", place, "--contract", AUTH)
            ended = vcontract("run", "--target", server.url, *options)
            found.append(load_run(place / "latest"))
            assert ended.returncode == found[-1].exit_code == 1, ended.stderr
            assert " ".join(ended.stderr.split()).count("--risk full: marked VMs are powered off") == 1
            assert len(found[-1].workers) == (lanes if lanes > 1 else 0)
    assert {str(told(each)) for each in found} == {str(told(found[0]))}
    for result in found:
        assert [each.id for each in result.findings] == [KNOWN]
        broken = {each.id for each in result.rows if each.verdict is Verdict.VIOLATES}
        assert f"{AUTH}/ValidateCredentialsInGuest/InvalidGuestLogin" in broken
        assert all(each.calls > 0 for each in result.workers)
        assert result.cells.exercised == result.cells.reachable > 200
    again = rejudge(place / "latest")
    assert told(again) == told(found[-1])


@contextmanager
def walking(server: SimulatorServer, place: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a run of three lanes; gives it when all are at work."""
    command = (
        sys.executable,
        "-m",
        "vcontract",
        "run",
        "--target",
        server.url,
        "--seed=1",
        "--lanes=3",
        "--contract",
        AUTH,
    )
    with subprocess.Popen(  # noqa: S603 - ours
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        deadline = time.monotonic() + 600
        while sum(each.stat().st_size > AT_WORK for each in place.glob("reports/2*/history-*.jsonl")) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield run


def histories(place: Path) -> dict[str, History]:
    """Read the histories of the lanes by their names."""
    (directory,) = place.glob("reports/2*")
    return {each.name: read_history(each) for each in directory.glob("history-*.jsonl")}


@pytest.mark.parametrize("most", [24, pytest.param(0, marks=pytest.mark.long)])
def test_lanes_that_are_killed_go_on_and_lose_nothing(
    most: int, vcontract: Command, tmp_path: Path, environment: dict[str, str]
) -> None:
    """No step is taken twice, none is left out; what the lanes had said before counts."""
    with SimulatorServer(fitted(task_time=0.05, boot_time=0.1)) as server:
        with walking(server, tmp_path, environment) as run:
            run.send_signal(signal.SIGKILL)
            run.communicate(timeout=600)
        before = histories(tmp_path)
        (cut,) = tmp_path.glob("reports/2*")
        ended = vcontract("run", "--resume", cut, "--target", server.url, f"--max-calls={most}")
    assert ended.returncode in {0, 5 * bool(most)}, ended.stdout + ended.stderr
    result = load_run(tmp_path / "reports" / "latest")
    after = histories(tmp_path)
    taken = [note["label"] for history in after.values() for note in history.noted(STEP)]
    assert [label for label, count in Counter(taken).items() if count > 1] == []
    assert most or (result.cells.exercised, result.cells.unseen) == (result.cells.reachable, [])
    assert len(after) > len(before) == 3
    for name, history in before.items():
        assert after[name].operations[: len(history.operations)] == history.operations
    assert result.calls == sum(done.purpose == "judge" for each in after.values() for done in each.operations)


def test_ctrl_c_ends_every_lane(tmp_path: Path, environment: dict[str, str]) -> None:
    """Each before its next call; then VMs are put back, and all that is known is told."""
    with (
        SimulatorServer(fitted(task_time=0.05, boot_time=0.1)) as server,
        walking(server, tmp_path, environment) as run,
    ):
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=600)
    result = load_run(tmp_path / "reports" / "latest")
    assert run.returncode == result.exit_code == 5, err
    assert "interrupted: what was not reached is untested" in out
    assert [each.died for each in result.workers] == ["", "", ""]
    assert not [note for note in result.notes if note.startswith("not restored")]
    judged = [
        done.start for each in histories(tmp_path).values() for done in each.operations if done.purpose == "judge"
    ]
    assert len(judged) == result.calls


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("--complete: is for one lane; leave --lanes 2 out", RunRequest(lanes=2, complete=0)),
        ("--explore: is for one lane", RunRequest(lanes=2, explore=3)),
        ("--record: is for one lane", RunRequest(lanes=2, record=Path("r.jsonl"))),
        ("--lanes works in one process, --workers in several", RunRequest(lanes=2, workers=2)),
    ],
)
def test_what_cannot_be_done_in_lanes_is_said(said: str, asked: RunRequest, tmp_path: Path) -> None:
    """In one line, and no directory is left."""
    with pytest.raises(UsageError, match=said) as refused:
        execute_on(replace(asked, report_dir=tmp_path / "reports", output="none"))
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "configured", "lanes"),
    [
        (RunRequest(), "", (1, 0)),
        (RunRequest(target="http://127.0.0.1:8989/sdk"), "", (1, 0)),
        (RunRequest(target="http://localhost:8989/sdk"), "", (1, 0)),
        (RunRequest(target="https://vcenter.example/sdk"), "", (4, 2)),
        (RunRequest(), 'target = "https://vcenter.example/sdk"', (4, 2)),
        (RunRequest(), 'target = "https://vcenter.example/sdk"\nlanes = 7', (7, 0)),
        (RunRequest(target="https://vcenter.example/sdk", record=Path("r.jsonl")), "", (1, 0)),
        (RunRequest(target="https://vcenter.example/sdk", explore=3), "", (1, 0)),
        (RunRequest(target="https://vcenter.example/sdk", workers=2), "", (1, 0)),
    ],
)
def test_a_run_that_asks_for_no_lanes(
    asked: RunRequest, configured: str, lanes: tuple[int, int], tmp_path: Path
) -> None:
    """It has several on a target elsewhere, few for each host, unless one lane does what is asked for."""
    if configured:
        file = tmp_path / "vcontract.toml"
        file.write_text(configured)
        asked = replace(asked, config=file)
    assert default_lanes(asked, PLAIN) == lanes


def test_a_server_that_the_run_starts_is_for_one_lane(tmp_path: Path) -> None:
    """Who starts it again must know what led to its end; it is ended, and no directory is left."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    start = [sys.executable, "-m", "vcontract", "simulate", "--port", str(port)]
    file = tmp_path / "vcontract.toml"
    account = 'role = "full"\nusername = "administrator@vsphere.local"\npassword = "vcontract"'
    lines = (
        f'target = "http://127.0.0.1:{port}/sdk"',
        "[[account]]",
        account,
        "[server]",
        f"start = {json.dumps(start)}",
    )
    file.write_text("\n".join(lines), "utf-8")
    with pytest.raises(UsageError, match="is judged in one lane"):
        execute_on(RunRequest(lanes=2, config=file, report_dir=tmp_path / "reports", output="none"))
    assert not (tmp_path / "reports").exists()
