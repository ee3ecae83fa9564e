"""A simulator of this process, and copies of the contract files."""

from __future__ import annotations

from tests.contract_copies import edited, folder
from tests.mangler import simulator

__all__ = ["edited", "folder", "simulator"]
