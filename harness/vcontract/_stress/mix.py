"""The mix of steps that clients take, by weight; it is read from a file of the user's or the one that ships."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vcontract._errors import UsageError
from vcontract._toml_file import read_toml

Weight = Annotated[float, Meta(ge=0)]
Login = Literal["accepted", "mayNot", "rejected"]
Read = Literal["vm", "task", "session"]
Power = Literal["PowerOffVM_Task", "ResetVM_Task"]
SHIPPED = Path(__file__).with_name("mix.toml")


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of the methods under test, of the logins in their calls, of reads, and of power operations."""

    calls: dict[str, Weight] = {}
    logins: dict[Login, Weight] = {}
    reads: dict[Read, Weight] = {}
    power: dict[Power, Weight] = {}

    def without_power(self) -> Mix:
        """Give the mix without power operations."""
        return msgspec.structs.replace(self, power={})

    def action(self, random: Random) -> tuple[str, str]:
        """Draw a step: its kind, `call`, `read` or `power`, and its name."""
        weights = {("call", name): weight for name, weight in self.calls.items()}
        weights |= {("read", name): weight for name, weight in self.reads.items()}
        weights |= {("power", name): weight for name, weight in self.power.items()}
        return random.choices(list(weights), list(weights.values()))[0]

    def login(self, random: Random) -> str:
        """Draw a login."""
        return random.choices(list(self.logins), list(self.logins.values()))[0]


def load_mix(path: Path | None, methods: tuple[str, ...]) -> Mix:
    """Read a mix (None: the one that ships) for a contract with these methods.

    Raises UsageError for what cannot be understood, for an unknown method, and if nothing has a weight.
    """
    place = path or SHIPPED
    mix = read_toml(place, Mix)
    unknown = sorted(set(mix.calls) - set(methods))
    if unknown:
        raise UsageError(f"{place}: calls.{unknown[0]}: no method of the contract; it has {', '.join(methods)}")
    if not any(mix.calls.values()):
        raise UsageError(f"{place}: [calls]: no method has a weight above 0")
    if not any(mix.logins.values()):
        raise UsageError(f"{place}: [logins]: no login has a weight above 0")
    return mix
