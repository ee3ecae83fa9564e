"""Defects of the wire: replies that break SOAP or the schema, and requests that are taken although they break it."""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport, vim, vmodl

from vcontract._simulator.defects.planting import METHODS, in_reply, instead_of_fault, unless
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK
from vcontract._simulator.soap_envelope import XSI, Malformed, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vcontract._simulator.http1 import Reply
    from vcontract._simulator.objects import Invocation
    from vcontract._simulator.vcenter import VCenter

_MENDS = 50
PAGE = b"<!DOCTYPE html><html><body><h1>503 Service Unavailable</h1></body></html>"


def _edit(vcenter: VCenter, when: Callable[[Invocation, Reply], bool], change: Callable[[Reply], Reply]) -> None:
    in_reply(vcenter, lambda call, reply: change(reply) if when(call, reply) else reply)


def _refused(_: Invocation, reply: Reply) -> bool:
    return reply.status == 500


@defect(row="CustomizeGuest_Task/RuntimeFault", source="S W")
def fault_with_status_200(vcenter: VCenter) -> None:
    """A fault comes with HTTP status 200."""
    _edit(vcenter, _refused, lambda reply: replace(reply, status=200))


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_with_status_500(vcenter: VCenter) -> None:
    """A task comes with HTTP status 500."""
    _edit(vcenter, lambda _, reply: reply.status == 200, lambda reply: replace(reply, status=500))


@defect(row="CustomizeGuest_Task/InvalidPowerState", source="S")
def fault_without_a_detail(vcenter: VCenter) -> None:
    """A fault has a text and no typed detail."""

    def change(reply: Reply) -> Reply:
        before, _, rest = reply.body.partition(b"<detail>")
        return replace(reply, body=before + rest.partition(b"</detail>")[2])

    _edit(vcenter, _refused, change)


@defect(row="CustomizeGuest_Task/InvalidState", source="S M")
def fault_element_of_another_type(vcenter: VCenter) -> None:
    """The element in a fault's detail is named after another type than its xsi:type says."""
    _edit(
        vcenter,
        _refused,
        lambda reply: replace(reply, body=reply.body.replace(b"InvalidStateFault", b"RuntimeFaultFault")),
    )


@defect(row="AbortCustomization_Task/TaskInProgress", source="S M")
def html_page_when_busy(vcenter: VCenter) -> None:
    """A busy VM is answered with the HTML page of a proxy."""
    _edit(
        vcenter,
        lambda _, reply: b"TaskInProgress" in reply.body,
        lambda reply: replace(reply, status=503, body=PAGE, content_type="text/html"),
    )


@defect(row="CustomizeGuest_Task/result", source="S M")
def wrong_response_element(vcenter: VCenter) -> None:
    """The reply to CustomizeGuest_Task is that of CustomizeVM_Task."""
    _edit(
        vcenter,
        lambda call, _: call.method == CUSTOMIZE,
        lambda reply: replace(
            reply, body=reply.body.replace(b"CustomizeGuest_TaskResponse", b"CustomizeVM_TaskResponse")
        ),
    )


