"""What a run may disturb: the VMs that carry its owner's mark, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._client import Target
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK, Config
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import TargetError
from vcontract._history import read_history
from vcontract._run.interrupted_run import facts_in
from vcontract._simulator import SimulatorServer
from vcontract._terms import Operation, Ref, Returned, as_ref, subject
from vcontract._testbed import marked_vms as marked
from vcontract._testbed import survey as surveying
from vcontract._testbed.survey import secrets_of, survey_target

MANAGER = "VirtualMachineGuestCustomizationManager"
PRIVILEGE = "VirtualMachine.Provisioning.Customize"
INVENTORY = """
datacenter = "dc"
folder = "f"
template_of_more = "mine"

[[host]]
name = "esx-1"

[[account]]
username = "root"
password = "guest"
root = true

[[vm]]
name = "mine"
host = "esx-1"
nics = 2
extra_config = { "vcontract.owner" = "vcontract" }

[[vm]]
name = "mine-noengine"
host = "esx-1"
guest = "windows"
extra_config = { "vcontract.owner" = "vcontract" }

[[vm]]
name = "unmarked"
host = "esx-1"

[[vm]]
name = "somebody-elses"
host = "esx-1"
extra_config = { "vcontract.owner" = "alice" }

[[vm]]
name = "marked-otherwise"
host = "esx-1"
extra_config = { "owner" = "vcontract" }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorServer]:
    """Give a simulator whose machines are mostly others'."""
    file = tmp_path_factory.mktemp("inventory") / "inventory.toml"
    file.write_text(INVENTORY, "utf-8")
    started = SimulatorServer(fitted(task_time=0.02, boot_time=0.02, inventory=file))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def target(server: SimulatorServer) -> Iterator[Target]:
    """Give a target that nobody has logged in to."""
    opened = Target.open(server.url, secrets=secrets_of(LOOPBACK))
    yield opened
    opened.close()


def test_only_marked_vms_are_seen(target: Target) -> None:
    """No mark, another owner's, or the mark under another key: not ours."""
    facts = survey_target(target, LOOPBACK, load(MANAGER))
    assert {each.name for each in facts.vms.values()} == {"mine", "mine-noengine"}
    mine, other = facts.vms.values()
    assert (mine.nics, mine.family, mine.engine) == (2, "linux", "ok")
    assert (other.family, other.engine) == ("windows", "absent")
    assert mine.host in facts.others


def test_the_server_is_not_later_than_tools(target: Target) -> None:
    """Who says that reports are never late need not say it twice; both are else as the configuration has them."""
    for tools, server in ((0.0, 0.0), (180.0, 10.0)):
        config = replace(LOOPBACK, staleness=tools, runtime_staleness=10.0)
        facts = survey_target(target, config, load(MANAGER))
        assert (facts.staleness, facts.runtime_staleness) == (tools, server)


def test_the_owner_is_the_configurations(target: Target) -> None:
    """Another owner sees its own."""
    facts = survey_target(target, replace(LOOPBACK, owner="alice"), load(MANAGER))
    assert [each.name for each in facts.vms.values()] == ["somebody-elses"]


@pytest.mark.parametrize(
    ("marks", "ours"), [(["vcontract"], True), (["alice", "vcontract"], True), (["vcontract", ""], False), ([], False)]
)
def test_the_last_mark_wins(marks: list[str], ours: bool, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a row
    """Where a server appends instead of replacing, the newest value counts."""
    config = [{"key": "vcontract.owner", "value": {"_typeName": "string", "_value": each}} for each in marks]
    values = {"name": "x", "config.extraConfig": config, "summary.config.numEthernetCards": 1}

    def one_vm(*_: Any, **__: Any) -> dict[Ref, dict[str, Any]]:
        return {Ref("VirtualMachine", "vm-9"): values}

    monkeypatch.setattr(marked, "list_vms", one_vm)
    monkeypatch.setattr(marked, "FEW", 0)
    assert ("vm-9" in survey_target(target, LOOPBACK, load(MANAGER)).vms) is ours


def test_accounts_and_privileges_are_what_the_target_says(target: Target) -> None:
    """An account counts as lacking a privilege only after the AuthorizationManager said so."""
    facts = survey_target(target, LOOPBACK, load(MANAGER))
    held = {account: privileges[PRIVILEGE] for account, privileges in facts.privileges.items()}
    lacking = dict.fromkeys(("operator@vsphere.local", "viewer@vsphere.local"), "nowhere")
    assert held == {"administrator@vsphere.local": "held", **lacking}
    assert facts.sessions["full"] == facts.sessions["second"] == "administrator@vsphere.local"
    assert facts.sessions["unprivileged"] == "operator@vsphere.local"
    assert facts.manager.type == MANAGER


def test_facts_name_secrets_and_hold_none(target: Target) -> None:
    """What is written to the history."""
    facts = surveying.as_json(survey_target(target, LOOPBACK, load(MANAGER)))
    assert [each["password"] for each in facts["guests"]] == ["secret:guest.root", "secret:guest.user"]


def test_without_an_account_nothing_is_tried(target: Target) -> None:
    """One line says what to give."""
    with pytest.raises(TargetError, match="no account is given; use --username"):
        survey_target(target, Config(), load(MANAGER))


def test_a_refused_login_is_the_targets_error(target: Target) -> None:
    """A wrong password."""
    wrong = replace(LOOPBACK, account=(replace(LOOPBACK.account[0], password="wrong"),))
    opened = Target.open(target.url, secrets=secrets_of(wrong))
    with pytest.raises(TargetError, match="InvalidLogin"):
        survey_target(opened, wrong, load(MANAGER))
    opened.close()


def test_a_run_touches_no_vm_that_is_not_marked(server: SimulatorServer, tmp_path: Path) -> None:
    """No call of a run is about one."""
    request = RunRequest(seed=5, max_calls=25, target=server.url, report_dir=tmp_path, output="json")
    assert execute(request).calls >= 25
    history = read_history(tmp_path / "latest" / "history.jsonl")
    ours = set(facts_in(history, tmp_path).vms)
    touched = {subject(each.call) for each in history.operations} - {"", "vm-0"}
    assert touched & ours
    assert {each for each in touched if each.startswith("vm-")} <= ours | made(history.operations)


def made(operations: list[Operation]) -> set[str]:
    """Name the VMs that a run made itself."""
    values = [each.outcome.value for each in operations if isinstance(each.outcome, Returned)]
    infos = [each["info"] for each in values if isinstance(each, dict) and isinstance(each.get("info"), dict)]
    return {ref.value for each in infos if (ref := as_ref(each.get("result")))}
