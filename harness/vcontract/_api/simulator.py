"""A simulated vCenter as a context manager: what a test or a script starts, calls and stops."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

from vcontract._errors import UsageError
from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator.inventory import BUILT_IN, load, vm_names

_PASSWORD = "vcontract"  # noqa: S105 - the simulator's documented password, good on loopback only
_RETRIED = "a simulator is started once; make another one"


class Account(msgspec.Struct, frozen=True):
    """A name and a password; `may`, in words, what the account may do."""

    username: str
    password: str
    may: str


ACCOUNTS = (
    Account("administrator@vsphere.local", _PASSWORD, "everything"),
    Account("operator@vsphere.local", _PASSWORD, "everything but customize"),
    Account("viewer@vsphere.local", _PASSWORD, "read"),
)


class Simulator:
    """A vCenter on a port of loopback, in a thread of this process: `with vcontract.Simulator() as vcenter: vcenter.url`.

    `api`: the newest API version served. `vms`: so many Linux VMs more, named vm-0001 and so on. `inventory`: a file in the
    place of the built-in inventory. `tls`: https, with a certificate made now (`ca_file`). `task_time`, `boot_time`: seconds
    that a task, a boot takes. `defects`, `variants`: names that `vcontract simulate --list-defects` and `--list-variants`
    tell. `with` raises UsageError, in one line, for a setting that cannot be.
    """

    def __init__(  # noqa: PLR0913 - what `vcontract simulate` takes, by name
        self,
        *,
        api: str = "8.0.3.0",
        vms: int = 0,
        inventory: Path | None = None,
        tls: bool = False,
        port: int = 0,
        seed: int = 0,
        task_time: float = 0.008,
        boot_time: float = 0.03,
        defects: Iterable[str] = (),
        variants: Iterable[str] = (),
    ) -> None:
        self._settings = Settings(
            port=port, tls=tls, api=api, vms=vms, task_time=task_time, boot_time=boot_time, inventory=inventory, seed=seed,
            defects=frozenset(defects), variants=frozenset(variants),
        )  # fmt: skip
        self._server: SimulatorServer | None = None

    def __enter__(self) -> Self:
        """Start, and wait until it listens."""
        if self._server is not None:
            raise UsageError(_RETRIED)
        server = SimulatorServer(self._settings)
        self._server = server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait until it has."""
        if self._server is not None:
            self._server.stop()

    @property
    def url(self) -> str:
        """What a client is given, as http://127.0.0.1:40001/sdk. Raises UsageError before it was started."""
        return self._started.url

    @property
    def ca_file(self) -> Path | None:
        """The certificate of the authority that made its own; None without TLS."""
        return self._started.ca_file

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts of the vCenter, the one that may do everything first."""
        return ACCOUNTS

    @property
    def guest_accounts(self) -> tuple[Account, ...]:
        """The accounts of every guest, as the inventory has them."""
        listed = load(self._settings.inventory or BUILT_IN).account
        return tuple(Account(each.username, each.password, "customize" if each.root else "log in") for each in listed)

    @property
    def vm_names(self) -> tuple[str, ...]:
        """The names of the VMs that it begins with."""
        return vm_names(self._settings)

    @property
    def _started(self) -> SimulatorServer:
        if self._server is None:
            raise UsageError("the simulator is not started: use it in a `with`")
        return self._server
