"""The texts of faults, as real servers word them; for people only, no verdict may rest on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyVmomi import vmodl

_POWER = {"poweredOn": "Powered on", "poweredOff": "Powered off", "suspended": "Suspended"}

# Keyed by WSDL type; a type without a text of its own takes that of its nearest ancestor.
_TEXTS = {
    "InvalidPowerState": "The attempted operation cannot be performed in the current state ({existingState}).",
    "InvalidState": "The operation is not allowed in the current state.",
    "TaskInProgress": "Another task is already in progress.",
    "NotAuthenticated": "The session is not authenticated.",
    "NoPermission": "Permission to perform this operation was denied.",
    "ManagedObjectNotFound": "The object '{obj}' has already been deleted or has not been completely created",
    "InvalidArgument": "A specified parameter was not correct: {invalidProperty}",
    "CustomizationPending": "Guest Customization is already pending.",
    "NicSettingMismatch": "The number of network adapter settings in the customization specification:"
    " {numberOfNicsInSpec} does not match the number of network adapters present in the virtual machine:"
    " {numberOfNicsInVM}.",
    "UncustomizableGuest": "Customization of the guest operating system '{uncustomizableGuestOS}' is not supported"
    " in this configuration.",
    "CustomizationFault": "Cannot complete customization.",
    "InvalidGuestLogin": "Failed to authenticate with the guest operating system using the supplied credentials.",
    "GuestPermissionDenied": "Insufficient permissions in the guest operating system.",
    "GuestOperationsUnavailable": "The guest operations agent could not be contacted.",
    "OperationNotSupportedByGuest": "The operation is not supported by the guest operating system.",
    "ToolsUnavailable": "Operation failed since VMware tools are not running in this virtual machine.",
    "NotSupported": "The operation is not supported on the object.",
    "InvalidLogin": "Cannot complete login due to an incorrect user name or password.",
    "RequestCanceled": "The task was canceled by a user.",
    "HostNotConnected": "Unable to communicate with the remote host, since it is disconnected.",
    "HostCommunication": "Unable to communicate with the remote host.",
    "InvalidProperty": "The property {name} does not exist.",
    "MethodNotFound": "The method {method} is not found.",
    "SystemError": "A general system error occurred: {reason}",
    "InvalidCollectorVersion": "The version is not current.",
}


def describe(fault: vmodl.MethodFault) -> str:
    """Give the text of a fault: its own `msg` if set, else the usual one of its type, else the type's name."""
    if fault.msg:
        return str(fault.msg)
    for kind in type(fault).__mro__:
        text = _TEXTS.get(getattr(kind, "_wsdlName", ""))
        if text is not None:
            return text.format_map(_Fields(fault))
    return f"The operation failed: {type(fault)._wsdlName}."  # noqa: SLF001 - pyVmomi's only name for the WSDL type


class _Fields(dict[str, str]):
    """The fields of a fault, read when a text asks for them."""

    def __init__(self, fault: vmodl.MethodFault) -> None:
        super().__init__()
        self._fault = fault

    def __missing__(self, name: str) -> str:
        value: Any = getattr(self._fault, name, None)
        if value is None:
            return ""
        if hasattr(value, "_moId"):
            return f"{type(value).__name__}:{value._moId}"  # noqa: SLF001 - pyVmomi's only name for the moId
        return _POWER.get(str(value), str(value))
