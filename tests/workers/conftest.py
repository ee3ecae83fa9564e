"""Commands in processes of their own, and a simulator for them."""

from __future__ import annotations

from tests.processes import environment, simulator, vcontract

__all__ = ["environment", "simulator", "vcontract"]
