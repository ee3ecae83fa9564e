"""Copies of the contract files that a test may edit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vcontract._shipped import shipped

MANAGER = "VirtualMachineGuestCustomizationManager"
Edit = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with copies of the shipped contract files."""
    for file in shipped("contracts").glob("*.toml"):
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.fixture
def edited(folder: Path) -> Edit:
    """Give a function that replaces text, once, in one of the copies (default: the manager's) and returns the folder."""

    def edit(old: str, new: str, name: str = MANAGER) -> Path:
        file = folder / f"{name}.toml"
        text = file.read_text("utf-8")
        assert old in text, f"{old!r} is not in {file.name}"
        file.write_text(text.replace(old, new, 1), "utf-8")
        return folder

    return edit
