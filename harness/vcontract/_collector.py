"""Pauses Python's garbage collector where many objects are made at once and few of them die."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the garbage collector: it would walk all the new objects again and again and free none.

    For work that creates no reference cycles; those would stay until it is over.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
