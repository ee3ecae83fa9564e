"""`python -m vcontract._stress.embedded`: the simulator of a stress run, in a process of its own that ends with its parent.

It reads its settings as one line of JSON from standard input, and ends when that is closed. SIGHUP restarts its service.
"""

from __future__ import annotations

import json
import signal
import sys

from vcontract._simulator import Settings, SimulatorServer


def main() -> None:
    """Serve until standard input is closed."""
    with SimulatorServer(Settings(**json.loads(sys.stdin.readline()))) as server:
        signal.signal(signal.SIGHUP, lambda *_: server.restart())
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
