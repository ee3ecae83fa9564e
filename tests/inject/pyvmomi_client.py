"""pyVmomi as its samples use it: log in, list by a view, clone, customize, start the network, reboot, run a program."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

from vcontract.testing._vcenter import ServedVCenter

_LONGEST = 60.0
"""Seconds after which a guest that shows nothing new is a failure of the flow, on the slowest machine."""


class Samples:
    """A session of the vendor's library at a vCenter, and the calls that its samples make."""

    def __init__(self, vcenter: ServedVCenter) -> None:
        account = vcenter.administrator
        self.service = SmartConnect(
            protocol="http", host=vcenter.host, port=vcenter.port, user=account.username, pwd=account.password
        )
        self.content: Any = self.service.RetrieveContent()
        guest = vcenter.guest
        self.auth = vim.vm.guest.NamePasswordAuthentication(
            username=guest.username, password=guest.password, interactiveSession=False
        )

    def vms(self) -> dict[str, Any]:
        """List the VMs by a container view, as the sample that lists them all does; by the name of their summary."""
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - the API's signature
        try:
            return {each.summary.config.name: each for each in view.view}
        finally:
            view.Destroy()

    def instant_clone(self, parent: Any, name: str) -> Any:
        """Clone a running VM, and wait; gives the clone."""
        spec = vim.vm.InstantCloneSpec(name=name, location=vim.vm.RelocateSpec())
        task = parent.InstantClone_Task(spec)
        WaitForTask(task, si=self.service)
        return task.info.result

    def call(self, method: str, vm: Any) -> str:
        """Call a method of the manager or of the VM; gives how its task ended, as the library says it."""
        if method == "RebootGuest":
            vm.RebootGuest()
            return "success"
        if method == "PowerOffVM_Task":
            return str(WaitForTask(vm.PowerOff(), si=self.service))
        spec = {"spec": _specification()} if method == "CustomizeGuest_Task" else {}
        task = getattr(self.content.guestCustomizationManager, method)(vm=vm, auth=self.auth, **spec)
        return str(WaitForTask(task, si=self.service))

    def run_program(self, vm: Any, path: str, arguments: str) -> int:
        """Run a program in the guest until it has ended, as the sample does; gives its exit code."""
        processes = self.content.guestOperationsManager.processManager
        program = vim.vm.guest.ProcessManager.ProgramSpec(programPath=path, arguments=arguments)
        pid = processes.StartProgramInGuest(vm, self.auth, program)
        until = time.monotonic() + _LONGEST
        while time.monotonic() < until:
            (process,) = processes.ListProcessesInGuest(vm, self.auth, [pid])
            if process.exitCode is not None:
                return int(process.exitCode)
            time.sleep(0.02)
        raise AssertionError(f"{path} has not ended within {_LONGEST:g} s")


def shows_soon(vm: Any, name: str) -> bool:
    """Whether Tools report a host name, sooner or later."""
    until = time.monotonic() + _LONGEST
    while vm.guest.hostName != name and time.monotonic() < until:
        time.sleep(0.02)
    return str(vm.guest.hostName) == name


def what_it_does(samples: Samples, method: str, vm: Any) -> tuple[str, str, str]:
    """Tell what a call came to: in words, and the file and line of the library, with its text, that an exception is from."""
    try:
        return samples.call(method, vm), "", ""
    except Exception as error:  # noqa: BLE001 - whatever a client raises is what is told of it
        frames = traceback.extract_tb(error.__traceback__)
        (frame, *_) = [each for each in reversed(frames) if "/pyVmomi/" in each.filename or "/pyVim/" in each.filename]
        return f"raises {type(error).__name__}", f"{Path(frame.filename).name}:{frame.lineno}", str(frame.line)


@contextmanager
def logged_in(vcenter: ServedVCenter) -> Iterator[Samples]:
    """Log in, and out again."""
    samples = Samples(vcenter)
    try:
        yield samples
    finally:
        Disconnect(samples.service)


def _specification() -> Any:
    identity = vim.vm.customization.LinuxPrep(
        hostName=vim.vm.customization.FixedName(name="web-1"), domain="example.com"
    )
    nic = vim.vm.customization.IPSettings(
        ip=vim.vm.customization.FixedIp(ipAddress="10.0.0.88"), subnetMask="255.255.255.0"
    )
    return vim.vm.customization.Specification(
        identity=identity,
        globalIPSettings=vim.vm.customization.GlobalIPSettings(dnsServerList=["10.0.0.53"]),
        nicSettingMap=[vim.vm.customization.AdapterMapping(adapter=nic)],
    )
