"""Schemas and real recordings shared by the tests of this room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from vcontract._schema import Schema, load

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDINGS = Path(__file__).parent.parent / "recordings"


@pytest.fixture(scope="session")
def schema() -> Schema:
    """Load the shipped set of 8.0.3.0."""
    return load("8.0.3.0")


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Any]:
    """Read recordings: the first element in the Body of an envelope; of a fault, the child of its detail."""

    def read(name: str) -> Any:
        body = etree.fromstring((RECORDINGS / f"{name}.xml").read_bytes()).find("{*}Body")
        assert body is not None
        detail = body.find("{*}Fault/detail")
        return body[0] if detail is None else detail[0]

    return read
