"""Doctor says of a named host whether it would be disconnected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.windows import fitted
from vcontract._commands.doctor import diagnose
from vcontract._config.request import RunRequest
from vcontract._report.diagnosis import Standing
from vcontract._simulator import SimulatorServer
from vcontract._simulator.inventory import BUILT_IN


@pytest.mark.parametrize("owner", ["", "alice"])
def test_a_host_with_a_vm_of_somebody_else(tmp_path: Path, owner: str) -> None:
    """It is told, with the VM, and that the host stays; the rows that need its loss are named."""
    inventory = tmp_path / "inventory.toml"
    theirs = f'\n[[vm]]\nname = "theirs"\nhost = "esx-2"\nextra_config = {{ "vcontract.owner" = "{owner}" }}\n'
    inventory.write_text(BUILT_IN.read_text("utf-8") + theirs, "utf-8")
    with SimulatorServer(fitted(inventory=inventory)) as server:
        found = diagnose(RunRequest(target=server.url), lambda _: None)
    (host,) = [check for check in found.checks if check.name == "lever host"]
    assert host.standing is Standing.BAD
    assert host.seen.startswith("esx-2: vm-")
    assert host.seen.endswith(" on it carry no mark of ours: it is not disconnected")
    assert found.exit_code == 5


def test_a_host_with_marked_vms_alone() -> None:
    """It may be disconnected."""
    with SimulatorServer(fitted()) as server:
        found = diagnose(RunRequest(target=server.url), lambda _: None)
    assert [check.text for check in found.checks if check.name == "lever host"] == [
        "ok lever host: esx-2 may be disconnected"
    ]
