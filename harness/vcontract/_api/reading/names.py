"""The WSDL name of a type, from the name that a client's language has for it."""

from __future__ import annotations

from vcontract._schema.ages import wsdl_name

_PREFIXES = ("Deserialized.", "VMware.Vim.", "VimSdk.", "types.", "vim25:", "vim:", "ns1:", "ns2:")
"""What PowerShell, PowerCLI, Go and XML put before the names of types."""


def type_name(written: str) -> str:
    """Give the WSDL name of a type.

    `vim.vm.customization.LinuxPrep` (VMODL, as pyVmomi and vCenter's own XML write it), `VMware.Vim.CustomizationLinuxPrep`
    (PowerCLI) and `CustomizationLinuxPrep` are one type. Source of VMODL names: pyVmomi's metadata.
    """
    name = written.strip()
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return wsdl_name(name) or name
