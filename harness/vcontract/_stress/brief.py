"""The brief of one process of a stress run, as JSON, without passwords: those come by the environment or from files."""

from __future__ import annotations

import os
from typing import Literal

import msgspec

from vcontract._client import Logins
from vcontract._config.govc import PASSWORD
from vcontract._config.request import RunRequest, decode_path, encode_path
from vcontract._run.preparation import Preparation
from vcontract._stress.load import Load

Role = Literal["alone", "master", "worker"]


class Brief(msgspec.Struct, frozen=True):
    """The part that a process plays in a load against the target that the request names.

    `host` and `port` are where the master listens. A master waits for `workers`, which it starts itself if `starts`. With
    `web` Locust's page is served on that port (0: not). `simulator` is the process of a simulator that was started for the
    run, and may be restarted (0: there is none). `proxy` is used instead of the configured one. `logins` is the folder in
    which the processes of this machine tell of refused logins. All processes claim VMs in the name of `claimant` (empty:
    each in its own).
    """

    load: Load
    request: RunRequest
    replay: str
    role: Role = "alone"
    host: str = ""
    port: int = 0
    workers: int = 1
    starts: bool = False
    web: int = 0
    simulator: int = 0
    proxy: str = ""
    logins: str = ""
    claimant: str = ""

    def preparation(self) -> Preparation:
        """Make the preparation of the run in this process."""
        return Preparation(
            password=os.environ.get(PASSWORD, ""),
            replay=self.replay,
            proxy=self.proxy,
            logins=Logins(self.logins),
            claimant=self.claimant,
        )


def encoded(brief: Brief) -> bytes:
    """Write a brief as JSON."""
    return msgspec.json.encode(brief, enc_hook=encode_path)


def decoded(line: bytes) -> Brief:
    """Read a brief. Raises msgspec.DecodeError."""
    return msgspec.json.decode(line, type=Brief, dec_hook=decode_path)
