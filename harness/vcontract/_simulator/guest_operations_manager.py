"""GuestOperationsManager with AuthManager and ProcessManager; `guest/commands.py` lists the programs that matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.guest import commands
from vcontract._simulator.guest.state import Process
from vcontract._simulator.objects import Invocation, ManagedObject
from vcontract._simulator.virtual_machine.machine import POWERED_ON, Machine

if TYPE_CHECKING:
    from vcontract._simulator.guest.accounts import GuestAccount
    from vcontract._simulator.vcenter import VCenter

MOID = "guestOperationsManager"
AUTH_MANAGER = "guestOperationsAuthManager"
PROCESS_MANAGER = "guestOperationsProcessManager"
FIRST_PID = 2001


def reach(vcenter: VCenter, vm: Any) -> Machine:
    """Find a machine whose guest agent answers.

    Raises ManagedObjectNotFound, HostNotConnected, InvalidPowerState and GuestOperationsUnavailable.
    """
    machine: Machine = vcenter.resolve(vm)
    machine.refuse_if_unreachable()
    machine.require_power(POWERED_ON, POWERED_ON)
    if machine.frozen or not machine.ready:
        raise vim.fault.GuestOperationsUnavailable
    return machine


class GuestOperationsManager(ManagedObject):
    """The manager that leads to the other two."""

    vmodl_type = vim.vm.guest.GuestOperationsManager

    def get_authManager(self) -> Any:
        """Give the manager of guest credentials."""
        return vim.vm.guest.AuthManager(AUTH_MANAGER)

    def get_processManager(self) -> Any:
        """Give the manager of guest processes."""
        return vim.vm.guest.ProcessManager(PROCESS_MANAGER)


class GuestAuthManager(ManagedObject):
    """Checks guest credentials and hands out tickets; a ticket dies when the guest boots or is reverted."""

    vmodl_type = vim.vm.guest.AuthManager

    def ValidateCredentialsInGuest(self, call: Invocation, vm: Any, auth: Any) -> None:
        """Check credentials; InvalidGuestLogin if the guest does not accept them."""
        del call
        reach(self.vcenter, vm).guest.accounts.login(auth)

    def AcquireCredentialsInGuest(
        self, call: Invocation, vm: Any, requestedAuth: Any, sessionID: int | None = None
    ) -> Any:
        """Log in and give a TicketedSessionAuthentication; OperationNotSupportedByGuest for SSPI."""
        del call, sessionID
        machine = reach(self.vcenter, vm)
        ticket = machine.guest.accounts.issue(requestedAuth, f"{machine.moid}-{machine.boots}")
        return vim.vm.guest.TicketedSessionAuthentication(interactiveSession=False, ticket=ticket)

    def ReleaseCredentialsInGuest(self, call: Invocation, vm: Any, auth: Any) -> None:
        """End a ticket; InvalidGuestLogin if there is none such."""
        del call
        reach(self.vcenter, vm).guest.accounts.release(auth)


class GuestProcessManager(ManagedObject):
    """Starts and lists programs in a guest; every program ends at once."""

    vmodl_type = vim.vm.guest.ProcessManager

    def StartProgramInGuest(self, call: Invocation, vm: Any, auth: Any, spec: Any) -> int:
        """Run a program; gives its process id."""
        del call
        machine = reach(self.vcenter, vm)
        account: GuestAccount = machine.guest.accounts.login(auth)
        processes = machine.guest.processes
        process = Process(
            pid=FIRST_PID + len(processes),
            name=spec.programPath.rsplit("/", 1)[-1],
            owner=account.username,
            command_line=f"{spec.programPath} {spec.arguments}".strip(),
            start=self.vcenter.timeline.datetime(),
            exit_code=0,
        )
        processes.append(process)
        process.exit_code = commands.run(machine, account, spec.programPath, spec.arguments)
        return process.pid

    def ListProcessesInGuest(self, call: Invocation, vm: Any, auth: Any, pids: list[int] | None = None) -> list[Any]:
        """List the programs that were started in this boot; GuestProcessNotFound if one of the given ids is unknown."""
        del call
        machine = reach(self.vcenter, vm)
        machine.guest.accounts.login(auth)
        by_pid = {process.pid: process for process in machine.guest.processes}
        for pid in pids or ():
            if pid not in by_pid:
                raise vim.fault.GuestProcessNotFound(pid=pid)
        return [describe(by_pid[pid]) for pid in (pids or by_pid)]

    def TerminateProcessInGuest(self, call: Invocation, vm: Any, auth: Any, pid: int) -> None:
        """End a program: each has ended already, so GuestProcessNotFound."""
        del call
        reach(self.vcenter, vm).guest.accounts.login(auth)
        raise vim.fault.GuestProcessNotFound(pid=pid)

    def ReadEnvironmentVariableInGuest(
        self, call: Invocation, vm: Any, auth: Any, names: list[str] | None = None
    ) -> list[str]:
        """Give the environment of programs: empty."""
        del call, names
        reach(self.vcenter, vm).guest.accounts.login(auth)
        return []


def describe(process: Process) -> Any:
    """Give GuestProcessInfo of a program that has ended."""
    return vim.vm.guest.ProcessManager.ProcessInfo(
        name=process.name,
        pid=process.pid,
        owner=process.owner,
        cmdLine=process.command_line,
        startTime=process.start,
        endTime=process.start,
        exitCode=process.exit_code,
    )
