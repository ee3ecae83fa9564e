"""The accounts, their privileges, and the AuthorizationManager that shows them."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim, vmodl

from vcontract._simulator.objects import Account, Invocation, ManagedObject

_SYSTEM = ("System.Anonymous", "System.View", "System.Read")
_PASSWORD = "vcontract"  # noqa: S105 - the simulator's documented password, good on loopback only

ACCOUNTS = (
    Account("administrator@vsphere.local", _PASSWORD),
    Account("operator@vsphere.local", _PASSWORD, missing=frozenset({"VirtualMachine.Provisioning.Customize"})),
    Account("viewer@vsphere.local", _PASSWORD, privileges=frozenset(_SYSTEM)),
)


class AuthorizationManager(ManagedObject):
    """The vim.AuthorizationManager; privileges hold on the whole inventory."""

    vmodl_type = vim.AuthorizationManager

    def get_privilegeList(self) -> list[Any]:
        """Give the system's own privileges; the others are not catalogued here."""
        made = vim.AuthorizationManager.Privilege
        return [
            made(privId=privilege, onParent=False, name=privilege.rpartition(".")[2], privGroupName="System")
            for privilege in _SYSTEM
        ]

    def HasPrivilegeOnEntities(
        self,
        call: Invocation,  # noqa: ARG002 - every method gets the call
        entity: list[Any],
        sessionId: str,
        privId: Any = (),
    ) -> list[Any]:
        """Give for each entity which of the privileges a session has; InvalidArgument{sessionId} for an ended one."""
        account = self._account_of(sessionId)
        return [_availability(self.vcenter.resolve(ref).ref, account, privId) for ref in entity]

    def HasPrivilegeOnEntity(
        self,
        call: Invocation,  # noqa: ARG002 - every method gets the call
        entity: Any,
        sessionId: str,
        privId: Any = (),
    ) -> list[bool]:
        """Give which of the privileges a session has on an entity."""
        account = self._account_of(sessionId)
        self.vcenter.resolve(entity)
        return [account.holds(privilege) for privilege in privId]

    def HasUserPrivilegeOnEntities(
        self,
        call: Invocation,  # noqa: ARG002 - every method gets the call
        entities: list[Any],
        userName: str,
        privId: Any = (),
    ) -> list[Any]:
        """Give for each entity which of the privileges a user has; InvalidArgument for an unknown user."""
        for account in self.vcenter.accounts.values():
            if userName.lower() in {account.name.lower(), account.user_name.lower()}:
                return [_availability(self.vcenter.resolve(ref).ref, account, privId) for ref in entities]
        raise vmodl.fault.InvalidArgument(invalidProperty="userName")

    def _account_of(self, key: str) -> Account:
        for session in self.vcenter.sessions.all():
            if session.key == key:
                return session.account
        raise vmodl.fault.InvalidArgument(invalidProperty="sessionId")


def _availability(entity: Any, account: Account, privileges: Any) -> Any:
    made = vim.AuthorizationManager.PrivilegeAvailability
    held = [made(privId=privilege, isGranted=account.holds(privilege)) for privilege in privileges]
    return vim.AuthorizationManager.EntityPrivilege(entity=entity, privAvailability=held)
