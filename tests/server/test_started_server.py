"""The process of a server that is started for a run: ready or not, ended with all that it started, its output within bounds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vcontract._config.server import Server
from vcontract._errors import TargetError, UsageError
from vcontract._server import StartedServer, processes, started
from vcontract._server.output import FIRST, LAST, LINES, WIDTH

LISTEN = "import socket, sys, time, os; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
SLEEP = "import time; time.sleep(1e6)\n"
DAEMON = "import os, sys\nif os.fork(): sys.exit()\nos.setsid()\nif os.fork(): os._exit(0)\n" + LISTEN + SLEEP


@pytest.fixture
def port() -> int:
    """Give a port that is free."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


Make = Callable[..., StartedServer]


@pytest.fixture
def make(port: int, tmp_path: Path) -> Iterator[Make]:
    """Give a function that makes a server of a program in Python, not yet started; nothing of any is left."""
    made: list[StartedServer] = []

    def of(code: str, url: str = f"http://127.0.0.1:{port}/sdk", **said: object) -> StartedServer:
        server = Server(start=(sys.executable, "-I", "-S", "-c", code, str(port)), **said)  # type: ignore[arg-type]  # of tests
        made.append(StartedServer(url, server, log=tmp_path / "log", without=("SECRET",)))
        return made[-1]

    yield of
    assert [each for each in made if processes.with_mark(each._mark)] == []


def test_it_runs_until_it_is_stopped(make: Make, tmp_path: Path) -> None:
    """It is ready once it listens; what it printed is kept for its owner alone."""
    each = make(LISTEN + "print('hello', flush=True)\n" + SLEEP, ready="^hel+o")
    each.start()
    assert each.ended() == ""
    each.stop()
    assert "hello" in (tmp_path / "log").read_text("utf-8")
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        ("print('no licence'); raise SystemExit(3)", {}, ["ended with status 3 before it was ready", "no licence"]),
        (SLEEP, {"within": 0.3}, ["within 0.3 s", "it listens on no port", "it printed nothing"]),
        (LISTEN + SLEEP, {"within": 0.3, "ready": "never"}, ["printed no line that matches `ready`"]),
        (LISTEN.replace("int(sys.argv[1])", "0") + "print('here')\n" + SLEEP, {"within": 2.0}, ["it listens on "]),
        ("print('x' * 5_000_000); raise SystemExit(1)", {}, ["ended with status 1", "x" * WIDTH]),
        (DAEMON, {}, ["ended with status 0 before it was ready"]),
    ],
)
def test_what_does_not_get_ready_is_told_with_its_last_output(
    make: Make, code: str, said: dict[str, object], told: list[str]
) -> None:
    """One line, exit 3, and no process is left, not even one that has left its group."""
    with pytest.raises(TargetError) as caught:
        make(code, **said).start()
    assert [part for part in told if part not in str(caught.value)] == []
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < LINES * (WIDTH + 3) + 500


def test_a_program_that_is_missing_is_told(port: int) -> None:
    """With what the system says of it."""
    with pytest.raises(TargetError, match="no-such-program cannot be started: No such file"):
        StartedServer(f"http://127.0.0.1:{port}", Server(start=("no-such-program",))).start()


def test_its_output_is_kept_within_bounds(make: Make, tmp_path: Path) -> None:
    """The first and the last of it, and how much is left out."""
    each = make("print('first'); print('x' * 5_000_000); print('last', flush=True)\n" + LISTEN + SLEEP, ready="last")
    each.start()
    each.stop()
    kept = (tmp_path / "log").read_text("utf-8")
    assert len(kept) < FIRST + LAST + 70_000
    assert "first" in kept
    assert kept.rstrip().endswith("last")
    assert "bytes left out" in kept


def test_a_port_that_is_taken_is_refused(make: Make, port: int) -> None:
    """Whoever listens there is not what is to be started."""
    with closing(socket.create_server(("127.0.0.1", port))), pytest.raises(UsageError, match="is not free"):
        make(LISTEN + SLEEP).start()


def test_a_stranger_on_the_port_is_refused(make: Make, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that came between the look and the start: the listener must be a process of the server's own."""
    monkeypatch.setattr(StartedServer, "_vacant", lambda _: None)
    with closing(socket.create_server(("127.0.0.1", port))), pytest.raises(UsageError, match="is no process of it"):
        make(SLEEP).start()


def test_what_a_killed_run_left_is_ended_and_told(make: Make, port: int) -> None:
    """Its mark names a process that is gone; that of a run that lives is left alone."""
    left = {**os.environ, processes.MARK: f"{port}:{os.getpid()}:1"}
    lives = {**os.environ, processes.MARK: f"{port + 1}:{os.getpid()}:1"}
    command = (sys.executable, "-I", "-S", "-c", LISTEN + SLEEP)
    old = subprocess.Popen([*command, str(port)], env=left)  # noqa: S603 - ours
    other = subprocess.Popen([*command, "0"], env=lives)  # noqa: S603 - ours
    each = make(LISTEN + SLEEP)
    while port not in processes.ports_of([old.pid]):
        assert old.poll() is None
    each.start()
    each.stop()
    assert old.wait() == -signal.SIGTERM
    assert [note for note in each.notes if f"process {old.pid} was left by a run that was killed" in note] == each.notes
    assert other.poll() is None
    other.kill()
    other.wait()


def test_its_end_is_told(make: Make) -> None:
    """By the signal, by the status, or since nothing listens any more."""
    each = make(LISTEN + SLEEP)
    each.start()
    assert each._process is not None
    os.kill(each._process.pid, signal.SIGKILL)
    each._process.wait()
    assert each.ended() == "its process was ended by SIGKILL"
    each.restart()
    assert each.ended() == ""
    each.stop()
    deaf = make(
        LISTEN + "print(os.environ.get('SECRET'), flush=True); time.sleep(0.3); s.close()\n" + SLEEP, ready="None"
    )
    deaf.start()
    while not deaf.ended():
        assert deaf._process is not None
        assert deaf._process.poll() is None
    assert "nothing of it listens" in deaf.ended()
    deaf.stop()


def test_its_restarts_are_bounded(make: Make) -> None:
    """What ends again and again is not started for ever."""
    each = make(LISTEN + SLEEP, restarts=1)
    each.start()
    each.restart()
    each.restart(ended=False)
    with pytest.raises(TargetError, match="was started again 1 times"):
        each.restart()


@pytest.mark.parametrize("url", ["http://localhost:8989/sdk", "http://vcenter.example/sdk", "http://10.0.0.1:8989/sdk"])
def test_it_is_started_on_this_machine_alone(url: str) -> None:
    """By an address: a name may lead anywhere."""
    with pytest.raises(UsageError, match="must be an address of this machine"), started(url, Server(start=("true",))):
        pytest.fail("it was started")


def test_the_password_of_the_run_is_not_its_business(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the environment without the variables that hold passwords."""
    monkeypatch.setenv("SECRET", "hush")
    each = make("import os; print('has', os.environ.get('SECRET'), flush=True)\n" + LISTEN + SLEEP, ready="has")
    each.start()
    each.stop()
    assert "has None" in (tmp_path / "log").read_text("utf-8")
