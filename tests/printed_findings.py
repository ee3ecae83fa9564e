"""What is printed of findings, and the servers on which that is tried: one with a defect, and one without."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from tests.windows import fitted, skipping
from vcontract._simulator import SimulatorServer
from vcontract._simulator.defects import DEFECTS, Defect
from vcontract._terms import Finding

DRAWN = tuple(random.Random(2026).sample(sorted(DEFECTS.known), 20))  # noqa: S311 - no secret
"""Twenty defects that nobody chose."""
SAMPLE = ("task-with-status-500", "bad-value-accepted", "refused-call-leaves-a-task", "manager-shown-to-old-clients")
"""Those of them that a run finds soonest, one for each way in which a script can tell: reply, outcome, task left, read."""
USER, PASSWORD = "administrator@vsphere.local", "vcontract"  # documented


class Served(NamedTuple):
    """A server under test: its address."""

    url: str
    port: int


@contextmanager
def serving(*defects: str, port: int = 0, skips: bool = True) -> Iterator[Served]:
    """Serve with some defects; at a port, that a printed command meets the same address.

    Its clock `skips` what no run waits for; a script knows nothing of that.
    """
    settings = (skipping if skips else fitted)(seed=1, port=port, defects=frozenset(defects))
    with SimulatorServer(settings) as server:
        yield Served(server.url, int(server.url.rpartition(":")[2].partition("/")[0]))


def inventory(url: str) -> list[tuple[str, str, bool, int]]:
    """List all VMs of a server as one who stands beside sees them: name, power, template, snapshots."""
    port = int(url.rpartition(":")[2].partition("/")[0])
    session = SmartConnect(protocol="http", host="127.0.0.1", port=port, user=USER, pwd=PASSWORD)
    content = session.RetrieveContent()
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - its own
    found = [
        (
            each.name,
            each.runtime.powerState,
            each.config.template,
            len(each.snapshot.rootSnapshotList if each.snapshot else ()),
        )
        for each in view.view
    ]
    Disconnect(session)
    return sorted(found)


def is_for_one_client(name: str) -> bool:
    """Whether a plain run, of one client, can meet a defect."""
    known = DEFECTS.known[name]
    return isinstance(known, Defect) and not known.concurrent


def in_a_shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Execute a printed line verbatim, from a folder of its own, as somebody who pastes it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **variables}
    return subprocess.run(  # noqa: S603 - printed by us
        ("/bin/sh", "-c", line), cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )


def script_of(reports: Path, finding: Finding) -> Path:
    """Give the script that the newest run wrote for a finding."""
    return reports / "latest" / "reproductions" / f"{finding.id}.py"


def judged_by_script(file: Path, url: str) -> int:
    """Run a script as somebody does who has the passwords of the simulator; gives its exit code."""
    accounts = {
        "VC_USER": USER,
        "VC_USER_UNPRIVILEGED": "operator@vsphere.local",
        "VC_USER_READONLY": "viewer@vsphere.local",
    }
    passwords = {name.replace("USER", "PASSWORD"): PASSWORD for name in accounts}
    guests = {"GUEST_ROOT": "guest", "GUEST_USER": "guest", "VC_PATIENCE": "10"}
    ended = in_a_shell(f"{sys.executable} {file}", file.parent, VC_URL=url, **accounts, **passwords, **guests)
    assert not ended.stderr, ended.stderr
    return ended.returncode
