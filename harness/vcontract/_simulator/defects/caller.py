"""Defects of what is asked of the caller: the session, the privilege, the guest login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.defects.planting import METHODS, every, instead_of_fault, one, refuse, skip
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK, user_may_customize

if TYPE_CHECKING:
    from vcontract._simulator.guest.operations import Attempt
    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter


@defect(row="EveryMethod/NotAuthenticated", source="O D")
def session_not_checked(vcenter: VCenter) -> None:
    """The three methods are open to callers without a session."""
    _open(vcenter, METHODS)


@defect(row="EveryMethod/NotAuthenticated", source="O D")
def session_not_checked_for_abort(vcenter: VCenter) -> None:
    """AbortCustomization_Task alone is open to callers without a session."""
    _open(vcenter, (ABORT,))


def _open(vcenter: VCenter, methods: tuple[str, ...]) -> None:
    usual = vcenter.decisions.needs_session
    vcenter.decisions.needs_session = lambda call, info: call.method not in methods and usual(call, info)


@defect(row="EveryMethod/NotAuthenticated", source="O D")
def no_session_says_invalid_login(vcenter: VCenter) -> None:
    """A call without a session is answered with InvalidLogin."""
    instead_of_fault(
        vcenter,
        lambda _, fault: vim.fault.InvalidLogin() if isinstance(fault, vim.fault.NotAuthenticated) else fault,
    )


@defect(row="EveryMethod/NotAuthenticated", source="O D")
def no_session_says_no_permission(vcenter: VCenter) -> None:
    """A call without a session is answered with NoPermission."""

    def change(_: Invocation, fault: Any) -> Any:
        if not isinstance(fault, vim.fault.NotAuthenticated):
            return fault
        return vim.fault.NoPermission(object=fault.object, privilegeId="VirtualMachine.Provisioning.Customize")

    instead_of_fault(vcenter, change)


@defect(row="StartGuestNetwork_Task/Success", source="S M")
def network_start_is_never_authenticated(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task of a good session is always answered with NotAuthenticated."""
    usual = vcenter.decisions.authorise

    def authorise(session: Any, info: Any, this: Any, arguments: dict[str, Any]) -> None:
        if info.wsdlName == START_NETWORK:
            raise vim.fault.NotAuthenticated(object=this, privilegeId=info.privId)
        usual(session, info, this, arguments)

    vcenter.decisions.authorise = authorise


@defect(row="CustomizeGuest_Task/privilege", source="S M")
def privilege_not_checked(vcenter: VCenter) -> None:
    """The three methods do not ask for VirtualMachine.Provisioning.Customize."""
    _unprivileged(vcenter, METHODS)


