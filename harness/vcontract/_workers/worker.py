"""What one worker does: it reaches the target with sessions of its own and walks its share."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from vcontract._client import Logins, Recorder, Target
from vcontract._client.pacing import Pacing
from vcontract._config.config import Config
from vcontract._config.context import RunContext
from vcontract._config.request import RunRequest, decode_path, encode_path
from vcontract._contract import load
from vcontract._report.events import CellJudged, RunEvent
from vcontract._report.result import Worker
from vcontract._run.ending import UNREACHED
from vcontract._run.start import StartedRun
from vcontract._run.summary import PartialResult
from vcontract._saved_file import create, read_saved
from vcontract._terms import Ended
from vcontract._testbed import Site, secrets_of
from vcontract._workers.lanes.dealer import Dealer
from vcontract._workers.share_run import run_share
from vcontract._workers.shares import NUMBERS, Share
from vcontract._workers.stopping import Stopping

PAUSE = 0.5
"""Seconds between two words about progress."""
INTERRUPTED = Ended.INTERRUPTED.note(UNREACHED)


class Orders(msgspec.Struct, frozen=True):
    """All that a worker must know, on this machine or another; `config` holds passwords, so it goes through pipes alone.

    The request is that of the run, about the target that was reached, for the time that is left. `run` is the mark of what
    the run makes. `directory` is the run's, in which `mark`, the first line of the worker's history, stands already: whoever
    finds it there shares the disk. `methods` are those of the rows that were selected; `public` names
    the secrets that are documented, `logins` the folder in which the processes tell of refused logins. `wsdl` and a CA file
    are read where the worker runs.
    """

    request: RunRequest
    config: Config
    share: Share
    run: str
    directory: str
    mark: bytes
    methods: frozenset[str] = frozenset()
    public: tuple[str, ...] = ()
    logins: str = ""

    @property
    def file(self) -> str:
        """The name of the worker's history."""
        return f"history-{self.share.number}.jsonl"

    def encoded(self) -> bytes:
        """Write the orders, for a pipe."""
        return msgspec.msgpack.encode(self, enc_hook=encode_path)

    @staticmethod
    def decoded(sent: bytes) -> Orders:
        """Read orders that came through a pipe. Raises msgspec.DecodeError."""
        return msgspec.msgpack.decode(sent, type=Orders, dec_hook=decode_path)


class WorkerResult(msgspec.Struct, frozen=True):
    """What a worker gives back; `history` only if the run's directory is not on its disk."""

    part: PartialResult
    history: bytes = b""


class Pace:
    """Tells how many steps are done, but not too often."""

    def __init__(self, tell: Callable[[int], object]) -> None:
        self._tell, self._next = tell, 0.0

    def on(self, event: RunEvent) -> None:
        """Hear what was judged."""
        if isinstance(event, CellJudged) and time.monotonic() >= self._next:
            self._next = time.monotonic() + PAUSE
            self._tell(event.done)


class Shared(NamedTuple):
    """What a lane shares with the others of its process: the limits of requests, and who deals the steps."""

    pacing: Pacing
    dealer: Dealer


def work(
    orders: Orders,
    stopping: Stopping,
    tell: Callable[[int], object] = lambda _: None,
    shared: Shared | None = None,
) -> WorkerResult:
    """Walk the share; `tell` now and then hears how many steps are done. Raises HarnessError if the target is not reached."""
    place = Path(orders.directory) / orders.file
    if _is_mine(place, orders.mark):
        return WorkerResult(_walk(orders, stopping, place, Pace(tell), shared))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / orders.file
        create(place, orders.mark)
        part = _walk(orders, stopping, place, Pace(tell), shared)
        return WorkerResult(part, place.read_bytes())


def _is_mine(place: Path, mark: bytes) -> bool:
    """Whether a file is there with the mark alone: the directory is on this machine."""
    try:
        return read_saved(place) == mark
    except OSError:
        return False


def _walk(orders: Orders, stopping: Stopping, history: Path, pace: Pace, shared: Shared | None) -> PartialResult:
    began = time.monotonic()
    share = orders.share
    recorder = Recorder(history, after=NUMBERS * share.number)
    stopping.watch(recorder)
    try:
        part = _walked(orders, recorder, pace, shared)
    except KeyboardInterrupt:  # before the walk began; later it ends itself
        part = PartialResult(planned=share.cells, notes=[INTERRUPTED])
    finally:
        recorder.close()
    spent = round(time.monotonic() - began, 3)
    return msgspec.structs.replace(part, worker=Worker(orders.file, part.calls, part.requests, spent))


def _walked(orders: Orders, recorder: Recorder, pace: Pace, shared: Shared | None) -> PartialResult:
    request = orders.request
    target = Target.open(
        request.target,
        wsdl=request.wsdl or None,
        trust=orders.config.trust(insecure=request.insecure),
        proxy=orders.config.proxy,
        recorder=recorder,
        secrets=secrets_of(orders.config, orders.public),
        pacing=shared.pacing.beside() if shared else orders.config.pacing(),
        logins=Logins(orders.logins),
    )
    try:
        site = Site(target, load(request.contract), orders.config, request, RunContext(run=orders.run))
        return run_share(StartedRun(site, (pace,)), orders.share, orders.methods, shared and shared.dealer)
    finally:
        target.close()
