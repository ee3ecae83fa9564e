"""What the user says of a target: accounts, guests, levers, limits, waivers (`vcontract.toml`), strict about every key.

From the descriptions here the published JSON Schema is made (harness/vcontract/_config/json_schema.py).
"""

from __future__ import annotations

import os
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vcontract._client import Pacing, Trust
from vcontract._client.trust import digest_of
from vcontract._config.govc import PASSWORD
from vcontract._config.own_simulator import is_our_simulator
from vcontract._config.password_file import read_password
from vcontract._config.request import SIMULATOR, RunRequest
from vcontract._config.server import Server
from vcontract._errors import UsageError
from vcontract._model import Lever
from vcontract._toml_file import read_toml

Text = Annotated[str, Meta(min_length=1)]
Pattern = Annotated[str, Meta(min_length=1, max_length=500)]
"""A shell pattern: matching takes time by the square of its length."""
Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
PasswordEnv = Annotated[str, Meta(description="Name of the environment variable that holds the password.")]
PasswordFile = Annotated[str, Meta(description="File whose first line is the password.")]
PlainPassword = Annotated[
    str, Meta(description="The password itself; better not: give password_env or password_file instead.")
]
Permission = Literal["power", "tools", "host", "account"]
PERMISSIONS: tuple[Permission, ...] = ("power", "tools", "host", "account")
"""What `allow` may name: power operations, commands inside guests, the loss of hosts, the accounts beside the full one."""


class _Discreet(msgspec.Struct, frozen=True):
    """Leaves the password out where it is printed: a traceback may show it."""

    def __repr__(self) -> str:
        """Show the user name alone."""
        return f"{type(self).__name__}({getattr(self, 'username', '')!r})"


class Account(_Discreet, frozen=True, forbid_unknown_fields=True):
    """A vCenter account; its password stands in the environment or in a file."""

    role: Annotated[
        Literal["full", "unprivileged", "readonly"],
        Meta(
            description="full: has all privileges. unprivileged: may read, but lacks those that the methods under test"
            " need. readonly: may read only; stands in where the unprivileged account holds a privilege."
        ),
    ]
    username: Annotated[Text, Meta(description="User name, as user@domain.")]
    password: PlainPassword = ""
    password_env: PasswordEnv = ""
    password_file: PasswordFile = ""


class Guest(_Discreet, frozen=True, forbid_unknown_fields=True):
    """An account inside the guests, and whether it may customize them."""

    username: Annotated[Text, Meta(description="User name inside the guests.")]
    may_customize: Annotated[bool, Meta(description="Whether the account may customize the guest, as root may.")]
    password: PlainPassword = ""
    password_env: PasswordEnv = ""
    password_file: PasswordFile = ""


class VmPattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator knows of the marked VMs whose name matches."""

    name: Annotated[
        Pattern, Meta(description="Name of the VMs, a shell pattern; of several that match the last counts.")
    ]
    engine: Annotated[
        Literal["ok", "absent", "broken"], Meta(description="State of the customization engine in the guest.")
    ] = "ok"
    family: Annotated[
        Literal["", "linux", "windows", "other"],
        Meta(description="What runs in them, where their guestId does not say it."),
    ] = ""
    clones: Annotated[
        Count,
        Meta(
            description="So many instant clones of each of these VMs are made, tested and destroyed; then no other VM is"
            " disturbed, nor they themselves. 0: they are tested themselves."
        ),
    ] = 0


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row that cannot be tested on this target, and why."""

    row: Annotated[Pattern, Meta(description="The row's id, a shell pattern, as */GuestPermissionDenied.")]
    reason: Annotated[Text, Meta(description="Why it is not tested; it stands in the report.")]


class LeverLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be done to a guest: a command line run in it, or values that ReconfigVM_Task sets."""

    does: Annotated[
        Literal["stopTools", "startTools", "orphanLock", "crashEngine", "removeEngine", "breakEngine", "restoreEngine"],
        Meta(description="What the command line brings about."),
    ]
    program: Annotated[str, Meta(description="Path of the program inside the guest.")] = ""
    arguments: Annotated[str, Meta(description="Its arguments, as one text.")] = ""
    extra_config: Annotated[
        dict[str, str | bool | int],
        Meta(description="In place of a program: values that ReconfigVM_Task sets in the VM's extraConfig."),
    ] = {}

    def __post_init__(self) -> None:
        """Want one way to do it."""
        if bool(self.program) == bool(self.extra_config):
            raise ValueError(f"the lever {self.does} needs either program or extra_config")


class RequestLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is asked of the target; everything that is sent counts, reads too. 0 is no limit."""

    calls_per_second: Annotated[
        float,
        Meta(ge=0, description="So many requests a second; 0: 20 on a target elsewhere, else no limit; inf: none."),
    ] = 0.0
    parallel_calls: Annotated[Count, Meta(description="So many requests at one time; 0: no limit.")] = 0
    total_calls: Annotated[
        Count,
        Meta(description="So many requests in all, then the run ends; what puts VMs back comes on top. 0: no limit."),
    ] = 0


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What vcontract may do, and with what: the file vcontract.toml. An unknown key is an error."""

    target: Annotated[str, Meta(description="URL of the SDK, as https://vcenter.example/sdk.")] = ""
    insecure: Annotated[bool, Meta(description="Accept any certificate.")] = False
    ca_file: Annotated[str, Meta(description="PEM file of the CA that signed the target's certificate.")] = ""
    proxy: Annotated[
        str,
        Meta(description="Proxy on the way, http://HOST:PORT; none if empty, whatever the environment says."),
    ] = ""
    thumbprint: Annotated[
        str,
        Meta(
            description="SHA-256 or SHA-1 thumbprint of the one certificate that is accepted, as AB:CD:… in hexadecimal."
        ),
    ] = ""
    owner: Annotated[
        Text, Meta(description="Value of vcontract.owner in the extraConfig of the VMs that may be disturbed.")
    ] = "vcontract"
    account: Annotated[
        tuple[Account, ...], Meta(description="Accounts of the target; one of role full is needed.")
    ] = ()
    guest: Annotated[tuple[Guest, ...], Meta(description="Accounts inside the guests.")] = ()
    vm: Annotated[tuple[VmPattern, ...], Meta(description="What is known of some of the VMs.")] = ()
    allow: Annotated[
        tuple[Permission, ...],
        Meta(
            description="What may be used: power (power operations), tools (the levers, commands inside guests), host"
            " (disconnecting the hosts), account (the accounts beside the full one). Default: all of them."
        ),
    ] = PERMISSIONS
    lever: Annotated[tuple[LeverLine, ...], Meta(description="Command lines that may be run inside the guests.")] = ()
    hosts: Annotated[tuple[str, ...], Meta(description="Names of the hosts that may be disconnected.")] = ()
    limits: Annotated[RequestLimits, Meta(description="How much is asked of the target.")] = RequestLimits()
    lanes: Annotated[
        Count,
        Meta(
            description="So many VMs at once, in one process. 0: 4 on a target elsewhere, at most 2 for each host, 1 on this"
            " machine."
        ),
    ] = 0
    generator: Annotated[
        bool, Meta(description="The vCenter is configured with an application that makes up names and addresses.")
    ] = False
    waive: Annotated[tuple[Waiver, ...], Meta(description="Rows that cannot be tested on this target.")] = ()
    staleness: Annotated[
        Seconds,
        Meta(description="Seconds by which what VMware Tools report may be late: guest.* and the state of Tools."),
    ] = 180.0
    runtime_staleness: Annotated[
        Seconds, Meta(description="Seconds by which the other properties of a VM may be late, as its power state.")
    ] = 10.0
    alone: Annotated[
        bool, Meta(description="Nothing but vcontract changes the marked VMs, from the outside or from within.")
    ] = False
    min_coverage: Annotated[
        float,
        Meta(
            ge=0,
            le=100,
            description="Percent of the cells within reach that a run must exercise, or it is inconclusive.",
        ),
    ] = 0.0
    publish: Annotated[Seconds, Meta(description="Seconds by which the end of a task may be published late.")] = 30.0
    task_seconds: Annotated[
        Seconds,
        Meta(
            description="A task that takes longer is stuck, which is a finding. 0: none is; each is waited for 600 seconds,"
            " then its VM is left alone and the call is inconclusive."
        ),
    ] = 0.0
    boot_seconds: Annotated[
        Seconds,
        Meta(
            description="Seconds in which boots and other changes may come about, until it was seen how long they take."
        ),
    ] = 600.0
    server: Annotated[
        Server, Meta(description="The server under test, where the run is to start it: only on this machine.")
    ] = Server()
    confirm: Annotated[
        int, Meta(ge=1, description="How often a finding must repeat; one that does not is inconclusive.")
    ] = 3

    slowest: Annotated[
        Seconds,
        Meta(
            description="A server that takes more seconds for a CurrentTime suffers: the run ends. 0: far more than at first."
        ),
    ] = 0.0

    def __post_init__(self) -> None:
        digest_of(self.thumbprint)
        if self.thumbprint and (self.ca_file or self.insecure):
            raise ValueError("thumbprint stands in the place of ca_file and of insecure: keep one of them")

    def family(self, name: str) -> str:
        """Give what is said to run in a VM, by its name; the last pattern that matches and says it wins."""
        said = (pattern.family for pattern in reversed(self.vm) if pattern.family and fnmatchcase(name, pattern.name))
        return next(said, "")

    def engine(self, name: str) -> str:
        """Give the state of the engine of a VM by its name; the last pattern that matches wins."""
        return next((pattern.engine for pattern in reversed(self.vm) if fnmatchcase(name, pattern.name)), "ok")

    def clones(self, name: str) -> int:
        """Give how many clones of a VM are to be tested in its place, by its name; the last pattern that matches wins."""
        return next((pattern.clones for pattern in reversed(self.vm) if fnmatchcase(name, pattern.name)), 0)

    def waiver(self, row: str) -> str:
        """Give the reason for which a row is waived; empty if it is not."""
        return next((waiver.reason for waiver in self.waive if fnmatchcase(row, waiver.row)), "")

    def open_passwords(self) -> list[str]:
        """Say of each account whose password stands in the file itself that whoever reads the file has it."""
        holders: tuple[Account | Guest, ...] = (*self.account, *self.guest)
        return [
            f"the password of {holder.username} stands in the configuration: give it as password_env or password_file"
            for holder in holders
            if holder.password and not is_built_in(holder)
        ]

    def idle(self, rows: Collection[str], others: Collection[str] = ()) -> list[str]:
        """Say which entries do nothing: waivers of none of these rows, and what `allow` does not let be used.

        `others` are the objects of other contracts, of whose rows nothing is known.
        """
        told = [
            f"[[waive]] {each.row}: no row of the contract has such an id"
            for each in self.waive
            if each.row.partition("/")[0] not in others and not any(fnmatchcase(row, each.row) for row in rows)
        ]
        beside = tuple(account for account in self.account if account.role != "full")
        for needed, what, given in (
            ("tools", "[[lever]]", self.lever),
            ("host", "hosts", self.hosts),
            ("account", "[[account]] beside the full one", beside),
        ):
            told += [f'{what}: not used: "{needed}" is not among allow'] * bool(given and needed not in self.allow)
        roles: list[str] = [account.role for account in self.account]
        doubled = [role for role in dict.fromkeys(roles) if roles.count(role) > 1]
        return [*told, *(f"[[account]] {role}: given {roles.count(role)} times, one is used" for role in doubled)]

    def absent(self, vms: Collection[str], hosts: Collection[str]) -> list[str]:
        """Say which names match nothing among those of the marked VMs and of their hosts."""
        patterns = [each.name for each in self.vm if not any(fnmatchcase(name, each.name) for name in vms)]
        named = [name for name in self.hosts if name not in hosts and "host" in self.allow]
        return [
            *(f"[[vm]] {pattern}: no marked VM has such a name" for pattern in patterns),
            *(f"hosts: no marked VM is on a host {name}" for name in named),
        ]

    @property
    def levers(self) -> tuple[Lever, ...]:
        """The command lines that may be used, as the model knows them."""
        return tuple(
            Lever(line.does, line.program, line.arguments, line.extra_config)
            for line in self.lever
            if "tools" in self.allow
        )

    def trust(self, *, insecure: bool = False) -> Trust:
        """Say which certificate is trusted; any if the command line says `insecure`."""
        return Trust(insecure=True) if insecure else Trust(self.insecure, self.ca_file, self.thumbprint)

    def pacing(self) -> Pacing:
        """Give the limits to what is sent."""
        return Pacing(self.limits.calls_per_second, self.limits.parallel_calls, self.limits.total_calls)


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
    staleness=0.02,  # twice the time by which the simulator's reports are late at the most
    runtime_staleness=0.0,
    alone=True,
    publish=0.0,
    task_seconds=20.0,
    confirm=1,
)
"""What our own simulator gets without a file: the accounts, levers and mark that it is documented to know."""

_BUILT_IN = frozenset(map(id, (*LOOPBACK.account, *LOOPBACK.guest)))


def config_for(url: str, path: Path | None, *, insecure: bool = False) -> Config:
    """Give the configuration for a target: the file's, else the built-in one if it is our simulator, else an empty one.

    A target at a loopback address is asked, without a login, whether it is; `insecure`: whatever certificate it shows.
    """
    if path is not None:
        return read_toml(path, Config)
    return LOOPBACK if is_our_simulator(url, Trust(insecure=insecure)) else Config()


def target_named(request: RunRequest) -> str:
    """Give the target that a command line or its configuration names; empty: the simulator is to be started."""
    return address_of(request, read_toml(request.config, Config) if request.config is not None else Config())


def address_of(request: RunRequest, config: Config) -> str:
    """Give the target that a command line names, or the configuration that was read for it; empty: the simulator.

    Raises UsageError for a file without a target: what was meant for a vCenter must not be told of a simulator.
    """
    if request.target:
        return "" if request.target == SIMULATOR else request.target
    if request.config is not None and not config.target:
        raise UsageError(
            f'{request.config}: names no target: give --target URL, or a line target = "https://..." in it'
            f" (--target {SIMULATOR}: the simulator is started)"
        )
    return config.target


def is_built_in(holder: Account | Guest) -> bool:
    """Whether this is an account of the built-in configuration itself, whose password is documented: no user's equal one."""
    return id(holder) in _BUILT_IN


def variables_of(config: Config) -> tuple[str, ...]:
    """Name the environment variables that hold passwords of ours."""
    holders: tuple[Account | Guest, ...] = (*config.account, *config.guest)
    return (PASSWORD, *(holder.password_env for holder in holders if holder.password_env))


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
