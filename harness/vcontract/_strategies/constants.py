"""The constants that Hypothesis draws beside its own: a fixed list, `constants.json`, in the order in which it is drawn from.

Hypothesis collects the literals of all local source code that is loaded, and now and then draws one of them. Then what a seed
draws would depend on every literal of this package, on whether it is installed or a checkout, and on whose tests run beside it.

It also keeps its tables of characters in `.hypothesis`, where the user happens to stand. Ours are in the user's cache.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis.configuration import set_hypothesis_home_dir, storage_directory
from hypothesis.internal.conjecture import providers

_FILE = Path(__file__).with_name("constants.json")
_COLLECT, _CACHE = "_get_local_constants", "CONSTANTS_CACHE"
"""The names in Hypothesis of what collects the literals, and of what remembers which of them a strategy permits."""
_KINDS = {int: "integer", float: "float", bytes: "bytes", str: "string"}
_lock = threading.RLock()


class Constants:
    """The constants of `constants.json`, by the name that Hypothesis has for a type, or by the type."""

    def __init__(self) -> None:
        document: dict[str, list[Any]] = json.loads(_FILE.read_bytes())
        self._told: dict[str, Sequence[Any]] = document | {
            "bytes": [text.encode("latin-1") for text in document["bytes"]]
        }

    def set_for_type(self, kind: str | type) -> Sequence[Any]:
        """Give the constants of a type; Hypothesis asks for them by this name."""
        return self._told[_KINDS[kind] if isinstance(kind, type) else kind]


@contextmanager
def fixed_constants() -> Iterator[None]:
    """Within the context Hypothesis draws these constants and no literal of local code; other threads that draw wait.

    It leaves no folder where the user stands, unless HYPOTHESIS_STORAGE_DIRECTORY says so. Without effect on what a Hypothesis
    draws that collects no literals by this name.
    """
    if not (hasattr(providers, _COLLECT) and hasattr(providers, _CACHE)):
        with _lock, _tables_elsewhere():
            yield
        return
    with _lock, _tables_elsewhere():
        before = {name: getattr(providers, name) for name in (_COLLECT, _CACHE)}
        ours = {
            _COLLECT: _constants,
            _CACHE: _permitted(),
        }  # a cache of its own, because the shared one does not record whose constants it holds
        try:
            vars(providers).update(ours)
            yield
        finally:
            vars(providers).update(before)


@contextmanager
def _tables_elsewhere() -> Iterator[None]:
    """Let Hypothesis keep its tables in the user's cache for a while; the user's own tests keep theirs where they were."""
    if os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY"):
        yield
        return
    before = storage_directory(intent_to_write=False).home_directory
    set_hypothesis_home_dir(_user_cache())
    try:
        yield
    finally:
        set_hypothesis_home_dir(before)


def _user_cache() -> Path:
    """Name the folder of our cache; where the user has no home, one that cannot be made, and then nothing is kept."""
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        caches = Path(os.devnull)
    return caches / "vcontract" / "hypothesis"


@cache
def _constants() -> Constants:
    return Constants()


@cache
def _permitted() -> Any:
    return type(providers.CONSTANTS_CACHE)(1024)
