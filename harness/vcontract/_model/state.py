"""What the model holds of one VM, and what it asks of one call: finite values, no addresses, no clock."""

from __future__ import annotations

import msgspec

ON, OFF, SUSPENDED = "poweredOn", "poweredOff", "suspended"
CONNECTED = "connected"
HOST_LOST = ("disconnected", "notResponding")
UNUSABLE = ("orphaned", "inaccessible", "invalid")
CUSTOMIZE, NETWORK, ABORT, EXCLUSIVE, SHARED = "customize", "network", "abort", "exclusive", "shared"

VALUES: dict[str, tuple[str, ...]] = {
    "power": (ON, OFF, SUSPENDED),
    "connection": (CONNECTED, *HOST_LOST, *UNUSABLE),
    "tools": ("never", "stopped", "starting", "ready", "old"),
    "engine": ("ok", "absent", "broken"),
    "running": ("", CUSTOMIZE, NETWORK, ABORT, EXCLUSIVE, SHARED),
    "network": ("up", "down"),
    "guest": ("before", "spec", "undefined"),
    "request": ("ok", "malformed", "badValue", "unknownMethod", "unlistedVersion", "unsettled"),
    "session": ("valid", "none"),
    "this": ("ok", "unknown", "otherType"),
    "vm": ("ok", "unknown", "otherType"),
    "argument": ("ok", "unknown", "otherType"),
    "privilege": ("held", "nowhere", "vmOnly", "rootOnly"),
    "login": ("accepted", "mayNot", "rejected", "unsettled"),
}
"""The values of each field of `State` and `Asked` that is a word; their pages say what they mean."""


class State(msgspec.Struct, frozen=True, cache_hash=True):
    """One VM as the oracle sees it.

    `tools` is never, stopped, starting, ready or old (ready: running and guestOperationsReady). `engine` is ok, absent or
    broken. `orphaned`: the guest lock is held and no task runs. `running` is the kind of work in progress: customize,
    network, abort, exclusive (another VM task) or shared; `task` its moId where known. `guest` is before, spec or
    undefined. `network` is up or down. `full`: its host has not the resources to run it. `frozen`: it reads as on, and
    executes nothing (frozen for instant clones, or paused). `mid` is what happened since the judged task began (oracle rows
    M1 to M9), and `slow` if that ended in error late (S1).
    """

    exists: bool = True
    power: str = ON
    template: bool = False
    connection: str = CONNECTED
    question: bool = False
    pending: bool = False
    vapp: bool = False
    full: bool = False
    frozen: bool = False
    tools: str = "ready"
    engine: str = "ok"
    orphaned: bool = False
    running: str = ""
    task: str = ""
    network: str = "down"
    guest: str = "before"
    mid: frozenset[str] = frozenset()

    @property
    def reachable(self) -> bool:
        """Whether the server can ask the guest anything: it exists, is on, and its host is connected."""
        return self.exists and not self.template and self.power == ON and self.connection == CONNECTED

    @property
    def tools_up(self) -> bool:
        """Whether Tools run or are starting in a guest that can be asked; one that is frozen answers nothing."""
        return self.reachable and not self.frozen and self.tools in {"starting", "ready", "old"}


class Asked(msgspec.Struct, frozen=True, cache_hash=True):
    """One call as the oracle sees it.

    `request` is ok, malformed, badValue, unknownMethod, unlistedVersion or unsettled. `session` is valid or none, and if none,
    `api` the version that is spoken, as numbers. `this`, `vm` and
    `argument` (any other reference) are ok, unknown or otherType; where the VM is `_this` itself, `vm` is unknown if that
    is no VM. `privilege` is held, nowhere, vmOnly or rootOnly. `login` is accepted, mayNot, rejected or unsettled.
    `spec` is the set of what is wrong with the specification: nicCount, rule, inferred; `rule_faults` the faults that
    the broken documented rules name.
    """

    method: str
    request: str = "ok"
    session: str = "valid"
    this: str = "ok"
    vm: str = "ok"
    privilege: str = "held"
    login: str = "accepted"
    spec: frozenset[str] = frozenset()
    rule_faults: tuple[str, ...] = ()
    argument: str = "ok"
    api: tuple[int, ...] = ()


def settle(state: State) -> State:
    """Give the nearest state that can exist: what is off has no Tools up, no work in the guest, no held lock.

    "With the power off nothing of a boot is left, so its orphaned lock may or may not be": `orphaned` is left as it is.
    """
    if not state.exists:
        return State(exists=False, mid=state.mid)
    if state.template:
        state = msgspec.structs.replace(state, power=OFF)
    if state.power != ON:
        tools = state.tools if state.tools == "never" else "stopped"
        running = "" if state.running in {CUSTOMIZE, NETWORK, ABORT, SHARED} else state.running
        state = msgspec.structs.replace(state, tools=tools, running=running, question=False, frozen=False)
    if state.running in {CUSTOMIZE, NETWORK, ABORT} and not state.tools_up and not state.frozen:
        state = msgspec.structs.replace(state, running="")
    if not state.running and state.task:
        state = msgspec.structs.replace(state, task="")
    return state


def possible(state: State) -> bool:
    """Whether a VM can be in this state: `settle` changes nothing, and work in the guest has an engine to do it."""
    return settle(state) == state and not (state.running == CUSTOMIZE and (state.engine != "ok" or state.orphaned))
