"""How a command ends that could not do its work: one line or, when asked for, a traceback, and no secret in either."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from vcontract._client import Secrets
from vcontract._errors import UsageError
from vcontract._report.mishap import mishap
from vcontract._simulator import SimulatorServer

SECRET = "a-long & <unusual> 'secret'"
SHORT = "pw"
CRASHING = """
import os
from vcontract._cli import main
from vcontract._client import Recorder

def crash(*_, **__):
    raise RuntimeError("internal", os.environ["VCONTRACT_PASSWORD"])

Recorder.invoke = crash
main()
"""
"""The command, with an error of its own at its first call."""


def crashed(text: str) -> BaseException:
    """Give an error as it is caught, with a traceback."""
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(text, text.encode())
    return caught.value


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_crash_tells_no_secret(debug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds secrets is asked, for the line as for the traceback: long, short and escaped ones become names."""
    monkeypatch.setenv("VCONTRACT_DEBUG", debug)
    # Secrets that another test module keeps alive would redact the names that this test reads.
    monkeypatch.setattr("vcontract._redaction._redactors", weakref.WeakSet())
    holder = Secrets({"account.full": SECRET, "guest.root": SHORT})
    told, code = mishap(crashed(f"{SECRET} of {SHORT}"))
    assert (code, "Traceback" in told) == (4, bool(debug))
    assert "secret:account.full of secret:guest.root" in told
    assert "unusual" not in told
    del holder


def test_a_mistake_of_the_user_tells_no_secret() -> None:
    """The line of an error that is expected is cleaned too."""
    holder = Secrets({"account.full": SECRET})
    assert mishap(UsageError(f"{SECRET}: is no password")) == ("vcontract: secret:account.full: is no password", 2)
    del holder


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_command_that_crashes_prints_no_secret(debug: str, tmp_path: Path) -> None:
    """In a process of its own: exit code 4, and the password's name where the error had the password."""
    server = SimulatorServer()
    server.start()
    try:
        arguments = ("run", "--target", server.url, "--username", "administrator@vsphere.local")
        environment = os.environ | {"VCONTRACT_PASSWORD": SECRET, "VCONTRACT_DEBUG": debug}
        command = (sys.executable, "-c", CRASHING, *arguments)
        ended = subprocess.run(  # noqa: S603 - ours
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    finally:
        server.stop()
    assert ended.returncode == 4, ended.stderr
    assert ("Traceback" in ended.stderr) == bool(debug)
    assert "RuntimeError: ('internal', " in ended.stderr
    assert "secret:account.full" in ended.stderr
    assert "unusual" not in ended.stdout + ended.stderr
