"""A hanging client: it waits for success alone, so that a task that fails, or a call that is refused, keeps it for ever."""

from __future__ import annotations

from pyVmomi import vmodl

from tests.clients.guest import Guest


def work(url: str, method: str, patience: int = 8) -> bool:
    """Call a method until it is accepted, and read its task until it succeeded; `patience` looks stand for ever."""
    guest, task = Guest(url), None
    try:
        for _ in range(patience):
            try:
                task = guest.call(method) if task is None else task
                if task.info.state == "success":
                    return True
            except vmodl.MethodFault:
                continue
        return False
    finally:
        guest.vanish()
