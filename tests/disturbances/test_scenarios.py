"""Scenarios are tables that say all of what is wrong in one line; a seed draws the same schedule again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcontract._disturbances.network.catalogue import NETWORK
from vcontract._disturbances.planned import Fired, Planned, unfired
from vcontract._disturbances.scenario import KNOWN, SHIPPED, load_scenario, names, schedule
from vcontract._disturbances.system.catalogue import SYSTEM
from vcontract._errors import UsageError

SECONDS = 60.0


@pytest.mark.parametrize("name", names())
def test_a_shipped_scenario_fits_into_any_load(name: str) -> None:
    """What it plans lies within the load, begins before it ends, and says what it is about."""
    scenario = load_scenario(name)
    assert scenario.says.endswith(".")
    for seconds in (1.0, SECONDS, 3600.0):
        planned = schedule(scenario, 1, seconds)
        assert len(planned) == sum(each.times for each in scenario.entries)
        assert all(0 <= each.start <= each.end <= seconds for each in planned)
        assert list(planned) == sorted(planned, key=lambda each: each.start)
        assert all(each.start < each.end for each in planned if each.name in NETWORK)


def test_the_shipped_scenarios_know_every_disturbance() -> None:
    """No disturbance is without a scenario that tries it."""
    used = {entry.name for name in names() for entry in load_scenario(name).entries}
    assert used == set(KNOWN) == {*NETWORK, *SYSTEM}


def test_a_seed_draws_the_same_schedule_again() -> None:
    """The same seed plans the same, another one something else."""
    every = load_scenario(",".join(names()))
    assert schedule(every, 7, SECONDS) == schedule(every, 7, SECONDS)
    assert schedule(every, 7, SECONDS) != schedule(every, 8, SECONDS)


def test_several_scenarios_are_one() -> None:
    """Names with commas between them give all that they have."""
    several = load_scenario("lost-sessions, slow-network")
    assert several.name == "lost-sessions+slow-network"
    assert several.entries == load_scenario("lost-sessions").entries + load_scenario("slow-network").entries


def test_a_file_of_the_users_is_a_scenario(tmp_path: Path) -> None:
    """With its own times and parameters; without `lasts` a disturbance takes its whole part of the load."""
    path = tmp_path / "mine.toml"
    path.write_text('[[disturbance]]\nname = "latency"\ntimes = 2\nseconds = 0.2\n')
    assert schedule(load_scenario(str(path)), 1, 10) == (
        Planned("latency", 0.0, 5.0, {"seconds": 0.2}),
        Planned("latency", 5.0, 10.0, {"seconds": 0.2}),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[disturbance]]\nname = "earthquake"', "no disturbance 'earthquake'; known are .*latency"),
        ("[[disturbance]]\ntimes = 2", "no disturbance None"),
        ('[[disturbance]]\nname = "latency"\nsecs = 1', r"\(latency\): unknown key 'secs'; known are .*seconds"),
        ('[[disturbance]]\nname = "latency"\nseconds = -1', r"\(latency\): Expected `float` > 0.*seconds"),
        ('[[disturbance]]\nname = "latency"\nseconds = "long"', r"\(latency\): Expected `float`, got `str`"),
        ('[[disturbance]]\nname = "latency"\nprobability = 2', "probability"),
        ('[[disturbance]]\nname = "latency"\nlasts = 0', "lasts = 0 leaves it no time"),
        ('[[disturbance]]\nname = "latency"\ntimes = 0', "times"),
        ('[[disturbance]]\nname = "host-lost"\nseconds = 1', "unknown key 'seconds'"),
        ("", "disturbance"),
        ("seed = 1", "unknown field `seed`|missing required field `disturbance`"),
        ("disturbance = []", "length >= 1"),
        ("[[disturbance]", "mine.toml"),
    ],
)
def test_a_file_that_cannot_be_used_says_so_in_a_line(text: str, said: str, tmp_path: Path) -> None:
    """The line names the file, the disturbance by its number, the key, and what there is instead."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as raised:
        load_scenario(str(path))
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("name", ["storm", "", "slow-network,storm", "missing.toml", "./missing"])
def test_an_unknown_scenario_is_refused_in_a_line(name: str) -> None:
    """A name that is none says which there are; a file that is not there, that it cannot be read."""
    with pytest.raises(UsageError, match=r"shipped are .*slow-network|cannot be read") as raised:
        load_scenario(name)
    assert "\n" not in str(raised.value)


def test_what_never_struck_is_told() -> None:
    """By its place in the schedule, not by its name."""
    planned = (Planned("latency", 0, 1), Planned("latency", 2, 3), Planned("jitter", 0, 1))
    assert unfired(planned, [Fired("latency", 1, 0.5), Fired("jitter", 2, 0.1)]) == (planned[0],)
    assert unfired(planned, []) == planned


def test_the_readme_tells_of_every_disturbance_and_parameter() -> None:
    """Each has a row, and in it each of its parameters with the default that it has."""
    rows = {
        each.split("`")[1]: each
        for each in (SHIPPED / "README.md").read_text("utf-8").splitlines()
        if each[:3] == "| `"
    }
    assert rows.keys() == KNOWN.keys()
    for name, kind in KNOWN.items():
        for parameter, default in zip(kind.__struct_fields__, kind.__struct_defaults__, strict=True):
            assert parameter == "probability" or f"`{parameter}`" in rows[name], (name, parameter)
            assert parameter == "probability" or f"({default:g})" in rows[name], (name, parameter)
        assert all(f"`{need}`" in rows[name] for need in getattr(kind, "needs", ())), name
