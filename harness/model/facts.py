"""What is known before a run: accounts, guests, VMs, levers; read from the target or given by the configuration."""

from __future__ import annotations

import msgspec

from harness.terms import Json, Ref


class VmFacts(msgspec.Struct, frozen=True):
    """One VM as it always is: NIC count, guest family (linux, windows), its engine as the configuration declares it.

    `host` and `pool` are moIds; a template is in no resource pool.
    """

    ref: Ref
    name: str
    nics: int
    family: str = "linux"
    engine: str = "ok"
    host: str = ""
    pool: str = ""


class GuestAccount(msgspec.Struct, frozen=True):
    """A user of the guests: name, password (by secret), and whether it may customize."""

    username: str
    password: str
    may_customize: bool


class Lever(msgspec.Struct, frozen=True):
    """A command line inside the guest that the operator allows: what it does, program path and arguments.

    `does` is stopTools, startTools, orphanLock, crashEngine, removeEngine or restoreEngine.
    """

    does: str
    program: str
    arguments: str = ""


class Facts(msgspec.Struct, frozen=True):
    """Everything that a verdict needs beside the operations; the first lines of a history carry it.

    `privileges` maps an account to the privileges that AuthorizationManager was asked for: held, nowhere, vmOnly or
    rootOnly. `sessions` maps an actor to its account. `others` maps moIds of other objects to their WSDL type.
    `staleness` (d) and `publish` (d_pub) are seconds; `task_seconds` is the limit of a task's life (0: none).
    A finding must come in each of `confirm` tries. `manager` has no moId where the calls are made on the VMs themselves.
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
    staleness: float = 0.0
    publish: float = 0.0
    task_seconds: float = 0.0
    confirm: int = 1

    @property
    def itself(self) -> bool:
        """Whether the calls are made on the VMs themselves."""
        return not self.manager.value

    def lever(self, arguments: dict[str, Json]) -> str:
        """Name what a StartProgramInGuest call does to the guest; empty if it is no lever."""
        spec = arguments.get("spec", {})
        line = (spec.get("programPath", ""), spec.get("arguments", ""))
        return next((each.does for each in self.levers if (each.program, each.arguments) == line), "")
