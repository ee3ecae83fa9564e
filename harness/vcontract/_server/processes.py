"""Processes of this machine, as Linux tells of them in /proc: whose they are, and who listens on a port."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

MARK = "VCONTRACT_SERVER"
"""Environment variable of every process that was started for a run: what it starts inherits it, wherever it goes."""
PROC = Path("/proc")
_LISTENS = "0A"
"""State of a listening socket in /proc/net/tcp."""
_PAUSE, _POLITE = 0.05, 5.0
"""Seconds between two looks, and those that processes get to end by themselves."""


def is_known() -> bool:
    """Whether this system tells of its processes so."""
    return (PROC / "net" / "tcp").exists() and (PROC / "self" / "environ").exists()


def begun(pid: int) -> str:
    """Tell when a process began, in the system's own ticks: with its number that names it for good; empty if it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else fields[18]


def mark_of(pid: int) -> str:
    """Give the mark of a process; empty if it has none, is gone, or is another user's."""
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return ""
    found = (entry for entry in environment.split(b"\0") if entry.startswith(MARK.encode() + b"="))
    return next(found, b"").decode("utf-8", "replace").partition("=")[2]


def marked() -> Iterator[tuple[int, str]]:
    """List the processes that were started for a run, each with its mark."""
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (mark := mark_of(int(entry.name))):
            yield int(entry.name), mark


def with_mark(mark: str) -> list[int]:
    """List the processes that live and bear a mark."""
    return [pid for pid, its in marked() if its == mark and begun(pid)]


def words_of(pid: int) -> str:
    """Give the command line of a process."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def listening() -> dict[str, int]:
    """Give the listening TCP sockets of this machine: inode to port."""
    found: dict[str, int] = {}
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / name).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS:
                    found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def ports_of(pids: Collection[int]) -> set[int]:
    """Give the ports on which some of these processes listen."""
    sockets, ports = listening(), set[int]()
    for pid in pids:
        with suppress(OSError):
            for descriptor in (PROC / str(pid) / "fd").iterdir():
                with suppress(OSError):
                    inode = str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]")
                    ports |= {sockets[inode]} if inode in sockets else set()
    return ports


def end(mark: str) -> None:
    """End the processes with a mark, those that they started too: politely, then by force."""
    for number, seconds in ((signal.SIGTERM, _POLITE), (signal.SIGKILL, _POLITE)):
        until = time.monotonic() + seconds
        told: set[int] = set()
        while pids := with_mark(mark):
            for pid in pids:
                if pid not in told or number is signal.SIGKILL:
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)
            told |= set(pids)
            if time.monotonic() > until:
                break
            time.sleep(_PAUSE)
        else:
            return
