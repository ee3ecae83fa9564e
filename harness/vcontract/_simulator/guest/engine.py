"""The customization engine in the guest: what stops it, and what it changes."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.guest.state import Engine, Lock, Written

if TYPE_CHECKING:
    from vcontract._simulator.guest.state import GuestState

HOST_NAME_LENGTH = 63
# What a guest without the engine answers, as seen in public.
NO_ENGINE = "Guest Tools does not support Guest Customization. Please upgrade Guest Tools."


def require_engine(state: GuestState) -> None:
    """Raise CustomizationFault if the engine is not installed, UnexpectedCustomizationFault if it cannot run."""
    if state.engine is Engine.ABSENT:
        raise customization_fault(NO_ENGINE)
    if state.engine is Engine.BROKEN:
        raise vim.fault.UnexpectedCustomizationFault(msg="The customization engine failed to start.")


def require_free_lock(state: GuestState) -> None:
    """Raise CustomizationFault if a customization that has ended left its lock behind."""
    if state.lock is not Lock.FREE:
        raise customization_fault("Another customization holds the guest lock.")


def written(state: GuestState, spec: Any, machine_name: str) -> Written:
    """Make of a specification that has passed the rules what the engine writes; the guest itself stays as it is."""
    network = copy.deepcopy(state.written.network or state.network)
    network.domain = spec.identity.domain
    network.configure(spec.globalIPSettings, [mapping.adapter for mapping in spec.nicSettingMap])
    return Written(generated_name(spec.identity.hostName, machine_name), network)


def generated_name(name: Any, machine_name: str) -> str:
    """Make the host name: a fixed one, a prefix with a number, or the machine's name without characters that are invalid."""
    if isinstance(name, vim.vm.customization.FixedName):
        return str(name.name)
    if isinstance(name, vim.vm.customization.PrefixNameGenerator):
        return f"{name.base[: HOST_NAME_LENGTH - 2]}-1"
    return re.sub("[^A-Za-z0-9-]", "", machine_name)[:HOST_NAME_LENGTH]
