"""`python -m vcontract._stress.engine`: a process of a stress run; it reads its brief from standard input.

Locust must be imported before all that opens sockets, so this is always a process of its own.
"""

from __future__ import annotations

# ruff: isort: skip_file
from vcontract._stress.crowd import Crowd  # before all else, for it imports Locust

import sys
from collections.abc import Callable
from contextlib import suppress

from vcontract._report.mishap import mishap
from vcontract._report.result import RunResult
from vcontract._run.start import underway
from vcontract._stress.brief import Brief, decoded
from vcontract._stress.disturbing import disturbed
from vcontract._stress.master import lead
from vcontract._stress.stressing import Stressing
from vcontract._stress.worker import serve

LOCAL = "127.0.0.1"


def alone(brief: Brief) -> RunResult:
    """Do the whole run in this process."""
    crowd = Crowd(brief.load)
    with (
        disturbed(brief) as (routed, disturbing),
        underway(routed.request, routed.preparation(), stop=crowd.ring, keep=False) as started,
    ):
        stressing = Stressing(started, routed.load, crowd, disturbing)
        stressing.set_out()
        runner = crowd.environment.create_local_runner()
        page = crowd.environment.create_web_ui(LOCAL, brief.web) if brief.web else None
        runner.start(brief.load.clients, spawn_rate=brief.load.clients)
        stressing.work(lambda: False)
        runner.stop()
        result = stressing.end()
        runner.quit()
        if page is not None:
            page.stop()  # type: ignore[no-untyped-call] # Locust's page has no types
    return result


PARTS: dict[str, Callable[[Brief], RunResult]] = {"alone": alone, "master": lead, "worker": serve}


def main() -> int:
    """Play the part that the brief names; gives the exit code."""
    try:
        brief = decoded(sys.stdin.buffer.readline())
        return PARTS[brief.role](brief).exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, it is ours
        line, code = mishap(error)
        with suppress(OSError):
            sys.stderr.write(f"{line}\n" if line else "")
        return code


if __name__ == "__main__":
    sys.exit(main())
