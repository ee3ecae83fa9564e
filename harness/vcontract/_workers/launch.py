"""`vcontract run --workers N`: one run on N processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

import msgspec

from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._report.result import RunResult
from vcontract._run.preparation import PLAIN, Preparation
from vcontract._workers.messages import STOP, Failed, Finished, StepsDone, decoded
from vcontract._workers.selection import listed_rows, methods_for
from vcontract._workers.shared_run import SharedRun
from vcontract._workers.worker import Orders

_COMMAND = (sys.executable, "-m", "vcontract._workers")


def launch(request: RunRequest, preparation: Preparation = PLAIN) -> RunResult:
    """Run on several workers. Raises HarnessError for all that keeps it from running (AbsentError: nothing to share out)."""
    refuse(request, preparation, "--workers", "worker")
    shared = SharedRun(request, preparation)
    shared.open(request.workers)
    return carried_out(shared, _work)


def refuse(request: RunRequest, preparation: Preparation, by: str, what: str) -> None:
    """Refuse what one worker, or one lane, does alone. Raises UsageError that names the option `by` which asks for several."""
    for option, given in for_one(request, preparation).items():
        if given:
            raise UsageError(f"{option}: is for one {what}; leave {by} out")


def for_one(request: RunRequest, preparation: Preparation) -> dict[str, bool]:
    """Say of each option that is for one worker, or one lane, whether it is given."""
    given = (
        ("--resume", preparation.interrupted),
        ("--complete", request.complete),
        ("--explore", request.explore or None),
        ("--record", request.record),
        ("--target replay:FILE", preparation.recorded),
    )
    return {option: value is not None for option, value in given}


def carried_out(shared: SharedRun, work: Callable[[SharedRun, Sequence[Orders]], None]) -> RunResult:
    """Have a run that is open carried out by `work`, which lets all orders be followed, and give its result."""
    contract, asked = load(shared.request.contract), shared.request.methods
    try:
        listed = listed_rows(contract, [contract.method(name).name for name in asked])
        selected = [row.id for row in listed]
        methods = methods_for(contract, listed, selected)
        shared.select(selected, methods)
        work(shared, [msgspec.structs.replace(orders, methods=methods) for orders in shared.orders])
    finally:
        result = shared.end()
    return result


class WorkerProcess:
    """A worker's process, seen from the one that started it, with the connection between them."""

    def __init__(self, orders: Orders) -> None:
        self.number = orders.share.number
        self.connection, theirs = Pipe()
        with theirs:
            descriptor = theirs.fileno()
            command = (*_COMMAND, str(descriptor))
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(descriptor,))  # noqa: S603 - ours
        self._said = ""
        with suppress(OSError):  # it died at once: that is told when it is heard
            self.connection.send_bytes(orders.encoded())

    def stop(self) -> None:
        """Have its next call not begin."""
        self.connection.send_bytes(STOP)

    def hear(self, shared: SharedRun) -> bool:
        """Take one message; False if no more will come."""
        try:
            message = decoded(self.connection.recv_bytes())
        except (EOFError, OSError):
            return False
        if isinstance(message, StepsDone):
            shared.progress(self.number, message.count)
        elif isinstance(message, Finished):
            shared.give(self.number, message.result)
        elif isinstance(message, Failed):
            shared.died(self.number, message.reason)
        return True

    def ended(self, shared: SharedRun) -> None:
        """Wait for its end, and note how it died if it gave nothing."""
        code = self._process.wait()
        self.connection.close()
        shared.died(self.number, f"killed by signal {-code}" if code < 0 else f"exit code {code}")


def _work(shared: SharedRun, orders: Sequence[Orders]) -> None:
    """Let every worker do its share, and hear them until the last has ended."""
    workers: dict[Connection, WorkerProcess] = {}
    try:
        for share_orders in orders:
            worker = WorkerProcess(share_orders)
            workers[worker.connection] = worker
            shared.bells.append(partial(WorkerProcess.stop, worker))
        if shared.stopping.asked:  # meanwhile
            shared.stop()
        while workers:
            for ready in wait(list(workers)):
                if isinstance(ready, Connection) and not workers[ready].hear(shared):
                    workers.pop(ready).ended(shared)
    finally:
        for worker in workers.values():  # something of ours failed: nobody would hear them
            worker.connection.close()
            worker.ended(shared)
