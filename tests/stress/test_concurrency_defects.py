"""Bugs that only several clients at once see are found; a server that keeps the contract is not accused, disturbed or not."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._disturbances.scenario import names
from vcontract._simulator.defects import DEFECTS
from vcontract._simulator.defects.registry import Defect

CONCURRENT = sorted(name for name, each in DEFECTS.known.items() if isinstance(each, Defect) and each.concurrent)
SAMPLE = {  # one for each way to see them
    "abort-and-completion-both-win": "legal-order",
    "each-session-has-its-own-lock": "one-customization",
    "task-in-progress-names-an-ended-task": "blamed-task",
    "sessions-opened-together-are-one": "own-sessions",
}
SEEDS = (1, 271828, 577215, 141421, 662607)
SOON = ("each-session-has-its-own-lock", "sessions-opened-together-are-one")
"""Those of them that are looked for at every commit."""
CROWD = ("--clients", "8", "--vms", "3")
SCENARIOS = names()


def found(load: Any, simulator: Any, defect: str, seed: int) -> set[str]:
    """Look for a bug with more and more time, a minute in all at the most; gives the guarantees that it broke.

    A short load may show it first by another one than that which it is known to break.
    """
    broken: set[str] = set()
    for seconds in (4, 12, 30):
        with simulator("--defect", defect) as url:
            ended = load.run(*CROWD, "--target", url, seconds=seconds, seed=seed)
        assert ended.returncode in {0, 1, 5}, ended.stderr
        broken |= load.broken()
        if SAMPLE.get(defect, "") in broken or (defect not in SAMPLE and broken):
            break
    return broken


def test_there_are_enough_of_them() -> None:
    """At least a dozen, as they are many ways to go wrong."""
    assert len(CONCURRENT) >= 12
    assert set(SAMPLE) <= set(CONCURRENT)


@pytest.mark.parametrize(
    "defect", [pytest.param(name, marks=[] if name in SOON else pytest.mark.long) for name in SAMPLE]
)
def test_a_bug_that_only_several_clients_see(load: Any, simulator: Any, defect: str) -> None:
    """It is found, and by the guarantee that it breaks."""
    assert SAMPLE[defect] in found(load, simulator, defect, 1)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("defect", CONCURRENT)
def test_every_bug_at_every_seed(load: Any, simulator: Any, defect: str, seed: int) -> None:
    """Each within a minute of load."""
    assert found(load, simulator, defect, seed)


def accused(load: Any, seed: int, *options: str, seconds: float = 4.0) -> list[str]:
    """Let clients work on a faithful simulator; gives what it is accused of, and what was planned and did not strike."""
    ended = load.run(*CROWD, *options, seconds=seconds, seed=seed)
    found = load.result
    assert found["calls"] > 0, ended.stdout
    assert found["verdict"] in {"conforms", "untested"}, ended.stdout
    return [*(each["row"] for each in found["findings"]), *found["stress"]["unsure"]]


@pytest.mark.parametrize("scenario", ["failing-hosts", pytest.param("repeated-requests", marks=pytest.mark.long)])
def test_a_disturbed_server_that_keeps_the_contract_is_not_accused(load: Any, scenario: str) -> None:
    """What was planned struck, and is counted."""
    assert accused(load, 1, "--disturb", scenario) == []
    assert load.result["stress"]["scenario"] == scenario
    assert sum(load.result["stress"]["fired"].values()) > 2


def test_a_service_that_restarts_is_not_accused(load: Any) -> None:
    """Every client logs in again, and what it had begun goes on."""
    assert accused(load, 1, "--disturb", "server-restart") == []
    assert load.result["stress"]["fired"] == {"server-restart": 1}
    logins = [each["count"] for each in load.result["stress"]["latencies"] if each["method"] == "Login"]
    assert sum(logins) >= 2 * int(CROWD[1])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_twenty_undisturbed_runs(load: Any, seed: int) -> None:
    """None of them accuses anybody."""
    assert accused(load, seed) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_twenty_disturbed_runs(load: Any, seed: int) -> None:
    """Each scenario in turn; none of them accuses anybody."""
    assert accused(load, seed, "--disturb", SCENARIOS[seed % len(SCENARIOS)]) == []


def test_a_disturbance_that_never_strikes_is_not_green(load: Any, tmp_path: Any) -> None:
    """Nothing is known of it then: inconclusive, with its name."""
    scenario = tmp_path / "rare.toml"
    scenario.write_text('[[disturbance]]\nname = "reset-after"\nprobability = 0.0000001\n')
    ended = load.run(*CROWD, "--disturb", str(scenario))
    assert ended.returncode == 5, ended.stdout
    assert load.result["verdict"] == "inconclusive"
    assert "reset-after" in load.result["stress"]["unsure"][0]


def test_a_scenario_that_cannot_be_is_one_line(load: Any, simulator: Any) -> None:
    """Unknown, or with nothing to strike."""
    unknown = load.run("--disturb", "flood")
    assert unknown.returncode == 2
    assert "there is no scenario 'flood'" in unknown.stderr
    with simulator() as url:  # which the run did not start
        restart = load.run("--disturb", "server-restart", "--target", url)
    assert restart.returncode == 2
    assert "--disturb server-restart: server-restart:" in restart.stderr
    assert "Traceback" not in unknown.stderr + restart.stderr
