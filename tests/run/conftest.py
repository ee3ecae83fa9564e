"""Runs against a simulator of this process, and against one behind a proxy."""

from __future__ import annotations

from tests.mangler import mangled, ran, simulator

__all__ = ["mangled", "ran", "simulator"]
