"""The server under test as a process of ours: started, watched, ended with all that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vcontract._client.wire import Endpoint, parse_url
from vcontract._config.own_simulator import is_loopback_address
from vcontract._config.server import Server
from vcontract._errors import HarnessError, TargetError, UsageError
from vcontract._saved_file import append_to, write_line
from vcontract._server import processes
from vcontract._server.output import Output

LOG = "server.log"
"""What the server printed, in the run's directory."""
_PAUSE = 0.02
_LOOKS, _NAP = 4, 0.05
"""So often, and after so many seconds, it is looked whether a server has ended: it closes its connections a moment before."""
_DRAIN = 1.0
"""Seconds that a process gets to end once nothing of it listens, and in which the rest of what it printed is read."""


class StartedServer:
    """The server of one configuration.

    `notes` say what the operator should know. `redact` takes secrets out of what it prints before that is shown or kept, in
    `log` if there is one; `without` are the names of environment variables that are not its business, `then` is
    what is done each time that it is ready.
    """

    def __init__(
        self,
        url: str,
        server: Server,
        *,
        log: Path | None = None,
        redact: Callable[[str], str] = str,
        without: Collection[str] = (),
        then: Callable[[], None] = lambda: None,
    ) -> None:
        self.notes: list[str] = []
        self.server, self.restarts = server, 0
        self._at: Endpoint = parse_url(url)
        self._log, self._redact, self._without, self._then = log, redact, without, then
        self._mark = f"{self._at.port}:{os.getpid()}:{processes.begun(os.getpid())}"
        self._process: subprocess.Popen[bytes] | None = None
        self._output: Output | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready.

        Raises UsageError if its port is taken, by others before or by others than its own processes afterwards; TargetError,
        with its last lines of output, if it does not get ready. In both cases nothing of it is left.
        """
        self._clear()
        self._vacant()
        environment = {name: value for name, value in os.environ.items() if name not in self._without}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator's own program, named on this command line
                self.server.start,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**environment, processes.MARK: self._mark},
            )
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or str(error)
            raise TargetError(f"[server] start: {self.server.start[0]} cannot be started: {words}") from error
        assert self._process.stdout is not None
        ready = self.server.ready
        self._output = Output(self._process.stdout, ready if isinstance(ready, str) else "")
        try:
            self._await_ready()
            self._then()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it with all that it started, and keep what it printed."""
        if self._process is None:
            return
        processes.end(self._mark)
        self._process.wait()
        self._keep()
        self._process = None

    def restart(self, *, ended: bool = True) -> None:
        """Start it again, whatever is left of it. Raises TargetError as `start` does, and if it `ended` too often."""
        self.stop()
        if ended and self.restarts >= self.server.restarts:
            raise TargetError(
                f"the server was started again {self.restarts} times ([server] restarts), and ended again"
            )
        self.restarts += ended
        self.start()

    def ended(self) -> str:
        """Say how the server ended; empty while it lives: its process runs, and something of it listens."""
        for look in range(_LOOKS):
            if look:
                time.sleep(_NAP)
            if why := self._why():
                return why
        return ""

    def said(self) -> str:
        """Give the last lines that it printed, on one line."""
        if self._output is not None and self._process is not None and self._process.poll() is not None:
            self._output.close(_DRAIN)  # the rest of it may still be on its way
        lines = self._output.tail() if self._output is not None else []
        return self._redact(" | ".join(lines)) if lines else "it printed nothing"

    def _why(self) -> str:
        assert self._process is not None
        status = self._process.poll()
        if status is None:
            if self._at.port in processes.ports_of(processes.with_mark(self._mark)):
                return ""
            with suppress(subprocess.TimeoutExpired):  # it closes its connections a moment before it has ended
                status = self._process.wait(_DRAIN)
        return f"nothing of it listens on port {self._at.port} any more" if status is None else _in_words(status)

    def _await_ready(self) -> None:
        assert self._process is not None
        assert self._output is not None
        until, since = time.monotonic() + self.server.within, 0.0
        rest, strangers = self.server.ready if isinstance(self.server.ready, int | float) else 0.0, 0
        while True:
            taken = self._at.port in processes.listening().values()
            ports = processes.ports_of(processes.with_mark(self._mark))
            if (status := self._process.poll()) is not None:
                raise self._unready(f"{_in_words(status)} before it was ready")
            if self._at.port in ports:
                since = since or time.monotonic()
                if self._output.matched and time.monotonic() >= since + rest:
                    return
            strangers = strangers + 1 if taken and self._at.port not in ports else 0
            if strangers == _LOOKS:
                raise UsageError(
                    f"[server] start: who listens on port {self._at.port} is no process of it; end that first"
                )
            if time.monotonic() > until:
                where = ", ".join(map(str, sorted(ports))) or "no port"
                what = "printed no line that matches `ready`" if since else f"does not listen on port {self._at.port}"
                raise self._unready(
                    f"it {what} within {self.server.within:g} s ([server] within); it listens on {where}"
                )
            time.sleep(_PAUSE)

    def _unready(self, why: str) -> TargetError:
        assert self._output is not None
        return TargetError(f"[server] start: {self.server.start[0]}: {why}; its last output: {self.said()}")

    def _clear(self) -> None:
        """End what a run that was killed has left on this port, and say so."""
        for pid, mark in list(processes.marked()):
            port, _, owner = mark.partition(":")
            number, _, began = owner.partition(":")
            if port == str(self._at.port) and number.isdigit() and processes.begun(int(number)) != began:
                self.notes.append(
                    f"process {pid} was left by a run that was killed, and was ended: {processes.words_of(pid)}"
                )
                processes.end(mark)

    def _vacant(self) -> None:
        """Make sure that nobody listens where the server is to. Raises UsageError."""
        family = socket.AF_INET6 if ":" in self._at.host else socket.AF_INET
        try:
            socket.create_server((self._at.host, self._at.port), family=family).close()
        except OSError as error:
            raise UsageError(
                f"[server] start: port {self._at.port} of {self._at.host} is not free ({error.strerror}): end what listens"
                " there, or leave `start` out to test that"
            ) from error

    def _keep(self) -> None:
        """Write down what it printed; the process has ended."""
        if self._output is None:
            return
        self._output.close(_DRAIN)
        if self._log is not None:
            text = self._redact(f"--- start {self.restarts + 1}: {self.server.start[0]}\n{self._output.text()}\n")
            try:
                file = append_to(self._log)
            except OSError as error:
                raise HarnessError(f"{self._log}: cannot be written: {error.strerror}") from error
            try:
                write_line(file, text.encode("utf-8", "replace"), self._log)
            finally:
                os.close(file)
        self._output = None


def _in_words(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"its process ended with status {status}"
    try:
        return f"its process was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"its process was ended by signal {-status}"


@contextmanager
def started(
    url: str,
    server: Server,
    *,
    log: Path | None = None,
    redact: Callable[[str], str] = str,
    without: Collection[str] = (),
    then: Callable[[], None] = lambda: None,
) -> Iterator[StartedServer | None]:
    """Start the server of a configuration while the context lasts; None if it names none. Raises as `StartedServer.start`."""
    if not server.start:
        yield None
        return
    if not is_loopback_address(url):
        raise UsageError(
            f"[server] start: the target must be an address of this machine, as http://127.0.0.1:8989/sdk: {url}"
        )
    if not processes.is_known():
        raise UsageError("[server] start needs Linux's /proc, to know who listens; start the server yourself")
    each = StartedServer(url, server, log=log, redact=redact, without=without, then=then)
    try:
        each.start()
        yield each
    finally:
        each.stop()
