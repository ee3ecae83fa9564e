"""Scenarios, which say which disturbances strike, how often and for how long, and the schedule that a seed draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Annotated

import msgspec
from msgspec import Meta

from vcontract._disturbances.network.catalogue import NETWORK
from vcontract._disturbances.parameters import Parameters
from vcontract._disturbances.planned import Planned
from vcontract._disturbances.system.catalogue import SYSTEM
from vcontract._errors import UsageError
from vcontract._terms import Json
from vcontract._toml_file import read_toml

SHIPPED = Path(__file__).with_name("scenarios")
KNOWN: Mapping[str, type[Parameters]] = {**NETWORK, **SYSTEM}
"""The parameters of every disturbance by its name."""


class Entry(msgspec.Struct, frozen=True):
    """One disturbance of a scenario: the load is cut into as many equal parts as `times`, and in each it strikes once.

    It lasts `lasts` seconds of each part, from a time that the seed draws; without `lasts`, the whole part.
    """

    name: str
    times: Annotated[int, Meta(ge=1, le=1000)] = 1
    lasts: Annotated[float, Meta(ge=0, le=86400)] | None = None
    parameters: dict[str, Json] = {}


class Scenario(msgspec.Struct, frozen=True):
    """A named table of disturbances, with its description (`says`)."""

    name: str
    says: str
    entries: tuple[Entry, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    disturbance: Annotated[tuple[dict[str, Json], ...], Meta(min_length=1)]
    says: str = ""


def names() -> tuple[str, ...]:
    """List the shipped scenarios."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.toml")))


def load_scenario(name_or_path: str) -> Scenario:
    """Read a shipped scenario by its name, or a file of the user's (what ends in .toml or has a slash in it).

    Several names, separated by commas, give one scenario with the disturbances of all. Raises UsageError, in one line that
    says what to do, for an unknown name, key or value.
    """
    scenarios = [_one(name.strip()) for name in name_or_path.split(",")]
    if len(scenarios) == 1:
        return scenarios[0]
    entries = tuple(entry for scenario in scenarios for entry in scenario.entries)
    return Scenario(
        "+".join(scenario.name for scenario in scenarios), " ".join(scenario.says for scenario in scenarios), entries
    )


def with_whole_paths(name_or_path: str) -> str:
    """Give the same scenarios, with the user's files named by whole paths: it then means the same in every folder."""
    scenarios = [name.strip() for name in name_or_path.split(",")]
    return ",".join(str(Path(name).absolute()) if _is_file(name) else name for name in scenarios)


def _is_file(name_or_path: str) -> bool:
    return name_or_path.endswith(".toml") or "/" in name_or_path


def _one(name_or_path: str) -> Scenario:
    own = _is_file(name_or_path)
    path = Path(name_or_path) if own else SHIPPED / f"{name_or_path}.toml"
    if not own and name_or_path not in names():
        raise UsageError(
            f"there is no scenario {name_or_path!r}; shipped are {', '.join(names())}, or give a .toml file"
        )
    file = read_toml(path, _File)
    entries = tuple(_entry(f"{path}: disturbance {number}", table) for number, table in enumerate(file.disturbance, 1))
    return Scenario(path.stem, file.says, entries)


def schedule(scenario: Scenario, seed: int, seconds: float) -> tuple[Planned, ...]:
    """Draw the times of a scenario's disturbances in a load of `seconds`, in the order of their starts.

    The same scenario, seed and seconds give the same schedule.
    """
    planned = []
    for number, entry in enumerate(scenario.entries):
        rng, part = Random(f"{seed} {number}"), seconds / entry.times  # noqa: S311 - no secret
        lasts = part if entry.lasts is None else min(entry.lasts, part)
        for turn in range(entry.times):
            start = turn * part + rng.random() * (part - lasts)
            planned.append(Planned(entry.name, round(start, 6), round(start + lasts, 6), entry.parameters))
    return tuple(sorted(planned, key=lambda disturbance: disturbance.start))


def _entry(where: str, table: dict[str, Json]) -> Entry:
    """Check one table: its name, its times, and the parameters of that disturbance."""
    name = table.get("name")
    kind = KNOWN.get(name) if isinstance(name, str) else None
    if kind is None:
        raise UsageError(f"{where}: there is no disturbance {name!r}; known are {', '.join(sorted(KNOWN))}")
    times = {"name", "times", "lasts"}
    parameters = {key: value for key, value in table.items() if key not in times}
    if unknown := sorted(parameters.keys() - set(kind.__struct_fields__)):
        known = ", ".join([*sorted(times), *kind.__struct_fields__])
        raise UsageError(f"{where} ({name}): unknown key {unknown[0]!r}; known are {known}")
    try:
        msgspec.convert(parameters, kind)
        entry = msgspec.convert({**{key: table[key] for key in times & table.keys()}, "parameters": parameters}, Entry)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} ({name}): {error}") from error
    if name in NETWORK and entry.lasts == 0:
        raise UsageError(f"{where} ({name}): lasts = 0 leaves it no time to strike; give seconds, or leave it out")
    return entry
