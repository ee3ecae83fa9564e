"""A session of pyVmomi with a VM whose guest can be customized: what the sample clients work with."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

_ACCOUNT, _PASSWORD = "administrator@vsphere.local", "vcontract"


class Guest:
    """A login at the URL of a vCenter, and the VM `linux-1` there; `leave` logs out."""

    def __init__(self, url: str, vm: str = "linux-1") -> None:
        place = urlsplit(url)
        self.service = SmartConnect(
            protocol="http", host=place.hostname, port=place.port, user=_ACCOUNT, pwd=_PASSWORD, path="/sdk"
        )
        self.content: Any = self.service.RetrieveContent()
        self.manager: Any = self.content.guestCustomizationManager
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - the API's signature
        self.vm: Any = next(each for each in view.view if each.name == vm)
        self.auth = vim.vm.guest.NamePasswordAuthentication(username="root", password="guest", interactiveSession=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # a test may have ended the session, or cut the connection
            self.leave()

    def leave(self) -> None:
        """Log out, and close the connections."""
        Disconnect(self.service)
        self.vanish()

    def vanish(self) -> None:
        """Close the connections, as the end of a process does; the session stays."""
        self.service._stub.DropConnections()

    def customize(self) -> Any:
        """Call CustomizeGuest_Task with a valid specification; gives the task."""
        identity = vim.vm.customization.LinuxPrep(
            hostName=vim.vm.customization.FixedName(name="web"), domain="example.org"
        )
        nic = vim.vm.customization.IPSettings(ip=vim.vm.customization.DhcpIpGenerator())
        spec = vim.vm.customization.Specification(
            identity=identity,
            globalIPSettings=vim.vm.customization.GlobalIPSettings(),
            nicSettingMap=[vim.vm.customization.AdapterMapping(adapter=nic)],
        )
        return self.manager.CustomizeGuest_Task(vm=self.vm, auth=self.auth, spec=spec)

    def call(self, method: str) -> Any:
        """Call one of the manager's methods with valid arguments; gives the task."""
        if method == "CustomizeGuest_Task":
            return self.customize()
        return getattr(self.manager, method)(vm=self.vm, auth=self.auth)