@defect(row="StartGuestNetwork_Task/result", source="S M")
def empty_reply(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task is answered as if it returned nothing."""

    def change(reply: Reply) -> Reply:
        before, _, rest = reply.body.partition(b"<returnval")
        return replace(reply, body=before + rest.partition(b"</returnval>")[2])

    _edit(vcenter, lambda call, reply: call.method == START_NETWORK and reply.status == 200, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def unknown_element_in_the_reply(vcenter: VCenter) -> None:
    """A reply holds an element that the schema does not have."""
    _edit(
        vcenter,
        lambda _, reply: reply.status == 200,
        lambda reply: replace(reply, body=reply.body.replace(b"</returnval>", b"</returnval><debug>1</debug>")),
    )


@defect(row="CustomizeGuest_Task/TaskInProgress", source="S M")
def required_field_left_out(vcenter: VCenter) -> None:
    """TaskInProgress comes without its required task."""

    def change(reply: Reply) -> Reply:
        before, _, rest = reply.body.partition(b"<task ")
        return replace(reply, body=before + rest.partition(b"</task>")[2])

    _edit(vcenter, lambda _, reply: b"<task " in reply.body, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def truncated_reply(vcenter: VCenter) -> None:
    """The reply to an abort breaks off in the middle of the document."""
    _edit(vcenter, lambda call, _: call.method == ABORT, lambda reply: replace(reply, body=reply.body[:-40]))


@defect(row="CustomizeGuest_Task/RuntimeFault", source="S W")
def system_error_for_a_bad_request(vcenter: VCenter) -> None:
    """A request that is not of the schema is answered with SystemError."""
    instead_of_fault(
        vcenter,
        lambda _, fault: (
            vmodl.fault.SystemError(reason="parser") if isinstance(fault, vmodl.fault.InvalidRequest) else fault
        ),
    )


@defect(row="CustomizeGuest_Task/InvalidGuestLogin", source="S M")
def password_in_a_fault(vcenter: VCenter) -> None:
    """The text of InvalidGuestLogin repeats the guest password."""

    def make(attempt: Any, fault: Any) -> Any:
        password = getattr(attempt.auth, "password", "")
        return (
            vim.fault.InvalidGuestLogin(msg=f"login as {attempt.auth.username} with {password} failed")
            if password
            else fault
        )

    unless("login", vcenter, make)


@defect(row="AbortCustomization_Task/InvalidGuestLogin", source="S M")
def password_in_a_task_error(vcenter: VCenter) -> None:
    """A rejected login ends the task, whose error repeats the guest password."""
    usual = vcenter.decisions.at_call.pop("login")

    def check(attempt: Any) -> None:
        try:
            usual(attempt)
        except vim.fault.InvalidGuestLogin:
            raise vim.fault.InvalidGuestLogin(msg=f"rejected: {getattr(attempt.auth, 'password', '')}") from None

    vcenter.decisions.at_start = {"login": check, **vcenter.decisions.at_start}


def _reading(vcenter: VCenter, change: Callable[[Node, Any], Node]) -> None:
    """Change the parsed calls of the three methods before they are checked against the schema."""
    usual = vcenter.decisions.read

    def read(node: Node, info: Any, version: str) -> dict[str, Any]:
        return usual(change(node, info) if info.wsdlName in METHODS else node, info, version)

    vcenter.decisions.read = read


def _with(node: Node, children: list[Node]) -> Node:
    return replace(node, children=children)


@defect(row="CustomizeGuest_Task/parameters", source="S M")
def element_order_not_enforced(vcenter: VCenter) -> None:
    """The elements of a call are taken in any order."""
    _reading(vcenter, lambda node, info: _sorted(node, info.params))


def _sorted(node: Node, fields: Sequence[Any]) -> Node:
    """Put the children of an element, and theirs, into the order of the fields; what is none of them comes last."""
    types = {field.name: field.type for field in fields}
    order = ["_this", *types]
    children = sorted(node.children, key=lambda child: order.index(child.name) if child.name in order else len(order))
    return replace(node, children=[_sorted(child, _fields_of(child, types.get(child.name))) for child in children])


def _fields_of(node: Node, declared: Any) -> Sequence[Any]:
    """Give the fields of the type that an element claims, else of the declared one; none if that is no data object."""
    kind = getattr(declared, "Item", declared)
    with suppress(KeyError):  # it claims none, or an unknown one
        kind = VmomiSupport.GetWsdlType("urn:vim25", node.attributes[f"{XSI} type"].rpartition(":")[2])
    plain = not isinstance(kind, type) or not issubclass(kind, VmomiSupport.DataObject)
    return () if plain else kind._GetPropertyList()  # noqa: SLF001 - pyVmomi's metadata


@defect(row="CustomizeGuest_Task/parameters", source="S M")
def unknown_element_accepted(vcenter: VCenter) -> None:
    """An element that the schema does not have is ignored."""

    def drop(siblings: list[Node], place: int) -> None:
        if sum(sibling.name == siblings[place].name for sibling in siblings) == 1:
            del siblings[place]

    _tolerant(vcenter, drop)


def _tolerant(vcenter: VCenter, mend: Callable[[list[Node], int], None]) -> None:
    """Mend what an unexpected element breaks, and read again; `mend` is given its siblings and its place among them."""
    usual = vcenter.decisions.read

    def read(node: Node, info: Any, version: str) -> dict[str, Any]:
        node = copy.deepcopy(node)  # what is mended is this call, not the next that is equal
        for _ in range(_MENDS if info.wsdlName in METHODS else 0):
            try:
                return usual(node, info, version)
            except Malformed as bad:
                unexpected = _sought(node, bad.frames[0]) if "Unexpected element" in bad.what else None
                if unexpected is None:
                    raise
                mend(*unexpected)
        return usual(node, info, version)

    vcenter.decisions.read = read


def _sought(node: Node, place: str) -> tuple[list[Node], int] | None:
    """Find the element that stands at a place of the document: its siblings, and its place among them."""
    for number, child in enumerate(node.children):
        position = (node.children, number) if child.place == place else _sought(child, place)
        if position is not None:
            return position
    return None


@defect(row="StartGuestNetwork_Task/parameters", source="S M")
def doubled_element_accepted(vcenter: VCenter) -> None:
    """Of a parameter that is given twice the last one counts."""

    def change(node: Node, info: Any) -> Node:
        single = {param.name for param in info.params if not issubclass(param.type, list)}
        last = {child.name: child for child in node.children}
        seen: set[str] = set()
        kept = []
        for child in node.children:
            if child.name in single and child.name in seen:
                continue
            seen.add(child.name)
            kept.append(last[child.name] if child.name in single else child)
        return _with(node, kept)

    _reading(vcenter, change)


@defect(row="AbortCustomization_Task/parameters", source="S M")
def required_parameter_not_enforced(vcenter: VCenter) -> None:
    """AbortCustomization_Task works without `auth`, as root."""
    usual = vcenter.decisions.read

    def read(node: Node, info: Any, version: str) -> dict[str, Any]:
        try:
            return usual(node, info, version)
        except Malformed:
            if info.wsdlName != ABORT or any(child.name == "auth" for child in node.children):
                raise
        vm = next((child for child in node.children if child.name == "vm"), None)
        return {
            "vm": vim.VirtualMachine(vm.text if vm else ""),
            "auth": vim.vm.guest.NamePasswordAuthentication(
                username="root",
                password="guest",  # noqa: S106 - the simulator's documented guest password
                interactiveSession=False,
            ),
        }

    vcenter.decisions.read = read


@defect(row="CustomizeGuest_Task/parameters", source="S M")
def bad_value_accepted(vcenter: VCenter) -> None:
    """A boolean that is neither true nor false counts as false."""

    def change(node: Node, info: Any) -> Node:
        del info
        return _mended(node)

    _reading(vcenter, change)


def _mended(node: Node) -> Node:
    children = [_mended(child) for child in node.children]
    wrong = node.name == "interactiveSession" and node.text not in {"true", "false", "1", "0"}
    return replace(node, children=children, text="false" if wrong else node.text)


@defect(row="CustomizeGuest_Task/RuntimeFault", source="S W")
def reference_type_not_checked(vcenter: VCenter) -> None:
    """A reference to an object of another type is served as if it named some VM."""

    def change(node: Node, info: Any) -> Node:
        del info
        machine = next(
            candidate
            for candidate in vcenter.registry.of_type(object)
            if candidate.vmodl_type is vim.VirtualMachine and candidate.ready and len(candidate.nics) == 1
        )
        children = []
        for child in node.children:
            known = vcenter.registry.find(child.text.strip())
            if child.name == "vm" and known is not None and known.vmodl_type is not vim.VirtualMachine:
                attributes = {**child.attributes, "type": "VirtualMachine"}
                children.append(replace(child, text=machine.moid, attributes=attributes))
            else:
                children.append(child)
        return _with(node, children)

    _reading(vcenter, change)
