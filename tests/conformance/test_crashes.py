"""A mistake of ours in a session of pytest: what pytest shows of it holds no secret, whatever it is asked to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import Command
from vcontract._simulator import SimulatorServer

PASSWORD = "Canary-<pytest>-0123456789"
CRASH = f"""
from vcontract._run.step_runner import StepRunner

def walk(self, *_, **__):
    half = local = {PASSWORD!r}
    raise RuntimeError([local, local.encode().hex()])

StepRunner.walk = walk
"""
CONFIG = """
[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"
[[guest]]
username = "root"
may_customize = true
password = "{}"
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_no_option_of_pytest_shows_a_secret(
    workers: tuple[str, ...], simulator: SimulatorServer, rows_as_tests: Command, tmp_path: Path
) -> None:
    """Neither `-l` nor `--full-trace`: no locals, and the message by name; the place of the mistake is shown."""
    (tmp_path / "crash.py").write_text(CRASH, "utf-8")
    (tmp_path / "vcontract.toml").write_text(CONFIG.format(PASSWORD), "utf-8")
    asked = ("-p", "crash", "-l", "-vv", "--full-trace", "--vcontract-config=vcontract.toml", *workers)
    ended = rows_as_tests(*asked, f"--vcontract-target={simulator.url}", "-k", "AbortCustomization_Task")
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "RuntimeError: ['secret:guest.root', 'secret:guest.root']" in said
    assert "crash.py" in said
    assert "half = local" in said
    shown = said.replace(f"half = local = {PASSWORD!r}", "")  # a line of the source, which is not ours
    assert "Canary" not in shown
    assert PASSWORD.encode().hex() not in shown
    written = [each for each in (tmp_path / "reports").rglob("*") if each.is_file()]
    assert [each for each in written if b"Canary" in each.read_bytes()] == []
