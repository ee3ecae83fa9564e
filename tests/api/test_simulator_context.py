"""`vcontract.Simulator`: what it gives, how it ends, and what it says of settings that cannot be."""

from __future__ import annotations

import http.client
from contextlib import suppress
from pathlib import Path

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from vcontract._api.simulator import Simulator
from vcontract._errors import UsageError


def names_at(vcenter: Simulator) -> set[str]:
    """Name the VMs that a client sees."""
    port = int(vcenter.url.rpartition(":")[2].partition("/")[0])
    account = vcenter.accounts[0]
    connected = SmartConnect(protocol="http", host="127.0.0.1", port=port, user=account.username, pwd=account.password)
    content = connected.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], recursive=True)
    names = {vm.name for vm in view.view}
    Disconnect(connected)
    connected._stub.DropConnections()
    return names


def test_the_names_are_those_that_a_client_sees() -> None:
    """Those of the inventory, and as many more as were asked for."""
    with Simulator(vms=3) as vcenter:
        assert names_at(vcenter) == set(vcenter.vm_names)
        assert "vm-0003" in vcenter.vm_names
        assert [each.may for each in vcenter.accounts] == ["everything", "everything but customize", "read"]
        assert [each.username for each in vcenter.guest_accounts] == ["root", "user"]


def test_it_ends_with_the_block() -> None:
    """Its port is closed then, also if the block ended by an error."""
    vcenter = Simulator()
    with suppress(LookupError), vcenter:
        port = int(vcenter.url.rpartition(":")[2].partition("/")[0])
        raise LookupError("of the test")
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).request("GET", "/")
    with pytest.raises(UsageError, match="started once"), vcenter:
        pass


def test_it_is_of_no_use_before_it_was_started() -> None:
    """In one line."""
    with pytest.raises(UsageError, match="use it in a `with`"):
        _ = Simulator().url


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api": "1.0"}, "1.0"),
        ({"defects": ["nothing"]}, "nothing"),
        ({"inventory": Path("/nowhere.toml")}, "cannot be read"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], said: str) -> None:
    """In one line, by an error that a user can catch; nothing is left running."""
    with pytest.raises(UsageError, match=said), Simulator(**settings):  # type: ignore[arg-type] # several kinds
        pass


def test_it_serves_https_with_the_certificate_it_names() -> None:
    """The file is there as long as it runs."""
    with Simulator(tls=True) as vcenter:
        assert vcenter.url.startswith("https://")
        assert vcenter.ca_file is not None
        assert vcenter.ca_file.is_file()
