"""A served vCenter, as the fixture `vcenter` gives it: what is injected into it depends on its VMs."""

from __future__ import annotations

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.clients.guest import Guest
from vcontract._errors import UsageError
from vcontract.testing._vcenter import served


def test_an_answer_for_a_state_of_the_vm() -> None:
    """`condition` is the `while` of a rule: it strikes once the VM is so, and one that no VM meets is refused."""
    with served() as vcenter:
        vcenter.inject("*Guest_Task", "InvalidState", condition="power.off")
        with pytest.raises(UsageError, match="no VM can be so"):
            vcenter.inject("*Guest_Task", "InvalidState", condition="power.off, power.on")
        with Guest(vcenter.url) as client:
            assert WaitForTask(client.customize(), si=client.service) == "success"
            WaitForTask(client.vm.PowerOffVM_Task(), si=client.service)
            with pytest.raises(vim.fault.InvalidState):
                client.customize()
        assert [each.injected for each in vcenter.calls if each.injected] == ["InvalidState"]