@defect(row="StartGuestNetwork_Task/privilege", source="S M")
def privilege_not_checked_for_network(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task alone does not ask for the privilege."""
    _unprivileged(vcenter, (START_NETWORK,))


def _unprivileged(vcenter: VCenter, methods: tuple[str, ...]) -> None:
    usual = vcenter.decisions.authorise

    def authorise(session: Any, info: Any, this: Any, arguments: dict[str, Any]) -> None:
        if info.wsdlName not in methods:
            usual(session, info, this, arguments)

    vcenter.decisions.authorise = authorise


@defect(row="AbortCustomization_Task/privilege", source="S M")
def privilege_not_checked_while_customizing(vcenter: VCenter) -> None:
    """Whoever has a session may abort a customization that runs."""
    usual = vcenter.decisions.authorise

    def authorise(session: Any, info: Any, this: Any, arguments: dict[str, Any]) -> None:
        if info.wsdlName == ABORT:
            machine = vcenter.registry.find(arguments["vm"]._moId)  # noqa: SLF001 - pyVmomi's only name for the moId
            if getattr(machine, "guest_operations", None):
                return
        usual(session, info, this, arguments)

    vcenter.decisions.authorise = authorise


@defect(row="CustomizeGuest_Task/privilege", source="S M")
def privilege_of_another_method(vcenter: VCenter) -> None:
    """CustomizeGuest_Task asks for the read-only privilege alone, so that whoever may look may customize."""
    _unprivileged(vcenter, (CUSTOMIZE,))


@defect(row="CustomizeGuest_Task/InvalidGuestLogin", source="S M")
def login_not_checked(vcenter: VCenter) -> None:
    """Any guest credentials are taken."""
    skip(vcenter, "login", every)


@defect(row="AbortCustomization_Task/InvalidGuestLogin", source="S M")
def login_not_checked_for_abort(vcenter: VCenter) -> None:
    """AbortCustomization_Task alone takes any guest credentials."""
    skip(vcenter, "login", one(ABORT))


@defect(row="StartGuestNetwork_Task/InvalidGuestLogin", source="S M")
def login_is_remembered(vcenter: VCenter) -> None:
    """Once a login was accepted on a VM, StartGuestNetwork_Task takes any credentials there."""
    trusted: set[str] = set()
    usual = vcenter.decisions.at_call["login"]

    def check(attempt: Attempt) -> None:
        if attempt.method == START_NETWORK and attempt.machine.moid in trusted:
            return
        usual(attempt)
        trusted.add(attempt.machine.moid)

    vcenter.decisions.at_call["login"] = check


@defect(row="CustomizeGuest_Task/GuestPermissionDenied", source="S M")
def guest_permission_not_checked(vcenter: VCenter) -> None:
    """Any user of the guest may customize it."""
    skip(vcenter, "permission", one(CUSTOMIZE))


@defect(row="AbortCustomization_Task/GuestPermissionDenied", source="S M")
def guest_permission_not_checked_for_abort(vcenter: VCenter) -> None:
    """Any user of the guest may abort a customization."""
    skip(vcenter, "permission", one(ABORT))


@defect(row="CustomizeGuest_Task/InvalidGuestLogin", source="S M")
def login_checked_only_when_idle(vcenter: VCenter) -> None:
    """A rejected login is accepted for an abort as long as a customization runs."""
    skip(vcenter, "login", lambda attempt: attempt.method == ABORT and bool(attempt.machine.guest_operations))


@defect(row="CustomizeGuest_Task/Success", source="S M")
def only_the_first_session_may(vcenter: VCenter) -> None:
    """CustomizeGuest_Task is refused to every session of an account but its first: NoPermission after a new login."""
    first: dict[str, str] = {}
    usual = vcenter.decisions.authorise

    def authorise(session: Any, info: Any, this: Any, arguments: dict[str, Any]) -> None:
        usual(session, info, this, arguments)
        first.setdefault(session.account.name, session.key)
        if info.wsdlName == CUSTOMIZE and first[session.account.name] != session.key:
            raise vim.fault.NoPermission(object=arguments["vm"], privilegeId=info.privId)

    vcenter.decisions.authorise = authorise


@defect(row="AbortCustomization_Task/Success", source="S M")
def only_its_starter_may_abort(vcenter: VCenter) -> None:
    """A customization can be aborted only by the session that began it; another's is refused with InvalidState."""
    owners: dict[str, str] = {}
    usual = vcenter.decisions.begin[CUSTOMIZE]

    def begin(attempt: Attempt) -> Any:
        owners[attempt.machine.moid] = attempt.call.session.key if attempt.call.session else ""
        return usual(attempt)

    vcenter.decisions.begin[CUSTOMIZE] = begin
    refuse(
        vcenter,
        lambda attempt: (
            attempt.method == ABORT
            and any(operation.method == CUSTOMIZE for operation in attempt.machine.guest_operations)
            and attempt.call.session is not None
            and owners.get(attempt.machine.moid, attempt.call.session.key) != attempt.call.session.key
        ),
        vim.fault.InvalidState,
    )


@defect(row="StartGuestNetwork_Task/GuestPermissionDenied", source="S M")
def guest_permission_is_remembered(vcenter: VCenter) -> None:
    """Once an administrator has customized a guest, any user of it may start its network."""
    opened: set[str] = set()

    def check(attempt: Attempt) -> None:
        if attempt.method != START_NETWORK or attempt.machine.moid not in opened:
            user_may_customize(attempt)
        if attempt.method == CUSTOMIZE:
            opened.add(attempt.machine.moid)

    vcenter.decisions.at_start["permission"] = check


@defect(row="EveryMethod/NotAuthenticated", source="O D")
def ended_session_goes_on(vcenter: VCenter) -> None:
    """A session that has logged out may still call the three methods."""
    usual_serve, usual_need = vcenter.decisions.serve, vcenter.decisions.needs_session
    ended: set[str] = set()

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        if call.method == "Logout" and call.session is not None:
            ended.add(call.session.cookie)
        return usual_serve(call, target, arguments)

    def needs_session(call: Invocation, info: Any) -> bool:
        cookie = call.head.headers.get("cookie", "") if call.head else ""
        return usual_need(call, info) and not (
            call.method in METHODS and any(ended_cookie in cookie for ended_cookie in ended)
        )

    vcenter.decisions.serve, vcenter.decisions.needs_session = serve, needs_session
