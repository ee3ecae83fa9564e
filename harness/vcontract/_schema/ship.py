"""The WSDL sets that ship with the harness: which releases, which roots, and how to build them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract._schema.build import build, write_set
from vcontract._schema.closure import present
from vcontract._schema.metadata import Metadata
from vcontract._schema.releases import SHIPPED
from vcontract._shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

MANAGER = "VirtualMachineGuestCustomizationManager"
ROOTS = (
    "ServiceInstance:RetrieveServiceContent,CurrentTime",
    "SessionManager:Login,Logout,TerminateSession",
    (
        "PropertyCollector:CreatePropertyCollector,DestroyPropertyCollector,CreateFilter,RetrieveProperties,RetrievePropertiesEx,"
        "ContinueRetrievePropertiesEx,CancelRetrievePropertiesEx,WaitForUpdates,WaitForUpdatesEx,CancelWaitForUpdates"
    ),
    "PropertyFilter",
    "ViewManager:CreateContainerView,CreateListView",
    "ContainerView",
    "ListView",
    "SearchIndex:FindByInventoryPath,FindByUuid,FindByDnsName,FindChild",
    "Task:CancelTask",
    "TaskManager:CreateCollectorForTasks",
    "TaskHistoryCollector",
    (
        "VirtualMachine:PowerOnVM_Task,PowerOffVM_Task,SuspendVM_Task,ResetVM_Task,ShutdownGuest,RebootGuest,StandbyGuest,"
        "MarkAsTemplate,MarkAsVirtualMachine,CreateSnapshot_Task,RevertToCurrentSnapshot_Task,ReconfigVM_Task,InstantClone_Task,"
        "CustomizeVM_Task,UnregisterVM,Destroy_Task,AnswerVM,TerminateVM"
    ),
    "VirtualMachineSnapshot:RevertToSnapshot_Task,RemoveSnapshot_Task",
    "HostSystem.name,parent,runtime,customValue:DisconnectHost_Task,ReconnectHost_Task",
    "Folder:",
    "Datacenter:",
    "GuestOperationsManager",
    "GuestAuthManager:ValidateCredentialsInGuest,AcquireCredentialsInGuest,ReleaseCredentialsInGuest",
    "GuestProcessManager:StartProgramInGuest,ListProcessesInGuest",
    "AuthorizationManager:HasPrivilegeOnEntities,HasPrivilegeOnEntity,FetchUserPrivilegeOnEntities",
    "CustomFieldsManager:AddCustomFieldDef,SetField",
)


def roots_of(api: str) -> tuple[str, ...]:
    """Give the roots of a release's set: all that it has of what the harness calls; SchemaError for an unknown one."""
    return tuple(present(Metadata(api), (*ROOTS, MANAGER)))


def ship(root: Path) -> None:
    """Build every shipped set into `root/<version>/`; SchemaError if that cannot be written."""
    for api in SHIPPED:
        write_set(build(api, roots_of(api)), root / api)


if __name__ == "__main__":
    ship(shipped("wsdl"))
