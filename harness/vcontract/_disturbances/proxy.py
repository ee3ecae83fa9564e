"""Starts the process that carries connections to a target and disturbs them, and reads what it reports."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Self

import msgspec

from vcontract._client.wire import parse_url
from vcontract._disturbances.network.catalogue import NETWORK
from vcontract._disturbances.planned import Fired, Planned
from vcontract._errors import HarnessError, UsageError

_LONGEST = 10.0
_OVER = 1e9
"""Seconds after the begin by which every schedule is over."""


class Proxy:
    """Carries connections to a target, and disturbs them as planned: `with Proxy(url, planned, seed) as p: p.url`.

    `url` is that of the target as a client of this path sees it. Where the target speaks TLS its certificate is not made for
    that URL: give the client the target's own URL, and `tunnel` as its HTTP proxy. Planned disturbances of the system are
    ignored. It may be used in a process whose sockets and threads Locust has replaced.

    UsageError: a disturbance must see whole requests, and the target speaks TLS. HarnessError: the process did not start.
    """

    def __init__(self, url: str, planned: Sequence[Planned], seed: int) -> None:
        self._target = parse_url(url)
        self._planned, self._seed = tuple(planned), seed
        blind = sorted(
            {
                disturbance.name
                for disturbance in planned
                if disturbance.name in NETWORK and NETWORK[disturbance.name].parsed
            }
        )
        if blind and self._target.secure:
            raise UsageError(
                f"{url}: {', '.join(blind)} must see whole requests, which TLS hides;"
                " take them out of the scenario, or stress a target that speaks http"
            )
        self.url = self.tunnel = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._fired: list[Fired] = []
        self._reading: threading.Thread | None = None
        self._begun = threading.Event()

    def __enter__(self) -> Self:
        """Start the process; undisturbed until `begin`."""
        target = self._target
        setup = {
            "upstream": {"host": target.host, "port": target.port, "secure": target.secure},
            "planned": self._planned,
            "seed": self._seed,
        }
        command = [sys.executable, "-m", "vcontract._disturbances.network"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own
        self._say(setup)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if not first:
            self.close()
            raise HarnessError("the process on the path to the target did not start; what it said stands above")
        port = int(msgspec.json.decode(first)["port"])
        self.tunnel = f"http://127.0.0.1:{port}"
        self.url = msgspec.structs.replace(target, host="127.0.0.1", port=port).url
        self._reading = threading.Thread(target=self._read, name="vcontract-path", daemon=True)
        self._reading.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, and read the rest of its reports."""
        self.close()

    def begin(self) -> float:
        """Start the schedule, and wait until the process has; gives the monotonic time that it counts from."""
        zero = time.monotonic()
        self._say({"begin": zero})
        self._begun.wait(_LONGEST)
        return zero

    def calm(self) -> None:
        """End the schedule: nothing is disturbed from now on."""
        self._say({"begin": time.monotonic() - _OVER})

    def events(self) -> tuple[Fired, ...]:
        """Give the strikes so far, in their order; all of them once the process has ended."""
        return tuple(self._fired)

    def close(self) -> None:
        """End the process; open connections are dropped. A second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reading is not None:
            self._reading.join(_LONGEST)
        process.stdout.close()

    def _say(self, line: object) -> None:
        if self._process is None or self._process.stdin is None:
            raise HarnessError("the process on the path to the target has ended")
        try:
            self._process.stdin.write(msgspec.json.encode(line) + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise HarnessError(f"the process on the path to the target has ended: {error.strerror}") from error

    def _read(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        for line in process.stdout:
            message = msgspec.json.decode(line)
            if "begun" in message:
                self._begun.set()
            else:
                self._fired.append(msgspec.convert(message, Fired))
        self._begun.set()  # `begin` must not wait for a process that has ended
