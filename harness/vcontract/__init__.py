"""Proves whether a vCenter keeps the contract of VirtualMachineGuestCustomizationManager."""

__version__ = "0.2.0"
"""The one place where the version is written; the build reads it here. Files that name none are of 0.1.0 or before."""
