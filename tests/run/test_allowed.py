"""What the operator does not allow is never called; what rests on it is out of reach, for that reason."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK, PERMISSIONS, Config
from vcontract._config.permissions import NEEDS
from vcontract._config.request import RunRequest
from vcontract._config.write_config import written
from vcontract._errors import UsageError
from vcontract._history import read_history
from vcontract._simulator import SimulatorServer
from vcontract._terms import Operation

MANAGER = "VirtualMachineGuestCustomizationManager"
REST = sorted({*PERMISSIONS} - {"power", "host"})
NETWORK = "StartGuestNetwork_Task"
MACHINE = '[[vm]]\nname = "{}"\nhost = "esx-1"\npower = "{}"\nextra_config = {{ "vcontract.owner" = "vcontract" }}\n'
HEAD = """
datacenter = "dc"
folder = "f"
template_of_more = "on-1"

[[host]]
name = "esx-1"

[[account]]
username = "root"
password = "guest"
root = true

[[account]]
username = "user"
password = "guest"
root = false
"""


def request(
    folder: Path, *allowed: str, contract: str = MANAGER, methods: tuple[str, ...] = (), target: str = "simulator"
) -> RunRequest:
    """Make a request with the built-in configuration, but for what is allowed."""
    given: Config = msgspec.structs.replace(LOOPBACK, task_seconds=2.0)
    text = msgspec.json.decode(msgspec.json.encode(given))
    for each in (*text["account"], *text["guest"]):
        del each["password_env"], each["password_file"]
    lines = [
        f"allow = {msgspec.json.encode(allowed).decode()}",
        'hosts = ["esx-2"]',
        "confirm = 1",
        "task_seconds = 2.0",
    ]
    lines += ["staleness = 0.02", "publish = 0.0"]
    for name in ("account", "guest", "vm", "lever"):
        for each in text[name]:
            lines += [f"[[{name}]]", *(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in each.items())]
    file = folder / "vcontract.toml"
    file.write_text("\n".join(lines), "utf-8")
    options = RunRequest(seed=2, methods=methods)
    return replace(options, contract=contract, target=target, config=file, report_dir=folder / "reports", output="none")


def sent(folder: Path) -> list[Operation]:
    """Give everything that was sent."""
    return list(read_history(folder / "reports" / "latest" / "history.jsonl").operations)


@pytest.mark.parametrize("missing", ["power", "host", *(pytest.param(each, marks=pytest.mark.long) for each in REST)])
def test_what_is_not_allowed_is_not_called(missing: str, tmp_path: Path) -> None:
    """Not to arrange, not to judge, not to put back; the rest of the run goes on and finds nothing wrong."""
    allowed = tuple(each for each in PERMISSIONS if each != missing)
    result = execute(request(tmp_path, *allowed, methods=(NETWORK,)))
    operations = sent(tmp_path)
    called = {each.call.method for each in operations}
    assert called & {method for method, needed in NEEDS.items() if needed == missing} == set()
    assert ({each.call.actor for each in operations} & {"unprivileged", "readonly"} == set()) == (missing == "account")
    assert (result.findings, [each for each in result.notes if each.startswith("not restored")]) == ([], [])
    assert any(
        f"does not allow {missing}" in each or "power is not allowed" in each for each in result.cells.unreachable
    )
    assert result.calls > 100


def test_without_power_a_machine_serves_as_it_was_found(tmp_path: Path) -> None:
    """One that is off serves for what needs one that is off, and is off afterwards."""
    inventory = tmp_path / "inventory.toml"
    machines = [MACHINE.format("on-1", "poweredOn"), MACHINE.format("off-1", "poweredOff")]
    inventory.write_text(HEAD + "\n".join(machines), "utf-8")
    with SimulatorServer(fitted(inventory=inventory)) as server:
        result = execute(request(tmp_path, "tools", methods=(NETWORK,), target=server.url))
    row = next(each for each in result.rows if each.id == f"{MANAGER}/{NETWORK}/InvalidPowerState")
    assert row.observed.keys() == {"InvalidPowerState"}
    assert row.verdict == "conforms"
    assert not any(each.call.method.startswith("Power") for each in sent(tmp_path))
    assert [each for each in result.notes if each.startswith("not restored")] == []


def test_what_is_all_about_power_is_refused(tmp_path: Path) -> None:
    """Proofs and exploration work on clones, which without power could not be destroyed."""
    plain = request(tmp_path, "tools")
    for asked, said in (({"complete": 0}, "--complete"), ({"explore": 1}, "--explore")):
        with pytest.raises(UsageError, match=f"{said} works on clones, .*does not allow power"):
            execute(msgspec.structs.replace(plain, **asked))
    assert not (tmp_path / "reports").exists()


def test_power_methods_are_out_of_reach_without_power(tmp_path: Path) -> None:
    """Of the contract of the VM itself; a run of one such method judges nothing."""
    result = execute(request(tmp_path, "tools", contract="VirtualMachine", methods=("PowerOffVM_Task",)))
    assert (result.calls, result.exit_code) == (0, 5)
    assert set(result.cells.unreachable) == {"the configuration does not allow power"} | {
        each for each in result.cells.unreachable if each.startswith("no ")
    }


def test_what_is_allowed_is_kept_in_a_begun_file(tmp_path: Path) -> None:
    """`doctor --write-config` with a configuration that allows less."""
    written(tmp_path / "c.toml", "http://127.0.0.1/sdk", msgspec.structs.replace(LOOPBACK, allow=("tools",)), "")
    assert '\nallow = ["tools"]' in (tmp_path / "c.toml").read_text("utf-8")
