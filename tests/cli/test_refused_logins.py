"""No verb has an account refused more than once, whatever it does with how many sessions and processes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.doorman import Doorman
from tests.mangler import Mangled, mangled, simulator
from vcontract._config.config import LOOPBACK

__all__ = ["mangled", "simulator"]

ADMINISTRATOR = "administrator@vsphere.local"
WRONG = """
[[account]]
role = "{first}"
username = "administrator@vsphere.local"
password = "not-its-password"
[[account]]
role = "{second}"
username = "ADMINISTRATOR@vsphere.local"
password = "nor-this-one"
"""
VERBS = {
    "doctor": ("doctor",),
    "dry": ("run", "--dry-run"),
    "run": ("run", "--max-calls", "5"),
    "workers": ("run", "--workers", "2", "--max-calls", "5"),
    "explore": ("run", "--explore", "5"),
    "adopt": ("adopt", "--vm", "none-*", "--yes"),
    "cleanup": ("cleanup",),
    "learn": ("learn", "--max-calls", "5"),
    "automaton": ("learn", "--explore", "--depth", "1"),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory, without anything in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("GOVC_URL", "VCONTRACT_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("verb", VERBS)
def test_roles_that_share_an_account_are_refused_once(vcontract: Command, mangled: Mangled, verb: str) -> None:
    """Each of them has a wrong password of its own; the account is tried with one."""
    doorman = Doorman()
    Path("c.toml").write_text(WRONG.format(first="full", second="readonly"))
    ended = vcontract(*VERBS[verb], "--target", mangled(doorman).url, "--config", "c.toml")
    told = "\n".join([*ended.out, *ended.err])
    assert "Traceback" not in told
    assert (ended.code, "InvalidLogin" in told) == (3, True)
    assert doorman.refused == {ADMINISTRATOR: 1}
    assert doorman.came.total() == 1


@pytest.fixture
def own_file() -> Path:
    """Give a configuration with the accounts of the simulator, for one behind a proxy."""
    place = Path("own.toml")
    text = "".join(
        f'[[account]]\nrole = "{account.role}"\nusername = "{account.username}"\npassword = "{account.password}"\n'
        for account in LOOPBACK.account
    )
    guest = '[[guest]]\nusername = "root"\npassword = "guest"\nmay_customize = true\n'
    place.write_text(f"staleness = 0.02\npublish = 0.0\n{text}{guest}")
    return place


def test_workers_tell_each_other_of_a_refusal(vcontract: Command, mangled: Mangled, own_file: Path) -> None:
    """The password was changed after the survey: of three processes, and what restores at the end, one is refused."""
    doorman = Doorman(lambda number: number > 4)
    ended = vcontract(
        "run", "--workers", "2", "--max-calls", "6", "--target", mangled(doorman).url, "--config", own_file
    )
    assert ended.code != 4, ended
    assert (doorman.came.total(), doorman.refused) == (5, {ADMINISTRATOR: 1})


@pytest.mark.parametrize(
    ("let_in", "processes"),
    [(5, 1), *(pytest.param(*each, marks=pytest.mark.long) for each in ((0, 1), (0, 2), (8, 2)))],
)
def test_clients_of_a_load_are_refused_once(mangled: Mangled, own_file: Path, let_in: int, processes: int) -> None:
    """Six clients begin at once; the password is wrong from the first login on, or is changed when some are in."""
    if find_spec("locust") is None:  # not imported: it would put gevent in the place of this process's sockets
        pytest.skip("Locust, the extra `stress`, is not installed")
    doorman = Doorman(lambda number: number > let_in)
    load = ("--clients", "6", "--vms", "2", "--time-limit", "2", "--processes", str(processes))
    command = (
        sys.executable,
        "-m",
        "vcontract",
        "stress",
        *load,
        "--break-claim",  # of the runs before on this simulator, which could not log in to let go of it
        "--target",
        mangled(doorman).url,
        "--config",
        str(own_file),
    )
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=os.environ)  # noqa: S603 - ours
    assert "Traceback" not in ended.stderr
    assert ended.returncode not in {0, 4}, ended.stderr
    assert sum(doorman.refused.values()) == 1, (doorman.refused, ended.stderr)


def test_the_directories_of_many_cut_runs_are_one_verb(vcontract: Command, mangled: Mangled, own_file: Path) -> None:
    """Bare cleanup goes on with the next run when one cannot be put right; the account is not tried for each of them."""
    doorman = Doorman()
    url = mangled(doorman).url
    for seed in ("1", "2"):
        vcontract("run", "--seed", seed, "--max-calls", "3", "--target", url, "--config", own_file)
    for place in Path("reports").glob("*/run.json"):
        place.unlink()
    came = doorman.came.total()
    doorman.refuse(lambda number: number > came)
    ended = vcontract("cleanup", "--target", url, "--config", own_file)
    assert ended.code != 4
    assert doorman.refused == {ADMINISTRATOR: 1}
