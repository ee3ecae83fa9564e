"""`vcontract adopt` shows what it will mark, marks that and nothing else, and takes the mark off again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from tests.windows import fitted
from vcontract._simulator import SimulatorServer

INVENTORY = """
datacenter = "dc"
folder = "f"
template_of_more = "web-1"
[[host]]
name = "esx-1"
[[vm]]
name = "web-1"
host = "esx-1"
[[vm]]
name = "web-2"
host = "esx-1"
extra_config = { "guestinfo.role" = "web" }
[[vm]]
name = "web-3"
host = "esx-1"
extra_config = { "vcontract.owner" = "alice" }
[[vm]]
name = "db-1"
host = "esx-1"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SimulatorServer]:
    """Serve an inventory in which nothing is ours yet."""
    file = tmp_path / "inventory.toml"
    file.write_text(INVENTORY, "utf-8")
    with SimulatorServer(fitted(task_time=0.01, inventory=file)) as running:
        yield running


def options(url: str) -> dict[str, dict[str, str]]:
    """Give the extra configuration of every VM, as the vendor's client reads it."""
    user = "administrator@vsphere.local"
    instance: Any = SmartConnect(protocol="http", host="127.0.0.1", port=urlsplit(url).port, user=user, pwd="vcontract")
    view = instance.content.viewManager.CreateContainerView(instance.content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - pyVmomi's signature
    found = {each.name: {every.key: every.value for every in each.config.extraConfig} for each in view.view}
    Disconnect(instance)
    instance._stub.DropConnections()
    return found


def test_it_marks_what_it_shows(server: SimulatorServer, vcontract: Any) -> None:
    """By a pattern; what is somebody else's stays so; the second time there is nothing to do."""
    before = options(server.url)
    done = vcontract("adopt", "--vm", "web-*", "--yes", "--target", server.url)
    assert (done.code, [each.split(" ", 2)[::2] for each in done.out]) == (
        0,
        [
            ["web-1", "gets the mark vcontract.owner = vcontract"],
            ["web-2", "gets the mark vcontract.owner = vcontract"],
            ["web-3", "carries the mark vcontract.owner = alice of somebody else, and is left alone"],
        ],
    )
    mark = {"vcontract.owner": "vcontract"}
    assert options(server.url) == before | {"web-1": mark, "web-2": {"guestinfo.role": "web"} | mark}
    again = vcontract("adopt", "--vm", "web-[12]", "--yes", "--target", server.url)
    assert [each.split(" ", 2)[2] for each in again.out] == ["carries the mark vcontract.owner = vcontract already"] * 2
    released = vcontract("adopt", "--vm", "*", "--release", "--yes", "--target", server.url)
    assert released.code == 0
    assert options(server.url) == before


def test_it_asks_first(server: SimulatorServer, vcontract: Any) -> None:
    """Without a terminal it shows, does nothing, and says what it needs."""
    before = options(server.url)
    done = vcontract("adopt", "--vm", "web-1", "--target", server.url)
    assert done.code == 2
    assert [each.split(" ", 2)[2] for each in done.out] == ["gets the mark vcontract.owner = vcontract"]
    assert "--yes" in done.err[0]
    assert options(server.url) == before


def test_it_takes_the_owner_from_the_configuration(server: SimulatorServer, vcontract: Any, tmp_path: Path) -> None:
    """Another configuration has another mark; alice's own is hers to take off."""
    file = tmp_path / "vcontract.toml"
    account = '[[account]]\nrole = "full"\nusername = "administrator@vsphere.local"\npassword = "vcontract"\n'
    file.write_text(f'target = "{server.url}"\nowner = "alice"\n{account}', "utf-8")
    assert vcontract("adopt", "--vm", "db-1", "--yes", "--config", file).code == 0
    assert vcontract("adopt", "--vm", "web-3", "--release", "--yes", "--config", file).code == 0
    found = options(server.url)
    assert (found["db-1"], found["web-3"]) == ({"vcontract.owner": "alice"}, {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--vm", "nobody-*"), "shows no VM of such a name"), (("--vm", "web-1", "--username", "x"), "--password-file")],
)
def test_what_cannot_be_done_says_so(
    arguments: tuple[str, ...], said: str, server: SimulatorServer, vcontract: Any
) -> None:
    """In one line, with exit 2."""
    done = vcontract("adopt", *arguments, "--yes", "--target", server.url)
    assert (done.code, len(done.err)) == (2, 1)
    assert said in done.err[0]


def test_a_server_must_be_named(vcontract: Any) -> None:
    """The simulator that a run starts is gone before anybody could use the mark."""
    done = vcontract("adopt", "--vm", "*", "--yes")
    assert done.code == 2
    assert "name the server" in done.err[0]
