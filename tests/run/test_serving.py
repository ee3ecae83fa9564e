"""Who may have a server started: the file that the command line names, and nothing that a recording or a directory says."""

from __future__ import annotations

import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.windows import fitted
from vcontract._client import Recorder, Secrets
from vcontract._commands.adopt import adopt
from vcontract._config.config import Config
from vcontract._config.request import RunRequest
from vcontract._config.server import Server
from vcontract._errors import UsageError
from vcontract._run.own_server.serving import served
from vcontract._run.preparation import PLAIN
from vcontract._run.recorded_run import opening
from vcontract._run.start import configured, opened
from vcontract._simulator import SimulatorServer
from vcontract._testbed import log_in, look_round, marks_of

URL = "http://127.0.0.1:{port}/sdk"


def free_port() -> int:
    """Give a port that is free."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def test_nothing_is_started_unless_this_command_line_names_the_file(tmp_path: Path) -> None:
    """A configuration that came from elsewhere, as from a recording, may name what it likes."""
    trap = tmp_path / "started"
    config = Config(target=URL.format(port=free_port()), server=Server(start=("/usr/bin/touch", str(trap))))
    with served(RunRequest(), PLAIN, config, Secrets()) as server:
        assert server is None
    assert not trap.exists()
    kept = opening(config.target, RunRequest(), "run", config)
    assert "touch" not in str(kept.config)


def test_the_file_that_is_named_starts_it(tmp_path: Path) -> None:
    """What does not get ready is one line, and the run has not begun."""
    file = tmp_path / "vcontract.toml"
    url = URL.format(port=free_port())
    file.write_text(f'target = "{url}"\n[server]\nstart = ["/usr/bin/env", "false"]\n', "utf-8")
    request = RunRequest(config=file)
    with (
        pytest.raises(Exception, match="ended with status 1 before it was ready"),
        served(request, PLAIN, configured(request), Secrets()),
    ):
        pytest.fail("it was started")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('ready = "x"', "needs start"),
        ('start = [""]', "the name of no program"),
        ('start = ["true"]\nready = "("', "is no regular expression"),
        ('start = ["true"]\nready = -1', "must not be negative"),
        ('start = "true"', "Expected `array`"),
        ('start = ["true"]\nshell = true', "unknown field `shell`"),
    ],
)
def test_what_the_file_says_wrong_is_told_in_a_line(tmp_path: Path, lines: str, said: str) -> None:
    """With the file."""
    file = tmp_path / "vcontract.toml"
    file.write_text(f"[server]\n{lines}\n", "utf-8")
    with pytest.raises(UsageError) as caught:
        configured(RunRequest(config=file))
    assert said in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_vms_are_marked_each_time_that_it_was_started(tmp_path: Path) -> None:
    """As `vcontract adopt` does it; a pattern that fits none is told as what it is."""
    file, port = tmp_path / "vcontract.toml", free_port()
    dying = Path(__file__).parents[1] / "dying_server.py"
    with SimulatorServer(fitted(task_time=0.01)) as server:
        behind = server.url.removeprefix("http://").removesuffix("/sdk")
        start = [sys.executable, "-I", "-S", str(dying), str(port), behind, "text", "nothing"]
        account = '[[account]]\nrole = "full"\nusername = "administrator@vsphere.local"\npassword = "vcontract"\n'
        text = f'target = "{URL.format(port=port)}"\n{account}[server]\nstart = {start}\nadopt = '
        adopt(RunRequest(target=server.url), PLAIN, "linux-1", lambda _: True, release=True)
        file.write_text(f'{text}"linux-1"\n', "utf-8")
        config = configured(RunRequest(config=file))
        with opened(RunRequest(config=file), PLAIN, config, Recorder()) as target:
            log_in(target, config)
            seen = {each.name: each.owners for each in look_round(target, marks_of(target, config))}
        assert len(seen["linux-1"]) == 1
        file.write_text(f'{text}"no-such-*"\n', "utf-8")
        with (
            pytest.raises(UsageError, match=r"\[server\] adopt: .*no-such-\*.* shows no VM of such a name"),
            opened(RunRequest(config=file), PLAIN, configured(RunRequest(config=file)), Recorder()),
        ):
            pytest.fail("it was opened")
