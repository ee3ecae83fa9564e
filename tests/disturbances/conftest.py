"""The tiny server of the file beside this one, and patience."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

LOCAL: Any = importlib.import_module("tiny_server")


@pytest.fixture
def server() -> Iterator[Any]:
    """Give a tiny server."""
    made = LOCAL.TinyServer()
    yield made
    made.close()


@pytest.fixture
def until() -> Any:
    """Give a function that waits until something is so, and says whether it came."""

    def wait(reached: Any, seconds: float = 60.0) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if reached():
                return True
            time.sleep(0.005)
        return False

    return wait


@pytest.fixture
def client_of() -> Iterator[Any]:
    """Give a function that connects to a path; what it opens is closed."""
    made: list[Any] = []

    def connect(proxy: Any) -> Any:
        made.append(LOCAL.RawClient(int(proxy.url.rpartition(":")[2].partition("/")[0])))
        return made[-1]

    yield connect
    for each in made:
        each.close()
