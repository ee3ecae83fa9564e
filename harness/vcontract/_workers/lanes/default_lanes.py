"""How many lanes a run has that was asked for none: more than one where others share the server, and little else is asked."""

from __future__ import annotations

from vcontract._config.config import Config, address_of
from vcontract._config.elsewhere import is_elsewhere
from vcontract._config.request import RunRequest
from vcontract._run.preparation import Preparation
from vcontract._toml_file import read_toml
from vcontract._workers.launch import for_one

ELSEWHERE, A_HOST = 4, 2
"""Lanes on a target elsewhere, and of these so many at most for each host on which its VMs are: it is shared, and watched."""


def default_lanes(request: RunRequest, preparation: Preparation) -> tuple[int, int]:
    """Give the number, and that for each host (0: any): as the configuration says, else several on a target elsewhere.

    It is one on this machine, and where one lane alone does what is asked for, as several processes do.

    Raises UsageError for a configuration that cannot be used.
    """
    if request.workers > 1 or any(for_one(request, preparation).values()):
        return 1, 0
    config = read_toml(request.config, Config) if request.config is not None else Config()
    address = address_of(request, config)
    if config.lanes:
        return config.lanes, 0
    return (ELSEWHERE, A_HOST) if is_elsewhere(address) else (1, 0)
