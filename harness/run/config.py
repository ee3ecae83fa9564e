"""What the user says of a target: accounts, guests, levers, limits, waivers (`vcontract.toml`), strict about every key."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from harness.errors import UsageError
from harness.model import Lever
from harness.toml_file import read_toml

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vCenter account: `role` is full, unprivileged or readonly; its password stands in the environment or in a file."""

    role: Literal["full", "unprivileged", "readonly"]
    username: str
    password: str = ""
    password_env: str = ""
    password_file: str = ""


class Guest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account of the guests, and whether it may customize them."""

    username: str
    may_customize: bool
    password: str = ""
    password_env: str = ""
    password_file: str = ""


class VmPattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator knows of the VMs whose name matches (shell pattern): the state of the customization engine."""

    name: str
    engine: Literal["ok", "absent", "broken"] = "ok"


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row that cannot be tested on this target (shell pattern), and why."""

    row: str
    reason: str


class LeverLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command line that may be run inside the guests; see `harness.model.Lever`."""

    does: Literal[
        "stopTools", "startTools", "orphanLock", "crashEngine", "removeEngine", "breakEngine", "restoreEngine"
    ]
    program: str
    arguments: str = ""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration.

    `owner` is the mark of VMs that may be disturbed (the value of `vcontract.owner` in extraConfig). `hosts` may be
    disconnected (names). `staleness`, `publish` and `task_seconds` are seconds (oracle.md, A5 and A14; 0 for the last: no
    limit). A finding must repeat `confirm` times. A server that takes longer than `slowest` seconds for a CurrentTime
    suffers (0: far longer than at first), and the run ends.
    """

    target: str = ""
    insecure: bool = False
    ca_file: str = ""
    owner: str = "vcontract"
    account: tuple[Account, ...] = ()
    guest: tuple[Guest, ...] = ()
    vm: tuple[VmPattern, ...] = ()
    lever: tuple[LeverLine, ...] = ()
    hosts: tuple[str, ...] = ()
    waive: tuple[Waiver, ...] = ()
    staleness: Seconds = 60.0
    publish: Seconds = 30.0
    task_seconds: Seconds = 0.0
    confirm: Annotated[int, msgspec.Meta(ge=1)] = 3
    slowest: Seconds = 0.0

    def engine(self, name: str) -> str:
        """Give the state of the engine of a VM by its name; the last pattern that matches wins."""
        return next((each.engine for each in reversed(self.vm) if fnmatchcase(name, each.name)), "ok")

    def waiver(self, row: str) -> str:
        """Give the reason for which a row is waived; empty if it is not."""
        return next((each.reason for each in self.waive if fnmatchcase(row, each.row)), "")

    @property
    def levers(self) -> tuple[Lever, ...]:
        """The command lines as the model knows them."""
        return tuple(Lever(each.does, each.program, each.arguments) for each in self.lever)


LOOPBACK = Config(
    account=(
        Account("full", "administrator@vsphere.local", password="vcontract"),  # noqa: S106 - documented in README
        Account("unprivileged", "operator@vsphere.local", password="vcontract"),  # noqa: S106 - same
        Account("readonly", "viewer@vsphere.local", password="vcontract"),  # noqa: S106 - same
    ),
    guest=(
        Guest("root", may_customize=True, password="guest"),  # noqa: S106 - same
        Guest("user", may_customize=False, password="guest"),  # noqa: S106 - same
    ),
    vm=(VmPattern("*-noengine", "absent"),),
    lever=(
        LeverLine("stopTools", "/usr/bin/systemctl", "stop vmtoolsd"),
        LeverLine("crashEngine", "/usr/bin/pkill", "-9 -f vmware-gosc"),
        LeverLine("orphanLock", "/usr/bin/touch", "/var/run/vmware-gosc.lock"),
        LeverLine("removeEngine", "/usr/bin/rm", "-rf /usr/share/vmware-gosc"),
        LeverLine("breakEngine", "/usr/bin/chmod", "-R a-x /usr/share/vmware-gosc"),
        LeverLine("restoreEngine", "/usr/bin/apt-get", "install --reinstall gosc"),
    ),
    hosts=("esx-2",),
    waive=tuple(
        Waiver(f"VirtualMachine/*/{fault}", "no call of the API damages a VM or takes its host's resources away")
        for fault in ("InsufficientResourcesFault", "VmConfigFault", "FileFault", "InvalidDatastore")
    ),
    staleness=0.0,
    publish=0.0,
    task_seconds=20.0,
    confirm=1,
)
"""What a loopback target gets without a file: the accounts, levers and mark that the simulator is documented to know."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def config_for(url: str, path: Path | None) -> Config:
    """Give the configuration for a target: the file's, else the built-in one for loopback, else an empty one."""
    if path is not None:
        return read_toml(path, Config)
    return LOOPBACK if is_loopback(url) else Config()


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine."""
    host = urlsplit(url).hostname or ""
    return host in _LOOPBACK or host.startswith("127.")


def password_of(account: Account | Guest) -> str:
    """Find an account's password; UsageError if it is given nowhere."""
    if account.password_env:
        value = os.environ.get(account.password_env)
        if value is None:
            raise UsageError(
                f"the password of {account.username}: environment variable {account.password_env} is not set"
            )
        return value
    if account.password_file:
        return read_password(Path(account.password_file))
    if account.password:
        return account.password
    raise UsageError(f"the password of {account.username}: give password_env or password_file in the configuration")


def read_password(path: Path) -> str:
    """Read a password file: its first line."""
    try:
        return path.read_text("utf-8").split("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read the password: {error}") from error
