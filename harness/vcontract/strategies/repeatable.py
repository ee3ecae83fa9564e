"""Makes Hypothesis draw the same values from the same seed, whatever else this process has loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

_SIZE = 1024


@contextmanager
def repeatable_draws() -> Iterator[None]:
    """Let Hypothesis draw meanwhile as if no source file but its own existed.

    It mixes constants of every local source file that is loaded into its draws. A seed would then draw other values after an
    edit of any file, from a checkout than from a wheel, and in a process that has loaded one module more; and a recording of
    a run could not be repeated by the next version.
    """
    collect, permitted = providers._get_local_constants, providers.CONSTANTS_CACHE  # noqa: SLF001 - there is no public way
    providers._get_local_constants, providers.CONSTANTS_CACHE = Constants, LRUCache(_SIZE)  # noqa: SLF001 - the same
    try:
        yield
    finally:
        providers._get_local_constants, providers.CONSTANTS_CACHE = collect, permitted  # noqa: SLF001 - the same
