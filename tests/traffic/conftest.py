"""Recordings of a client of pyVmomi, made before a simulator that keeps the contract, or does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from tests.har_proxy import recording
from tests.windows import fitted
from vcontract._simulator import SimulatorServer

GOOD, BAD = ("root", "guest"), ("nobody", "wrong")
Recorded = Callable[..., Path]


class Client:
    """An automation that customizes guests, and looks at a VM before and after each call, unless it `looks` at none."""

    def __init__(self, url: str) -> None:
        self.looks = True
        port = int(url.rpartition(":")[2].partition("/")[0])
        self._session = SmartConnect(
            protocol="http", host="127.0.0.1", port=port, user="administrator@vsphere.local", pwd="vcontract"
        )
        self._content = self._session.RetrieveContent()

    def vm(self, name: str) -> Any:
        """Find a VM."""
        index = self._content.viewManager.CreateContainerView(self._content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - its own
        return next(each for each in index.view if each.name == name)

    def does(self, vm: Any, call: Callable[[], Any]) -> None:
        """Look, call, see the task to its end, and look again; a fault is none of the client's."""
        self.look(vm)
        try:
            task = call()
            while isinstance(task, vim.Task) and task.info.state in {"queued", "running"}:
                time.sleep(0.005)
        except vmodl.MethodFault:
            pass
        self.look(vm)

    def look(self, vm: Any) -> Any:
        """Read what a verdict may rest on."""
        return self.looks and (vm.runtime.powerState, vm.config.template, vm.runtime.connectionState)

    def abort(self, vm: Any, login: tuple[str, str] = GOOD) -> Callable[[], Any]:
        """Give a call that aborts whatever customization runs."""
        auth = vim.vm.guest.NamePasswordAuthentication(
            username=login[0],
            password=login[1],
            interactiveSession=False,
        )
        return lambda: self._content.guestCustomizationManager.AbortCustomization_Task(vm, auth)

    def log_out(self) -> None:
        """End the session."""
        Disconnect(self._session)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Give a function that has a script done before a simulator with some defects, and gives the file of its recording."""

    def record(script: Callable[[Client], None], *defects: str, encoded: bool = False) -> Path:
        settings = fitted(task_time=0.01, boot_time=0.02, report_time=0.0, defects=frozenset(defects))
        with SimulatorServer(settings) as server, recording(server.url) as told:
            client = Client(told.url)
            script(client)
            client.log_out()
        return told.written(tmp_path / "calls.har", encoded=encoded)

    return record
