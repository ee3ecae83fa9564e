"""The process on the path; its commands and its reports are lines of JSON.

It is a process of its own because the one that loads the target may have its sockets and threads replaced by Locust.
The first line in is a `Setup`, the first line out `{"port": N}`. A further line in, `{"begin": T}`, sets the monotonic
time at which the schedule begins, and is answered by `{"begun": T}`; any other line out is a `Fired`. It ends when its
input does, also if the process that started it was killed.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

import msgspec

from vcontract._disturbances.network.relay import Relay, Upstream
from vcontract._disturbances.planned import Fired, Planned


class Setup(msgspec.Struct, frozen=True):
    """The first line of the input."""

    upstream: Upstream
    planned: tuple[Planned, ...]
    seed: int


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent process, which closes the input at the end
    asyncio.run(_serve(msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)))


async def _serve(setup: Setup) -> None:
    relay = Relay(setup.upstream, setup.planned, setup.seed, _tell)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0, backlog=1024)
    _write({"port": server.sockets[0].getsockname()[1]})
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin(zero: float) -> None:
        relay.zero = zero
        _write({"begun": zero})

    def listen() -> None:
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(begin, float(msgspec.json.decode(line)["begin"]))
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=listen, daemon=True).start()
    await over.wait()
    server.close()


def _tell(fired: Fired) -> None:
    _write(fired)


def _write(line: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
