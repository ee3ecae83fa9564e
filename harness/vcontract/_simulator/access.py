"""Who may call what: whether a method needs a session, and the privileges that the metadata name for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport

from vcontract._simulator.property_paths import no_permission

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation, Session

ANONYMOUS = "System.Anonymous"

# Privileges that real servers check by what the call would change; the metadata names none.
_BY_CHANGE = {
    "ReconfigVM_Task": "VirtualMachine.Config.Settings",
    "Destroy_Task": "VirtualMachine.Inventory.Delete",
    "SetField": "Global.SetCustomField",
}


def needs_session(_: Invocation, info: Any) -> bool:
    """Whether only a logged-in caller may call the method."""
    return bool(info.privId != ANONYMOUS)


def authorise(session: Session, info: Any, this: Any, arguments: dict[str, Any]) -> None:
    """Check the method's privilege and its parameters', as the metadata name them; raises NoPermission."""
    for param in info.params:
        argument = arguments.get(param.name)
        for ref in argument if isinstance(argument, list) else [argument]:
            if param.privId and isinstance(ref, VmomiSupport.ManagedObject):
                _need(session, param.privId, ref)
    entity = arguments.get("vm")
    privilege = info.privId or _BY_CHANGE.get(info.wsdlName)
    if privilege:
        _need(session, privilege, entity if isinstance(entity, VmomiSupport.ManagedObject) else this)


def _need(session: Session, privilege: str, entity: Any) -> None:
    if not session.account.holds(privilege):
        raise no_permission(entity, privilege)
