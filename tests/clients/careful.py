"""A careful client: it waits for the end of a task, tries again what may pass, aborts what broke, and logs out."""

from __future__ import annotations

import time

from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.clients.guest import Guest

_MAY_PASS = (vim.fault.TaskInProgress, vim.fault.InvalidState, vim.fault.CustomizationFault)
_PAUSE = 0.05


def work(url: str, method: str, tries: int = 2) -> bool:
    """Call a method until it succeeded, at most so often; gives whether it did."""
    guest = Guest(url)
    try:
        for _ in range(tries):
            try:
                return str(WaitForTask(guest.call(method), si=guest.service)) == "success"
            except _MAY_PASS as fault:
                if isinstance(fault, vim.fault.CustomizationFault):
                    WaitForTask(guest.call("AbortCustomization_Task"), si=guest.service)
                time.sleep(_PAUSE)
            except vmodl.MethodFault:
                return False
        return False
    finally:
        guest.leave()
