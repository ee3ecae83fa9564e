"""Loaded when the rows are asked for: decides whether this process deals out and gathers in, or works."""

from __future__ import annotations

import pytest

from vcontract.conformance.controller import Dealing
from vcontract.conformance.items import Walks
from vcontract.conformance.xdist_worker import Working


def pytest_configure(config: pytest.Config) -> None:
    """Register what this process is, unless whoever started pytest here has done so."""
    if config.pluginmanager.has_plugin(Walks.NAME):
        return
    works = hasattr(config, "workerinput")
    config.pluginmanager.register(Working(config) if works else Dealing(config), Walks.NAME)
