"""The account that a command names, or that the environment holds for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vcontract._cli.output import tell_line

if TYPE_CHECKING:
    from vcontract._config.request import RunRequest
    from vcontract._run.preparation import Preparation


_CONFIG = "vcontract.toml"


def mention_config(request: RunRequest) -> None:
    """Say that a configuration which lies in the folder is not used: no file that is found there selects anything."""
    if request.config is None and not request.target and Path(_CONFIG).is_file():
        tell_line(f"note: {_CONFIG} lies here and is not used; --config {_CONFIG} uses it")


def with_password(request: RunRequest, replay: str = "") -> tuple[RunRequest, Preparation]:
    """Give a request whose target is an address (`govc` stands for that of its variables), and the preparation of its run.

    `replay` is the command that repeats it. Raises UsageError.
    """
    from vcontract._config.govc import with_environment
    from vcontract._run.preparation import Preparation

    reached, password = with_environment(request)
    return reached, Preparation(password=password, replay=replay)
