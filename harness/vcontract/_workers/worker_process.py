"""A process that takes one share of a run: from its orders, which come by a pipe, to what it gives back."""

from __future__ import annotations

import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Thread

from vcontract._errors import HarnessError
from vcontract._redaction import redact_everywhere
from vcontract._report.mishap import mishap
from vcontract._workers.messages import Failed, Finished, Message, StepsDone, encoded
from vcontract._workers.stopping import Stopping
from vcontract._workers.worker import Orders, work


def serve(descriptor: int) -> None:
    """Take the orders, do the share, and send what that gave; a wish to stop, or the loss of whoever gave them, ends it early.

    Its exit code is that of the command: 0, or 4 for an error of ours.
    """
    connection, stopping = Connection(descriptor), Stopping()
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C reaches every process of a terminal
        signal.signal(number, stopping.ask)
    orders = Orders.decoded(connection.recv_bytes())
    Thread(target=_hear, args=(connection, stopping), daemon=True).start()

    def tell(message: Message) -> None:
        with suppress(OSError):  # whoever listened is gone; the VMs are put back all the same
            connection.send_bytes(encoded(message))

    try:
        tell(Finished(work(orders, stopping, lambda count: tell(StepsDone(count)))))
    except HarnessError as error:
        tell(Failed(redact_everywhere(str(error))))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is ours, and whoever started this hears of it
        tell(Failed(mishap(error)[0]))
        raise SystemExit(4) from None


def _hear(connection: Connection, stopping: Stopping) -> None:
    """Stop as soon as anything is said, or nobody is left to say anything."""
    with suppress(EOFError, OSError):
        connection.recv_bytes()
    stopping.ask()
