"""`run --record FILE` and `run --target replay:FILE`: what a recording keeps of a run, and a run made of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract import __version__
from vcontract.client.recording import FORMAT, Opening, Recording, read_recording
from vcontract.config.config import Config
from vcontract.config.options import Options
from vcontract.errors import RunFileError, UsageError
from vcontract.terms import Json

REPLAY = "replay:"
"""A target that begins so is a file, not a server."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked of the recorded run, as far as it decides what is sent."""

    contract: str
    wsdl: str = ""
    seed: int = 0
    methods: tuple[str, ...] = ()
    max_calls: int = 0
    time_limit: float = 0.0
    complete: int | None = None
    alphabet: tuple[str, ...] = ()
    explore: int = 0
    explore_only: bool = False
    id: str = ""


class Recorded(msgspec.Struct, frozen=True):
    """A recording with what was asked and configured, read and checked."""

    path: Path
    recording: Recording
    asked: Asked
    config: Config

    def options(self, given: Options, *, seed: int | None) -> Options:
        """Give the options of the recorded run; what is given now counts where it says something."""
        asked = self.asked
        return replace(
            given,
            seed=asked.seed if seed is None else seed,
            methods=given.methods or asked.methods,
            max_calls=given.max_calls or asked.max_calls,
            time_limit=given.time_limit or asked.time_limit,
            complete=asked.complete if given.complete is None else given.complete,
            alphabet=given.alphabet or asked.alphabet,
            explore=given.explore or asked.explore,
            explore_only=given.explore_only or asked.explore_only,
            replay=f"vcontract run --target {REPLAY}{self.path}" + (f" --seed {seed}" if seed is not None else ""),
        )


def recorded(target: str) -> Recorded:
    """Read the recording that `replay:FILE` names. Raises RunFileError if it is none or not whole."""
    path = Path(target.removeprefix(REPLAY))
    found = read_recording(path)
    try:
        asked = msgspec.convert(found.opening.asked, Asked)
        config = msgspec.convert(found.opening.config, Config)
    except msgspec.ValidationError as error:
        raise RunFileError(f"{path}:1: does not say what was asked of the run: {error}") from error
    return Recorded(path, found, asked, config)


def opening(url: str, contract: str, wsdl: str, options: Options, config: Config) -> Opening:
    """Make the first line of a recording; neither a password nor a path of this machine is in it."""
    accounts = tuple(replace(each, password="", password_env="", password_file="") for each in config.account)
    guests = tuple(replace(each, password="", password_env="", password_file="") for each in config.guest)
    bare = replace(config, account=accounts, guest=guests, target="", ca_file="")
    asked = Asked(
        contract,
        wsdl,
        options.seed,
        options.methods,
        options.max_calls,
        options.time_limit,
        options.complete,
        options.alphabet,
        options.explore,
        options.explore_only,
        options.id,
    )
    configured: dict[str, Json] = msgspec.to_builtins(bare)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return Opening(FORMAT, url, began, msgspec.to_builtins(asked), configured, __version__)


def refuse(what: str, *, because: str, given: Mapping[str, object]) -> None:
    """Refuse options that do not go with one. Raises UsageError that names the first."""
    for option, value in given.items():
        if value:
            raise UsageError(f"{option}: does not go with {what}, {because}")
