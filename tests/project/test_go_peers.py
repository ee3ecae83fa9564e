"""The programs in Go that ours are measured beside: which Go builds them, and when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.go_peers import TESTS, binary, build, find_go, needed, stale, version_of


def go(place: Path, version: str, built: str = "exit 0") -> str:
    """Plant a Go that tells a version, and does something when it is to build."""
    place.mkdir(parents=True, exist_ok=True)
    file = place / "go"
    file.write_text(f"#!/bin/sh\ncase $1 in version) echo go version go{version} linux/amd64;; *) {built};; esac\n")
    file.chmod(0o755)
    return str(file)


def peer(place: Path, least: str = "1.25.0") -> Path:
    """Plant the folder of a program."""
    place.mkdir()
    (place / "go.mod").write_text(f"module x\n\ngo {least}\n\nrequire y v1.2.3\n")
    (place / "main.go").write_text("package main\n")
    return place


def test_the_first_go_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    """One that is too old, one that is no program and one that is not there are passed over; nothing is fetched."""
    old, new = go(tmp_path / "old", "1.19.8"), go(tmp_path / "new", "1.26.1")
    broken = go(tmp_path / "broken", "")
    fetched: list[int] = []
    places = (str(tmp_path / "none"), old, broken, new)
    assert find_go((1, 25, 0), lambda: fetched.append(1), places) == new
    assert fetched == []
    assert version_of(old) == (1, 19, 8)


def test_go_is_fetched_where_none_is_new_enough(tmp_path: Path) -> None:
    """What was fetched stands at one of the same places; without it there is none, and that is no error."""
    places = (go(tmp_path / "old", "1.19.8"), str(tmp_path / "venv" / "go"))
    assert find_go((1, 25), lambda: None, places) is None
    assert find_go((1, 25), lambda: go(tmp_path / "venv", "1.27.3"), places) == places[1]


def test_a_program_is_built_again_when_a_source_is_newer(tmp_path: Path) -> None:
    """Not built, older than main.go, newer than all."""
    folder = peer(tmp_path / "some_peer")
    built = binary(folder, tmp_path)
    assert built.name == "some-peer"
    assert stale(folder, built)
    built.touch()
    os.utime(folder / "main.go", (1, 1))
    os.utime(folder / "go.mod", (1, 1))
    assert not stale(folder, built)
    os.utime(folder / "main.go")
    os.utime(built, (1, 1))
    assert stale(folder, built)


def test_the_newest_go_that_any_names_is_needed(tmp_path: Path) -> None:
    """Numbers are compared, not texts."""
    assert needed([peer(tmp_path / "a", "1.9"), peer(tmp_path / "b", "1.25.0")]) == (1, 25, 0)


@pytest.mark.parametrize(
    ("act", "said"), [("exit 0", ""), ("echo first >&2; echo no such module >&2; exit 1", "no such module")]
)
def test_a_build_that_fails_says_why(tmp_path: Path, act: str, said: str) -> None:
    """The last line of what Go said."""
    assert build(go(tmp_path / "bin", "1.26", act), peer(tmp_path / "peer"), tmp_path / "built") == said


def test_every_module_pins_what_it_uses() -> None:
    """A go.mod stands with its go.sum, in a folder that the page of the tests lists."""
    modules = sorted(TESTS.glob("*/go.mod"))
    assert modules
    listed = (TESTS / "README.md").read_text("utf-8")
    for module in modules:
        assert module.with_name("go.sum").stat().st_size > 0
        assert f"`tests/{module.parent.name}`" in listed
