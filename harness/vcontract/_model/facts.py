"""What is known before a run: accounts, guests, VMs, levers; read from the target or given by the configuration."""

from __future__ import annotations

import msgspec

from vcontract._terms import Json, Ref

_OTHERS = ("darwin", "dos", "eComStation", "freebsd", "netware", "openServer", "os2", "otherGuest", "solaris", "unixWare",
           "vmkernel")  # fmt: skip
"""How the guest ids begin of what is neither Linux nor Windows; source: the vendor's list, GuestOsIdentifier [M]."""
TASK_WAIT = 600.0
"""Seconds that a task is waited for where the operator set no `task_seconds`; that it did not end then proves nothing."""


def family_of(guest_id: str) -> str:
    """Sort a guest by its `config.guestId`: windows, linux or other."""
    if guest_id.startswith("win"):
        return "windows"
    return "other" if not guest_id or guest_id.startswith(_OTHERS) else "linux"


class VmFacts(msgspec.Struct, frozen=True):
    """One VM as it always is: NIC count, guest family (linux, windows, other), its engine as the configuration declares it.

    `host` and `pool` are moIds; a template is in no resource pool. `generator`: its vCenter has an application that makes
    up names and addresses (oracle rule C6); `decrypts`: it knows the key of encrypted passwords (oracle rule C25).
    """

    ref: Ref
    name: str
    nics: int
    family: str = "linux"
    engine: str = "ok"
    host: str = ""
    pool: str = ""
    generator: bool = False
    decrypts: bool = False


class GuestAccount(msgspec.Struct, frozen=True):
    """A user of the guests: name, password (by secret), and whether it may customize."""

    username: str
    password: str
    may_customize: bool


class Lever(msgspec.Struct, frozen=True):
    """What the operator lets be done to a guest: by a command line in it (program path, arguments), or from outside.

    `does` is stopTools, startTools, orphanLock, crashEngine, removeEngine or restoreEngine. `extra_config` are the values
    that ReconfigVM_Task sets, for servers that show a guest as its extraConfig says.
    """

    does: str
    program: str = ""
    arguments: str = ""
    extra_config: dict[str, str | bool | int] = {}

    def spec(self) -> dict[str, Json]:
        """Give the VirtualMachineConfigSpec that sets `extra_config`."""
        kinds = {bool: "boolean", int: "int", str: "string"}
        values = {key: {"_typeName": kinds[type(value)], "_value": value} for key, value in self.extra_config.items()}
        options = [{"_typeName": "OptionValue", "key": key, "value": value} for key, value in values.items()]
        return {"_typeName": "VirtualMachineConfigSpec", "extraConfig": options}


class Pin(msgspec.Struct, frozen=True):
    """The one answer that a profile has for a cell: the fault (or `Success`), its channel, and the sentence that says so."""

    fault: str
    channel: str
    says: str


class Pinned(msgspec.Struct, frozen=True):
    """What a profile pins: its name, and by the id of a cell the answer there."""

    profile: str
    pins: dict[str, Pin] = {}


class Facts(msgspec.Struct, frozen=True):
    """Everything that a verdict needs beside the operations; the first lines of a history carry it.

    `privileges` maps an account to the privileges that AuthorizationManager was asked for: held, nowhere, vmOnly or
    rootOnly. `sessions` maps an actor to its account. `others` maps moIds of other objects to their WSDL type.
    `staleness` (d of what Tools report), `runtime_staleness` (d of all else) and `publish` (d_pub) are seconds; `task_seconds`
    is the limit of a task's life (0: the operator set none, so that no task is stuck). `alone`: nothing but the harness
    changes the VMs. `versions` are the API versions that the target lists (empty: none is known of; None: a former version,
    which did not write them down).
    A finding must come in each of `confirm` tries. `manager` has no moId where the calls are made on the VMs themselves.
    `instance` is the vCenter's own UUID (AboutInfo.instanceUuid), empty if it names none.
    `absent` says why nothing can be tested, if so. `pinned` is what a profile adds to the documents; None: nothing.
    """

    object: str
    manager: Ref
    api_version: str
    url: str = ""
    sessions: dict[str, str] = {}
    privileges: dict[str, dict[str, str]] = {}
    guests: tuple[GuestAccount, ...] = ()
    vms: dict[str, VmFacts] = {}
    others: dict[str, str] = {}
    levers: tuple[Lever, ...] = ()
    versions: tuple[str, ...] | None = None
    staleness: float = 0.0
    runtime_staleness: float = 0.0
    alone: bool = False
    publish: float = 0.0
    task_seconds: float = 0.0
    confirm: int = 1
    absent: str = ""
    instance: str = ""
    pinned: Pinned | None = None

    @property
    def task_wait(self) -> float:
        """The seconds for which a task is followed: its limit, else so many as no verdict rests on."""
        return self.task_seconds or TASK_WAIT

    @property
    def itself(self) -> bool:
        """Whether the calls are made on the VMs themselves."""
        return not self.manager.value

    def lever(self, arguments: dict[str, Json]) -> str:
        """Name what a StartProgramInGuest or ReconfigVM_Task call does to the guest; empty if it is no lever."""
        spec = arguments.get("spec", {})
        if "programPath" not in spec:
            return next((lever.does for lever in self.levers if lever.extra_config and lever.spec() == spec), "")
        line = (spec.get("programPath", ""), spec.get("arguments", ""))
        return next((lever.does for lever in self.levers if (lever.program, lever.arguments) == line), "")
