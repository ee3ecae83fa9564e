"""Leaves Python's garbage collector out where much is made at once and little of it dies."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing meanwhile: the collector would walk all that was made again and again, for nothing.

    For work that makes no rings of objects, as those alone then stay until it is over.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
