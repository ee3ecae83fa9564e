"""Surveys of a simulator behind a proxy, and runs there."""

from __future__ import annotations

from tests.mangler import mangled, ran, simulator

__all__ = ["mangled", "ran", "simulator"]
