"""A lane's thread: it walks what a dealer deals it, with sessions, a history and a judge of its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from vcontract._errors import HarnessError
from vcontract._redaction import redact_everywhere
from vcontract._report.mishap import mishap
from vcontract._workers.messages import Failed, Finished, Message, StepsDone
from vcontract._workers.stopping import Stopping
from vcontract._workers.worker import Orders, Shared, work


class LaneThread:
    """Walks; every message goes to `tell`, the last one is Finished or Failed."""

    def __init__(self, orders: Orders, shared: Shared, tell: Callable[[int, Message], object]) -> None:
        self.number = orders.share.number
        self.stopping = Stopping()
        self._orders, self._shared, self._tell = orders, shared, tell
        self._thread = Thread(target=self._walk, name=f"vcontract-lane-{self.number}", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _walk(self) -> None:
        last: Message
        try:
            last = Finished(work(self._orders, self.stopping, self._told, self._shared))
        except HarnessError as error:
            last = Failed(redact_everywhere(str(error)))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is ours, and whoever started this hears of it
            last = Failed(mishap(error)[0])
        finally:
            self._shared.dealer.ended(self.number)
        self._tell(self.number, last)

    def _told(self, count: int) -> None:
        self._tell(self.number, StepsDone(count))
