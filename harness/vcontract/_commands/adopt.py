"""`vcontract adopt`: the operator's own act of marking VMs as the harness's to disturb, and of taking the mark off."""

from __future__ import annotations

from collections.abc import Callable

from vcontract._client import Recorder
from vcontract._config.config import address_of
from vcontract._config.request import RunRequest
from vcontract._errors import UsageError
from vcontract._run.own_server.adopting import Adopting
from vcontract._run.preparation import Preparation
from vcontract._run.start import configured, opened


def adopt(
    request: RunRequest, preparation: Preparation, pattern: str, sure: Callable[[list[str]], bool], *, release: bool
) -> None:
    """Mark VMs, or take the mark off, once `sure` has been shown the lines and agreed. Raises HarnessError."""
    config = configured(request, preparation)
    if not address_of(request, config):
        raise UsageError("adopt: name the server, with --target or in the configuration")
    with opened(request, preparation, config, Recorder()) as target:
        adopting = Adopting(target, config, release=release, breaks=request.break_claim)
        changes = adopting.changes(pattern)
        if sure([f"{each.vm.name} ({each.vm.ref.value}) {each.says}" for each in changes]):
            adopting.carry_out(changes)
