"""What a state needs beside the calls that every target offers, and what is missing where it cannot be brought about."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from vcontract._config.permissions import forbidden, not_allowed
from vcontract._model import Asked, State
from vcontract._model.state import ABORT, CUSTOMIZE, EXCLUSIVE, HOST_LOST, NETWORK, OFF, ON
from vcontract._strategies.calls import Caller

MISSING_LEVERS = {
    "unusable": "no lever makes a VM orphaned, inaccessible or invalid",
    "question": "no lever makes a VM ask a question",
    "shared": "no lever starts vMotion, quiescing or a vApp operation",
    "toolsOld": "no lever makes Tools too old",
    "frozen": "no lever freezes a VM, and none was found frozen",
    "hostFull": "no lever takes a host's resources away",
    "privilegeOnVm": "no account has the privilege on the VM only",
    "privilegeOnRoot": "no account has the privilege on the root only",
}
"""Deviations that nothing in the configuration can bring about, and what is missing."""


def uncallable(asked: Asked, caller: Caller, allow: AbstractSet[str]) -> str:
    """Say what is not allowed of a call, or which account it needs that is not there; empty if nothing."""
    if reason := forbidden(asked.method, allow):
        return reason
    try:
        caller.actor(asked)
    except LookupError:
        return not_allowed("account") if "account" not in allow else "no second account is known to lack the privilege"
    if "auth" in caller.contract.method(asked.method).takes and asked.login in {"accepted", "mayNot"}:
        able = asked.login == "accepted"
        if not any(guest.may_customize is able for guest in caller.facts.guests):
            return f"no guest account whose login is {asked.login}"
    return ""


def asks_guest(want: State) -> bool:
    """Whether a wanted state has something that must be done inside the guest first, even if it cannot be asked later."""
    return want.orphaned or want.guest == "undefined" or want.engine != "ok"


def lacking(want: State, levers: AbstractSet[str], allow: AbstractSet[str], *, guest: bool) -> str:
    """Say what a state needs and the target has not, or the operator does not allow; empty if nothing.

    `levers` are what the configured command lines do, `guest`: whether there are methods that work in the guest.
    """
    if asks_guest(want) and (want.template or want.tools == "never"):
        return f"no lever reaches the guest of a {'template' if want.template else 'VM without Tools'}"
    needed = {"stopTools"} if want.tools == "stopped" and want.power == ON else set()
    needed |= {"orphanLock"} if want.orphaned else set()
    needed |= {"breakEngine"} if want.engine == "broken" else set()
    if want.pending and (want.power != OFF or want.template):
        return "no lever keeps a package pending but on a VM that is off"
    if want.running in {CUSTOMIZE, NETWORK, ABORT} and not guest:
        return "the target has no methods that work in the guest"
    if want.running == EXCLUSIVE and want.template:
        return "no call starts a task on a template"
    missing = sorted(needed - levers)
    needs = {"power": _needs_power(want), "host": want.connection in HOST_LOST, "tools": bool(missing)}
    if barred := next((permission for permission, is_so in needs.items() if is_so and permission not in allow), ""):
        return not_allowed(barred)
    return f"the configuration gives no lever {missing[0]}" if missing else ""


def _needs_power(want: State) -> bool:
    """Whether a state cannot be brought about, or not be undone, without power operations, whatever a VM is found as."""
    if want.power != ON:
        return want.pending or asks_guest(want) or not want.exists
    return want.tools in {"starting", "stopped"} or not want.exists
