"""A careless client: it never looks whether its task succeeded, gives up at any fault, and leaves its session open."""

from __future__ import annotations

from pyVmomi import vmodl

from tests.clients.guest import Guest


def work(url: str, method: str) -> bool:
    """Call a method once; gives whether it was accepted."""
    guest = Guest(url)
    try:
        guest.call(method)
    except vmodl.MethodFault:
        return False
    finally:
        guest.vanish()
    return True
