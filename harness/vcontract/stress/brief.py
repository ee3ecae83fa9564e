"""What a process of a stress run is told, as JSON; it holds no password, those come by the environment or from files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from vcontract.config.options import Options
from vcontract.run.job import Job
from vcontract.stress.load import Load

Role = Literal["alone", "master", "worker"]
PASSWORD = "VCONTRACT_PASSWORD"  # noqa: S105 - the name of a variable


class Brief(msgspec.Struct, frozen=True):
    """Which part a process plays, of what load, against which target; the fields beside are those of `Job`.

    `host` and `port` are where the master listens. A master waits for `workers`, which it starts itself if `starts`. With
    `web` Locust's page is served on that port (0: not). `simulator` is the process of a simulator that was started for the
    run, and may be restarted (0: the target is another's).
    """

    load: Load
    contract: str
    seed: int
    replay: str
    role: Role = "alone"
    host: str = ""
    port: int = 0
    workers: int = 1
    starts: bool = False
    web: int = 0
    simulator: int = 0
    target: str = ""
    username: str = ""
    password_file: str = ""
    insecure: bool = False
    config: str = ""
    proxy: str = ""
    wsdl: str = ""
    report_dir: str = "reports"
    output: str = "text"

    def job(self) -> Job:
        """Make the job that reaches the target."""
        return Job(
            contract=self.contract,
            options=Options(self.seed, replay=self.replay, time_limit=0.0),
            target=self.target,
            username=self.username,
            password=os.environ.get(PASSWORD, ""),
            password_file=Path(self.password_file) if self.password_file else None,
            insecure=self.insecure,
            config=Path(self.config) if self.config else None,
            proxy=self.proxy,
            wsdl=self.wsdl,
            report_dir=Path(self.report_dir),
            output=self.output,
        )
