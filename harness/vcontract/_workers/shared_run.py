"""A run of several workers, without a word of pytest: opens the target, gives orders, takes what comes back, and ends."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import msgspec
from msgspec.structs import replace

from vcontract._client import Logins
from vcontract._config.config import Account, Config, Guest, password_of
from vcontract._config.request import RunRequest
from vcontract._errors import UsageError
from vcontract._history_lines import encode_event
from vcontract._report.result import RunResult, Worker
from vcontract._report.run_directory import write_whole
from vcontract._run.preparation import PLAIN, Preparation
from vcontract._run.start import StartedRun, underway
from vcontract._run.summary import PartialResult
from vcontract._saved_file import create
from vcontract._terms import Observed
from vcontract._testbed import built_in
from vcontract._workers.coordinator import Coordinator
from vcontract._workers.shares import Share
from vcontract._workers.stopping import Stopping
from vcontract._workers.worker import Orders, Shared, WorkerResult


class SharedRun:
    """One run: `open` it, let a worker follow each of `orders`, `give` what came of it, `end` it.

    `stopping` ends a walk in this process; `bells` are called, each once and in a thread, to end those in others.
    """

    def __init__(self, request: RunRequest, preparation: Preparation = PLAIN) -> None:
        self.request, self.preparation = request, preparation
        self.orders: list[Orders] = []
        self.result: RunResult | None = None
        self.stopping = Stopping()
        self.bells: list[Callable[[], None]] = []
        self._stack, self._logins = ExitStack(), ""
        self._given: dict[int, WorkerResult] = {}
        self._died: dict[int, str] = {}
        self._done: dict[int, int] = {}

    def open(self, workers: int, *, lanes: bool = False, a_host: int = 0) -> None:
        """Reach the target and deal its plan out. Raises HarnessError for all that keeps the run from beginning.

        `lanes`: to so many at most in this process, who share the limits, and who are dealt the steps as they go on, and of
        whom there are `a_host` at most for each host on which VMs are (0: any number).
        """
        began = time.monotonic()
        with ExitStack() as stack:
            self._logins = stack.enter_context(TemporaryDirectory(prefix="vcontract-logins-"))
            preparation = replace(self.preparation, logins=Logins(self._logins))
            asked = self.request if lanes else replace(self.request, workers=workers)
            started = stack.enter_context(underway(asked, preparation, stop=self.stop))
            self._target = started.site.target
            if not lanes:
                _fits(workers, started.site.config)
            elif started.site.server is not None:  # who starts it again after its end must know of all that led to that
                raise UsageError(
                    "[server] start: a server that the run starts is judged in one lane; leave --lanes out"
                )
            self._coordinator = Coordinator(started, self.preparation.interrupted)
            self._shares = self._coordinator.lanes(workers, a_host) if lanes else self._coordinator.shares(workers)
            self._directory = started.directory
            limit = started.site.request.time_limit
            left = max(limit - (time.monotonic() - began), 0.001) if limit else 0.0
            config = resolved(started.site.config)
            config = config if lanes else divided(config, workers, self._target.pacing.sent)
            self.orders = [self._order(started, config, share, left) for share in self._shares]
            self._stack = stack.pop_all()

    def _order(self, started: StartedRun, config: Config, share: Share, time_limit: float) -> Orders:
        mark = encode_event(Observed("worker", {"number": share.number, "mark": uuid.uuid4().hex}))
        orders = Orders(
            replace(started.site.request, target=started.site.target.url, time_limit=time_limit),
            config,
            share,
            started.site.context.run,
            str(started.directory.resolve()),
            mark,
            public=built_in(started.site.config),
            logins=self._logins,
        )
        create(started.directory / orders.file, mark)
        return orders

    @property
    def shared(self) -> Shared:
        """What the lanes of this process share."""
        assert self._coordinator.dealer is not None  # since it was opened for lanes
        return Shared(self._target.pacing, self._coordinator.dealer)

    @property
    def report(self) -> Path:
        """The run's directory."""
        return self._directory

    def select(self, rows: Sequence[str], methods: frozenset[str]) -> None:
        """Report these rows alone, of which these methods are exercised."""
        self._coordinator.select(rows, methods)

    def give(self, number: int, gave: WorkerResult) -> None:
        """Take what a walk gave; one that was halted, or met a refusal that was carried out, halts the others."""
        self._given[number] = gave
        if gave.part.halted or gave.part.carried_out:
            self.stop()

    def progress(self, number: int, done: int) -> None:
        """Take that a worker has done so many of its steps; any thread may call it."""
        self._done[number] = done
        self._coordinator.progressed(sum(self._done.values()))

    def died(self, number: int, reason: str) -> None:
        """Note that a worker is gone, or could not walk; what it gave before counts."""
        self._died.setdefault(number, reason)

    def stop(self) -> None:
        """End every walk before its next call; a signal handler may call it."""
        self.stopping.ask()
        for bell in self.bells:
            # in a thread, for the signal may have come while this one held the lock of the same channel
            Thread(target=_rung, args=(bell,)).start()

    def end(self) -> RunResult:
        """Put together what is known, report it, and let go of the target; the second time it only gives the result."""
        if self.result is None:
            with self._stack:
                parts = [self._part(share, orders) for share, orders in zip(self._shares, self.orders, strict=True)]
                self.result = self._coordinator.end(self._shares, parts)
        return self.result

    def _part(self, share: Share, orders: Orders) -> PartialResult:
        place: Path = self._directory / orders.file
        gave = self._given.get(share.number)
        if gave is None:
            reason = self._died.get(share.number, "it was ended before it had walked its share")
            return self._coordinator.dead_worker_part(share, Worker(orders.file, died=reason), place)
        if gave.history:
            write_whole(place, gave.history)
        return gave.part


def resolved(config: Config) -> Config:
    """Put the passwords into a configuration, for a worker may lack the environment and the files that they stand in."""

    def known(holder: Account | Guest) -> Account | Guest:
        return replace(holder, password=password_of(holder), password_env="", password_file="")

    return msgspec.convert(
        msgspec.to_builtins(
            replace(config, account=tuple(map(known, config.account)), guest=tuple(map(known, config.guest)))
        ),
        Config,
    )


def _fits(workers: int, config: Config) -> None:
    """Refuse more workers than requests that may be under way at one time, for each of them waits for its own."""
    if (most := config.limits.parallel_calls) and workers > most:
        raise UsageError(
            f"limits.parallel_calls = {most}: {workers} workers would send as many at once; use at most {most}"
        )


def divided(config: Config, workers: int, sent: int) -> Config:
    """Give each worker its part of the rate, and of the requests that are left after those that were `sent`."""
    limits = config.limits
    total = max(1, (limits.total_calls - sent) // workers) if limits.total_calls else 0
    return replace(
        config, limits=replace(limits, calls_per_second=limits.calls_per_second / workers, total_calls=total)
    )


def _rung(bell: Callable[[], None]) -> None:
    with suppress(OSError):  # its worker is gone
        bell()
