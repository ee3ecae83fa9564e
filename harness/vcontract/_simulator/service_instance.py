"""The ServiceInstance: where every client begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyVmomi import vim

from vcontract._simulator.data_objects import make
from vcontract._simulator.objects import Invocation, ManagedObject

if TYPE_CHECKING:
    from datetime import datetime

# ServiceContent's fields and the moIds that real vCenters use for them; only those that exist here are sent.
_MOIDS = {
    "rootFolder": "group-d1",
    "propertyCollector": "propertyCollector",
    "viewManager": "ViewManager",
    "sessionManager": "SessionManager",
    "authorizationManager": "AuthorizationManager",
    "taskManager": "TaskManager",
    "guestCustomizationManager": "GuestCustomizationManager",
    "customFieldsManager": "CustomFieldsManager",
    "searchIndex": "SearchIndex",
    "guestOperationsManager": "guestOperationsManager",
}
_BUILD = "00000000"


class ServiceInstance(ManagedObject):
    """The vim.ServiceInstance."""

    vmodl_type = vim.ServiceInstance

    def get_content(self) -> vim.ServiceInstanceContent:
        """Give the references to the singletons; the writer leaves out those that are newer than the client."""
        registry = self.vcenter.registry
        living = {
            name: singleton.ref for name, moid in _MOIDS.items() if (singleton := registry.find(moid)) is not None
        }
        return make(vim.ServiceInstanceContent, about=self._about(), **living)

    def get_serverClock(self) -> datetime:
        """Give the server's time."""
        return self.vcenter.timeline.datetime()

    def get_capability(self) -> vim.Capability:
        """Give what a vCenter can do."""
        return vim.Capability(provisioningSupported=True, multiHostSupported=True, userShellAccessSupported=False)

    def RetrieveServiceContent(self, call: Invocation) -> vim.ServiceInstanceContent:  # noqa: ARG002 - every method gets the call
        """Give the references to the singletons."""
        return self.get_content()

    def CurrentTime(self, call: Invocation) -> datetime:  # noqa: ARG002 - every method gets the call
        """Give the server's time."""
        return self.vcenter.timeline.datetime()

    def _about(self) -> vim.AboutInfo:
        api = self.vcenter.settings.api
        release = ".".join(api.split(".")[:3])
        return make(
            vim.AboutInfo,
            name="VMware vCenter Server",
            fullName=f"VMware vCenter Server {release} build-{_BUILD} (vcontract simulator)",
            vendor="VMware, Inc.",
            version=release,
            patchLevel="00000",
            build=_BUILD,
            localeVersion="INTL",
            localeBuild="000",
            osType="linux-x64",
            productLineId="vpx",
            apiType="VirtualCenter",
            apiVersion=api,
            instanceUuid=self.vcenter.instance_uuid,
            licenseProductName="VMware VirtualCenter Server",
            licenseProductVersion=".".join(api.split(".")[:2]),
        )
