"""Proves whether a vCenter keeps the contract of VirtualMachineGuestCustomizationManager."""

__version__ = "0.1.0"
