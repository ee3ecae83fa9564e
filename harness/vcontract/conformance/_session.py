"""Loaded when the rows are asked for: decides whether this process deals out and gathers in, or works."""

from __future__ import annotations

import pytest

from vcontract.conformance._controller import Controller
from vcontract.conformance._items import Items, RowTests
from vcontract.conformance._xdist_worker import XdistWorker


def pytest_configure(config: pytest.Config) -> None:
    """Register what this process is, and the items of its session."""
    row_tests = RowTests(config)
    works = hasattr(config, "workerinput")
    side: Controller | XdistWorker = XdistWorker(config, row_tests) if works else Controller(config, row_tests)
    config.pluginmanager.register(side)
    config.pluginmanager.register(Items(config, row_tests, side), Items.NAME)
