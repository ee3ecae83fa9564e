"""`run --record FILE` and `run --target replay:FILE`: what a recording keeps of a run, and a run made of it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract import __version__
from vcontract._client.recording import FORMAT, Opening, Recording, read_recording
from vcontract._config.config import Config
from vcontract._config.request import DECIDING, REPLAY, RunRequest, record_of, request_of
from vcontract._config.server import Server
from vcontract._errors import RunFileError, UsageError
from vcontract._report.safe_text import one_line
from vcontract._terms import Json

_MARK = "id"
"""Under this name a recording keeps the mark of what the run made."""


class Recorded(msgspec.Struct, frozen=True):
    """A recording with what was asked and configured, read and checked.

    Of the request only what decides which requests are sent is known; `run` is the mark of what the run made.
    """

    path: Path
    recording: Recording
    request: RunRequest
    run: str
    config: Config

    def request_for(self, given: RunRequest, said: AbstractSet[str]) -> RunRequest:
        """Give the request of the recorded run; what is `said` now, by field, counts instead.

        Raises RunFileError if the run was given a WSDL that is not said now: a recording names no file to be opened.
        """
        if self.request.wsdl and "wsdl" not in said:
            wsdl = one_line(self.request.wsdl)
            raise RunFileError(f"{self.path}: the run was given --wsdl {wsdl}: name it again")
        return replace(given, **{name: getattr(self.request, name) for name in DECIDING if name not in said})


def recorded(target: str) -> Recorded:
    """Read the recording that `replay:FILE` names. Raises RunFileError if it is none or not whole."""
    path = Path(target.removeprefix(REPLAY))
    found = read_recording(path)
    try:
        request, run = _asked(found.opening.asked)
        config = _bare(msgspec.convert(found.opening.config, Config))
    except msgspec.ValidationError as error:
        raise RunFileError(f"{path}:1: does not say what was asked of the run: {error}") from error
    return Recorded(path, found, request, run, config)


def _asked(kept: Mapping[str, Json]) -> tuple[RunRequest, str]:
    """Read the request and the mark of a recorded run. Raises msgspec.ValidationError, also for what is not known here."""
    if unknown := kept.keys() - {*DECIDING, _MARK}:
        raise msgspec.ValidationError(f"Object contains unknown field `{min(unknown)}`")
    if "contract" not in kept:
        raise msgspec.ValidationError("Object missing required field `contract`")
    return request_of(kept), msgspec.convert(kept.get(_MARK, ""), str)


def opening(url: str, request: RunRequest, run: str, config: Config) -> Opening:
    """Make the first line of a recording; neither a password nor a path of this machine is in it."""
    record = record_of(request)
    asked: dict[str, Json] = {name: record[name] for name in DECIDING} | {_MARK: run}
    configured: dict[str, Json] = msgspec.to_builtins(_bare(config))
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return Opening(FORMAT, url, began, asked, configured, __version__)


def _bare(config: Config) -> Config:
    """Take out of a configuration what names a place or program: a recording holds no password and nothing of this machine."""
    accounts = tuple(replace(account, password="", password_env="", password_file="") for account in config.account)
    guests = tuple(replace(guest, password="", password_env="", password_file="") for guest in config.guest)
    return replace(config, account=accounts, guest=guests, target="", ca_file="", proxy="", server=Server())


def refuse(what: str, *, because: str, given: Mapping[str, object]) -> None:
    """Refuse options that do not go with one. Raises UsageError that names the first."""
    for option, value in given.items():
        if value:
            raise UsageError(f"{option}: does not go with {what}, {because}")
