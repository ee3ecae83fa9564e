"""Standard output and error that may be closed, full or gone: what a verb finds out does not depend on who reads it.

Behind `| head`, on a full disk or a terminal that was closed, a print fails in the middle of a run. It would end the run there,
with VMs as they then are, and with an exit code that means something else.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

_FIRST_FREE = 3
"""Below this number descriptors are standard streams; a history must get none of them."""


class PatientStream:
    """A text stream that takes everything: once the one behind it takes no more, nothing is written any more.

    `failed` is why; None as long as all was written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failed: OSError | None = None

    def write(self, text: str) -> int:
        """Write a text, if it can be."""
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write out what is held back, if it can be."""
        self._attempt(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        """Be like the stream behind it."""
        return getattr(self._stream, name)

    def _attempt(self, action: Any) -> None:
        if self.failed is not None:
            return
        try:
            action()
        except OSError as error:
            self.failed = error
            with suppress(OSError, ValueError):  # what it still holds is not written when the process ends either
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    @property
    def lost(self) -> str:
        """Why what was printed is not where it was to go; empty if whoever read it had enough, or the terminal is gone."""
        gone = self.failed is None or self.failed.errno in {errno.EPIPE, errno.EIO}
        return "" if gone or self.failed is None else self.failed.strerror or str(self.failed)


@contextmanager
def patient_streams() -> Iterator[PatientStream]:
    """Put such streams in the place of the standard ones; gives that of the output."""
    _occupy_descriptors()
    out, err = (PatientStream(stream or _nowhere()) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield out
        finally:
            out.flush()
            err.flush()


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _occupy_descriptors() -> None:
    """Open something where a standard stream is closed: the next file that is opened would be taken for it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < _FIRST_FREE:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - takes it by place alone
    os.close(descriptor)
