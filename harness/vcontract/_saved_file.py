"""Files of a run's directory, which may come from anybody: read where they lie, written for their owner alone."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from vcontract._errors import ReportError, RunFileError

PRIVATE = 0o600
"""The mode of every file of a run: what a vCenter said, and who asked, is not for other users of the machine."""
PRIVATE_DIRECTORY = 0o700
"""The mode of every directory of a run."""


def open_saved(file: Path) -> IO[bytes]:
    """Open a file that a directory holds, to read it.

    Raises OSError for a symbolic link, which would lead elsewhere, and for all that is no file, such as a pipe that never
    ends.
    """
    descriptor = _opened(file, os.O_RDONLY)
    return os.fdopen(descriptor, "rb")


def read_saved(file: Path) -> bytes:
    """Read a file that a directory holds. Raises OSError as `open_saved` does."""
    with open_saved(file) as opened:
        return opened.read()


def append_to(file: Path) -> int:
    """Open a file for appending, made if it is missing; gives the descriptor. Raises OSError as `open_saved` does."""
    return _opened(file, os.O_RDWR | os.O_CREAT | os.O_APPEND)


def create(file: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Make a file with a content. Raises OSError, also if there is anything of that name."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)


def held_by(directory: Path, name: str) -> Path:
    """Give the file of a name that a saved file mentions. Raises RunFileError if that leads out of the directory."""
    place = Path(name)
    inside = "\0" not in name and not place.is_absolute() and bool(place.parts) and ".." not in place.parts
    if not inside or (directory / place).parent.resolve() != directory.resolve() / place.parent:
        raise RunFileError(f"{directory}: it names a file outside itself, {name[:200]!r}")
    return directory / place


@contextmanager
def understood(place: Path) -> Iterator[None]:
    """Work on what a saved file says, which no schema describes to its end: the values of calls may be of any shape.

    Raises RunFileError, with the place, where that fails: the file was changed, or the error is ours.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        said = f"{type(error).__name__}: {error}"
        raise RunFileError(f"{place}: holds what no run writes, or we cannot read it: {said}") from error


def _opened(file: Path, flags: int) -> int:
    # without O_NONBLOCK a pipe in the place of a file would keep us waiting for its other end
    try:
        descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, PRIVATE)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link; a run's directory holds its files themselves") from error
        raise
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind) and not (flags & os.O_APPEND and stat.S_ISCHR(kind)):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file")
    return descriptor


def write_line(file: int, line: bytes, path: Path | None) -> None:
    """Write a line by one write, so that a killed run loses nothing; ReportError: it cannot be written whole.

    Of a line that is not whole nothing stays.
    """
    try:
        written = os.write(file, line)
        if written != len(line):
            os.ftruncate(file, os.fstat(file).st_size - written)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror}") from error
    if written != len(line):
        raise ReportError(f"{path}: only {written} of {len(line)} bytes of a line could be written")
