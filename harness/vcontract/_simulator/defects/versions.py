"""Defects of the object itself and of API versions: what an old client sees, and what every session sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.defects.planting import METHODS, in_reply, instead_of_fault
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest.operations import ABORT
from vcontract._simulator.guest_customization_manager import MOID, GuestCustomizationManager
from vcontract._simulator.http1 import Reply
from vcontract._simulator.soap_writer import write_version_mismatch

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter

OTHER = "GuestCustomizationManager-2"


@defect(row="since", source="S M")
def manager_shown_to_old_clients(vcenter: VCenter) -> None:
    """ServiceContent shows the manager, and every newer field, to clients below 6.8.7."""
    usual = vcenter.decisions.reply_version
    newest = vcenter.versions.newest
    vcenter.decisions.reply_version = lambda call: newest if call.method == "RetrieveServiceContent" else usual(call)


@defect(row="since", source="S M")
def manager_not_in_service_content(vcenter: VCenter) -> None:
    """ServiceContent has no manager, whatever the client's version."""
    usual, old = vcenter.decisions.reply_version, vcenter.versions.asked("urn:vim25/6.7.3")
    if old is not None:
        vcenter.decisions.reply_version = lambda call: old if call.method == "RetrieveServiceContent" else usual(call)


@defect(row="CustomizeGuest_Task/since", source="S M")
def methods_known_to_old_clients(vcenter: VCenter) -> None:
    """The three methods are accepted from a client that asks for 6.7.3."""
    _known(vcenter, METHODS)


@defect(row="AbortCustomization_Task/since", source="S M")
def abort_known_to_old_clients(vcenter: VCenter) -> None:
    """AbortCustomization_Task alone is accepted from a client that asks for 6.7.3."""
    _known(vcenter, (ABORT,))


def _known(vcenter: VCenter, methods: tuple[str, ...]) -> None:
    newest = vcenter.versions.newest
    vcenter.decisions.understood = lambda version, info: newest if info.wsdlName in methods else version


@defect(row="CustomizeGuest_Task/since", source="S M")
def listed_version_is_refused(vcenter: VCenter) -> None:
    """A client that asks for a listed version older than the newest is refused the three methods, as if it were not listed."""
    serve_usually, newest = vcenter.decisions.serve, vcenter.versions.newest

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        if call.method in METHODS and call.version != newest:
            raise vmodl.fault.InvalidRequest
        return serve_usually(call, target, arguments)

    def change(call: Invocation, reply: Any) -> Any:
        if reply.status != 500 or call.version == newest or call.head is None:
            return reply
        return Reply(500, write_version_mismatch(call.head.headers.get("soapaction", ""), detail=False))

    vcenter.decisions.serve = serve
    in_reply(vcenter, change)


@defect(row="EveryMethod/MethodNotFound", source="M V")
def old_client_hears_invalid_state(vcenter: VCenter) -> None:
    """A method newer than the client is answered with InvalidState."""
    instead_of_fault(
        vcenter, lambda _, fault: vim.fault.InvalidState() if isinstance(fault, vmodl.fault.MethodNotFound) else fault
    )


@defect(row="EveryMethod/NotAuthenticated", source="O D")
def newer_fault_for_an_old_client(vcenter: VCenter) -> None:
    """A call without a session is answered with SessionNotFound, which came with 9.1, whatever the client knows."""

    def change(call: Invocation, reply: Any) -> Any:
        if call.session is not None or b"NotAuthenticatedFault" not in reply.body:
            return reply
        detail = b'<detail><SessionNotFoundFault xmlns="urn:vim25" xsi:type="SessionNotFound"></SessionNotFoundFault></detail>'
        return Reply(500, _with_detail(reply.body, detail))

    in_reply(vcenter, change)


@defect(row="EveryMethod/NoPermission", source="O M")
def newer_field_for_an_old_client(vcenter: VCenter) -> None:
    """NoPermission carries a field that no release of the client's version has."""

    def change(_: Invocation, reply: Any) -> Any:
        return Reply(
            reply.status, reply.body.replace(b"</NoPermissionFault>", b"<hint>none</hint></NoPermissionFault>")
        )

    in_reply(vcenter, change)


def _with_detail(body: bytes, detail: bytes) -> bytes:
    before, _, rest = body.partition(b"<detail>")
    return before + detail + rest.partition(b"</detail>")[2]


@defect(row="properties", source="S M")
def manager_has_properties(vcenter: VCenter) -> None:
    """The manager answers for a property `info` that it does not have."""
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        try:
            return usual(call, target, arguments)
        except Exception as fault:
            if type(fault).__name__ != "vmodl.query.InvalidProperty" or call.method != "RetrievePropertiesEx":
                raise
            return None

    vcenter.decisions.serve = serve


@defect(row="singleton", source="S M")
def another_manager_for_each_session(vcenter: VCenter) -> None:
    """A session that is not the first of its account is shown another reference to the manager."""
    first: dict[str, str] = {}
    usual = vcenter.decisions.serve
    vcenter.registry.add(GuestCustomizationManager(vcenter, OTHER))

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        result = usual(call, target, arguments)
        if call.method == "RetrieveServiceContent" and call.session is not None:
            mine = first.setdefault(call.session.account.name, call.session.key)
            if mine != call.session.key:
                result.guestCustomizationManager = vim.vm.GuestCustomizationManager(OTHER)
        return result

    vcenter.decisions.serve = serve


@defect(row="EveryMethod/ManagedObjectNotFound", source="O")
def any_manager_will_do(vcenter: VCenter) -> None:
    """A call on a manager that does not exist is served as if it were made on the one that does."""
    usual = vcenter.registry.resolve
    vcenter.registry.resolve = lambda ref: usual(  # type: ignore[method-assign] # this registry alone, and mypy knows no such thing
        vim.vm.GuestCustomizationManager(MOID) if isinstance(ref, vim.vm.GuestCustomizationManager) else ref
    )
