"""What a process prints: read all the time, kept within bounds, matched line by line."""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import IO

FIRST, LAST = 64 * 1024, 192 * 1024
"""So many of the first and of the last bytes are kept."""
LINES, WIDTH = 12, 300
"""So many of the last lines are shown, and characters of each."""
_CHUNK = 65536
_LONGEST = 64 * 1024
"""Bytes of a line that are matched."""


class Output:
    """Reads a stream to its end in a thread of its own; `matched` tells whether a line matched the pattern so far."""

    def __init__(self, stream: IO[bytes], pattern: str = "") -> None:
        self.matched = not pattern
        self._pattern = re.compile(pattern) if pattern else None
        self._stream, self._lock = stream, threading.Lock()
        self._first, self._last = bytearray(), deque[bytes]()
        self._held, self._dropped, self._line = 0, 0, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while chunk := self._stream.read1(_CHUNK):  # type: ignore[attr-defined]  # a pipe of Popen is buffered
                self._take(chunk)
        except (OSError, ValueError):
            return  # closed: whoever holds the other end prints for nobody any more

    def _take(self, chunk: bytes) -> None:
        with self._lock:
            room = FIRST - len(self._first)
            self._first += chunk[:room]
            if rest := chunk[room:] if room > 0 else chunk:
                self._last.append(rest)
                self._held += len(rest)
            while self._held - len(self._last[0] if self._last else b"") > LAST:
                self._dropped += len(self._last[0])
                self._held -= len(self._last.popleft())
        if self._pattern is None or self.matched:
            return
        *lines, rest = (self._line + chunk).split(b"\n")
        self.matched = any(self._pattern.search(line[:_LONGEST].decode("utf-8", "replace")) for line in [*lines, rest])
        self._line = rest[:_LONGEST]

    def text(self) -> str:
        """Give what was printed; of too much the middle is left out, which is said."""
        with self._lock:
            cut = f"\n... {self._dropped} bytes left out ...\n".encode() if self._dropped else b""
            return (bytes(self._first) + cut + b"".join(self._last)).decode("utf-8", "replace")

    def tail(self) -> list[str]:
        """Give the last lines that are not empty."""
        lines = [line.strip() for line in self.text()[-LINES * WIDTH * 4 :].splitlines() if line.strip()]
        return [line[:WIDTH] for line in lines[-LINES:]]

    def close(self, seconds: float) -> None:
        """Wait until all was read, for so many seconds at most, and read no more."""
        self._thread.join(seconds)
        if not self._thread.is_alive():
            self._stream.close()
