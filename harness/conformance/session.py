"""Loaded when the rows are asked for: decides whether this process deals out and gathers in, or works."""

from __future__ import annotations

import pytest

from harness.conformance.dealing import Dealing
from harness.conformance.walks import Walks
from harness.conformance.working import Working


def pytest_configure(config: pytest.Config) -> None:
    """Register what this process is, unless whoever started pytest here has done so."""
    if config.pluginmanager.has_plugin(Walks.NAME):
        return
    works = hasattr(config, "workerinput")
    config.pluginmanager.register(Working(config) if works else Dealing(config), Walks.NAME)
