"""The running half: the rooms of what drives a target, in whatever mode, for the tests of how they are built."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "harness" / "vcontract"
_ROOMS = ("config", "testbed", "findings", "run", "explore", "proof", "learn", "races", "workers", "stress", "commands")
_FACES = ("conformance", "_cli")


def running_files() -> list[Path]:
    """List every module of the running half, the run as pytest tests and the command line with it."""
    files = [
        file for room in (*(f"_{each}" for each in _ROOMS), *_FACES) for file in sorted((PACKAGE / room).rglob("*.py"))
    ]
    assert len(files) > 100
    return files
