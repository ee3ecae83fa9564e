"""A load that is repeated until it fails ends there, after so many, or as soon as it cannot go on; and says how often."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from vcontract._stress.mix import SHIPPED
from vcontract._stress.rounds import UNTIL_SHOWN, repeated, until_shown


@pytest.mark.parametrize(
    ("ends", "code", "last"),
    [
        ([0, 5, 1, 0], 1, "load 3 of at most 4: failed (exit 1), after 2 that did not"),
        ([0, 0, 0, 0], 0, "4 loads: none failed (exit 0)"),
        ([0, 5, 0, 0], 5, "4 loads: none failed (exit 5)"),
        ([0, 3, 1, 1], 3, "load 2 of at most 4: it is the last (exit 3); none failed"),
    ],
)
def test_a_load_is_repeated_until_one_fails(ends: list[int], code: int, last: str) -> None:
    """What could not be carried out is not tried again: a server may be in distress."""
    said: list[str] = []
    left = iter(ends)
    assert repeated(lambda: (next(left), False), len(ends), said.append) == code
    assert said[-1] == last


def test_one_that_was_interrupted_is_the_last() -> None:
    """Ctrl-C ends what was begun, not only the load that runs."""
    said: list[str] = []
    ends = iter([(0, False), (5, True)])
    assert repeated(lambda: next(ends), 3, said.append) == 5
    assert said == [
        "load 1 of at most 3: nothing was found",
        "load 2 of at most 3: it is the last (exit 5); none failed",
    ]


def test_one_load_alone_says_no_more_than_it_did() -> None:
    """It has a report."""
    said: list[str] = []
    assert repeated(lambda: (1, False), 1, said.append) == 1
    assert said == []


def test_the_command_of_a_finding_repeats_the_load() -> None:
    """As often as it was said, else a few times: one load does not always meet a race again."""
    assert until_shown("vcontract stress --seed 1") == f"vcontract stress --seed 1 --rounds {UNTIL_SHOWN}"
    assert until_shown("vcontract stress --seed 1 --rounds 2") == "vcontract stress --seed 1 --rounds 2"
    assert not until_shown("")


def test_a_clean_server_ends_after_the_rounds(load: Any) -> None:
    """Exit 0, and each load has a report of its own."""
    ended = load.run("--clients", "2", "--vms", "2", "--rounds", "2", seconds=1.0)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "2 loads: none failed (exit 0)"
    assert len([each for each in load.reports.iterdir() if each.name != "latest"]) == 2


def test_what_is_printed_repeats_what_was_judged(load: Any, tmp_path: Path) -> None:
    """Clients, VMs, processes, mix and scenario, whatever folder the command is pasted in."""
    mix, own = tmp_path / "mix.toml", tmp_path / "own.toml"
    mix.write_text(SHIPPED.read_text("utf-8"), "utf-8")
    own.write_text('[[disturbance]]\nname = "latency"\n')
    options = (
        "--clients",
        "2",
        "--vms",
        "2",
        "--processes",
        "2",
        "--mix",
        "mix.toml",
        "--disturb",
        "own.toml,slow-network",
    )
    ended = load.run(*options, seconds=1.0, folder=tmp_path)
    assert load.reports.exists(), ended.stderr
    words = shlex.split(load.result["replay"])
    told = dict(zip(words[2::2], words[3::2], strict=True))
    assert (told["--clients"], told["--vms"], told["--processes"]) == ("2", "2", "2")
    assert (told["--mix"], told["--disturb"]) == (str(mix), f"{own},slow-network")
