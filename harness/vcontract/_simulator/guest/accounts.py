"""The accounts of a guest, and how a GuestAuthentication is accepted or rejected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim


@dataclass(frozen=True)
class GuestAccount:
    """An account of the guest; `root` says whether it may administer the guest, so also customize it."""

    username: str
    password: str
    root: bool


@dataclass
class Accounts:
    """The accounts of one guest, and the tickets that it handed out in this boot (ticket to account)."""

    known: tuple[GuestAccount, ...]
    tickets: dict[str, GuestAccount] = field(default_factory=dict)
    issued: int = 0

    def login(self, auth: Any) -> GuestAccount:
        """Give the account of an accepted name and password or a valid ticket; raises InvalidGuestLogin."""
        if isinstance(auth, vim.vm.guest.NamePasswordAuthentication):
            for account in self.known:
                if (account.username, account.password) == (auth.username, auth.password):
                    return account
        elif isinstance(auth, vim.vm.guest.TicketedSessionAuthentication) and auth.ticket in self.tickets:
            return self.tickets[auth.ticket]
        raise vim.fault.InvalidGuestLogin

    def issue(self, auth: Any, seal: str) -> str:
        """Log in and hand out a ticket; raises InvalidGuestLogin, and OperationNotSupportedByGuest for SSPI."""
        if isinstance(auth, vim.vm.guest.SSPIAuthentication):
            raise vim.fault.OperationNotSupportedByGuest
        account = self.login(auth)
        self.issued += 1
        ticket = f"{seal}-{self.issued}"
        self.tickets[ticket] = account
        return ticket

    def release(self, auth: Any) -> None:
        """End a ticket; raises InvalidGuestLogin if there is no such ticket."""
        if not isinstance(auth, vim.vm.guest.TicketedSessionAuthentication) or auth.ticket not in self.tickets:
            raise vim.fault.InvalidGuestLogin
        del self.tickets[auth.ticket]
