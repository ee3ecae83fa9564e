"""The account that a command names, or that the environment holds for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcontract.config.request import RunRequest
    from vcontract.run.preparation import Preparation


def with_password(request: RunRequest, replay: str = "") -> tuple[RunRequest, Preparation]:
    """Give a request whose target is an address (`govc` stands for that of its variables), and the preparation of its run.

    `replay` is the command that repeats it. Raises UsageError.
    """
    from vcontract.config.govc import with_environment
    from vcontract.run.preparation import Preparation

    reached, password = with_environment(request)
    return reached, Preparation(password=password, replay=replay)
