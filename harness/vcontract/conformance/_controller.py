"""The side of who deals out and gathers in: pytest itself, alone or as the controller of pytest-xdist's workers."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from vcontract._config.govc import with_environment
from vcontract._config.printed_command import repeating_command
from vcontract._config.request import DECLARED, RunRequest, drawn_seed, request_of
from vcontract._config.risk import decided
from vcontract._errors import HarnessError
from vcontract._report.mishap import mishap
from vcontract._report.safe_text import one_line
from vcontract._run.known_deviations import listed
from vcontract._run.preparation import Preparation
from vcontract._run.profile_source import pinned_by
from vcontract._workers.shared_run import SharedRun
from vcontract._workers.worker import WorkerResult, work
from vcontract.conformance._items import RowTests, row_of_node, walk_of_node
from vcontract.conformance._scheduling import WalkScheduling
from vcontract.conformance._verdicts import tell
from vcontract.conformance._xdist_worker import CHANNEL, NUMBER, ORDERS


class Controller:
    """Begins the run before the workers start, and ends it when the first row is reported, or the session is over."""

    def __init__(self, config: pytest.Config, row_tests: RowTests) -> None:
        self.config, self._row_tests = config, row_tests
        self.run = SharedRun(*asked_of(config))
        self._numbered = 0

    def workers(self) -> int:
        """Say how many shares are taken in this process: one."""
        return 1

    def take_share(self, number: int) -> None:
        """Take the one share in this process."""
        orders = replace(self.run.orders[number - 1], methods=self._row_tests.methods())
        self.run.give(number, work(orders, self.run.stopping))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Begin the run, unless workers are about to be started."""
        if not self.config.option.collectonly and not self.config.pluginmanager.has_plugin("dsession"):
            self._open(1)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[object]) -> None:
        """Begin the run for so many workers."""
        self._open(len(specs))

    def _open(self, workers: int) -> None:
        try:
            if not self.run.orders:
                self.run.open(workers)
        except HarnessError as error:
            raise pytest.UsageError(mishap(error)[0]) from error

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker its orders, and a channel on which it is told to stop and gives back what it has."""
        self._numbered += 1
        number = self._numbered if self._numbered <= len(self.run.orders) else 0
        node.workerinput[NUMBER] = number
        if number:
            channel = node.gateway.newchannel()
            channel.setcallback(partial(self._given, number))
            self.run.bells.append(partial(channel.send, "stop"))
            node.workerinput[CHANNEL] = channel
            node.workerinput[ORDERS] = self.run.orders[number - 1].encoded()

    def _given(self, number: int, sent: int | bytes) -> None:
        if isinstance(sent, int):
            self.run.progress(number, sent)
        else:
            self.run.give(number, msgspec.msgpack.decode(zlib.decompress(sent), type=WorkerResult))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self) -> WalkScheduling:
        """Let each worker walk its own share."""
        return WalkScheduling(len(self.run.orders), lambda node: int(node.workerinput[NUMBER]), self._collected)

    def _collected(self, collection: Sequence[str]) -> None:
        self._row_tests.select(collection)
        self.run.select(self._row_tests.selected, self._row_tests.methods())

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which rows were selected."""
        if self.run.orders:
            self._collected([each.nodeid for each in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note a worker that died."""
        if error and node.workerinput[NUMBER]:
            self.run.died(node.workerinput[NUMBER], str(error))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """Note a walk that failed; say of a row what the whole run says of it, before anybody else hears of it."""
        walk, row = walk_of_node(report.nodeid), row_of_node(report.nodeid)
        if walk and report.failed:
            self.run.died(walk, one_line(str(report.longrepr).strip().rpartition("\n")[2]))
        elif row and report.when == "call":
            tell(report, row, self.run.end())
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """End the run with what is known, when every worker is gone."""
        yield
        if self.run.orders:
            self.run.end()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the report is."""
        result = self.run.result
        if result is not None:
            terminalreporter.section("vcontract")
            counts = f"{result.calls} calls judged, {result.requests} requests, {len(result.findings)} findings"
            counts += f"; vcontract {result.version}"
            terminalreporter.write_line(one_line(f"{result.verdict.value} ({counts}); report: {self.run.report}"))


def asked_of(config: pytest.Config) -> tuple[RunRequest, Preparation]:
    """Make the request of the options, and what is known beside it. Raises pytest.UsageError."""
    said = {
        each.field: config.getoption(f"--vcontract-{each.name}") for each in DECLARED.values() if each.option.pytest
    }
    if said["seed"] is None:
        said["seed"] = drawn_seed()
    request = replace(request_of(said), output="none")
    try:
        request, password = with_environment(request)
        again, request = repeating_command(request), decided(request)
        pins = pinned_by(request.profile, request.contract)
        known = listed(request.config, request.deviations)
    except HarnessError as error:
        raise pytest.UsageError(mishap(error)[0]) from error
    return request, Preparation(password=password, replay=again, pinned=pins, known=known)
