"""Copies of the contract files that a test may edit."""

from __future__ import annotations

from tests.contract_copies import edited, folder

__all__ = ["edited", "folder"]
