"""The rows as tests, and a simulator for them."""

from __future__ import annotations

from tests.processes import environment, rows_as_tests, simulator, vcontract

__all__ = ["environment", "rows_as_tests", "simulator", "vcontract"]
