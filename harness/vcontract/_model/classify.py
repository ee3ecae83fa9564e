"""Classifies a call as it was sent into the terms of the oracle."""

from __future__ import annotations

from collections.abc import Mapping

from vcontract._contract import Method, version_number
from vcontract._model.facts import Facts
from vcontract._model.spec_rules import broken, unshown_params
from vcontract._model.state import Asked
from vcontract._terms import Call, Envelope, Json, Ref, as_ref, subject

_BREAKS = {
    "schema": "malformed",
    "value": "badValue",
    "version": "unknownMethod",
    "unlisted": "unlistedVersion",
    "open": "unsettled",
}
_WORST = ("held", "vmOnly", "rootOnly", "nowhere")
_LONGEST_NAME = 256
"""How long a user name or password may be before no source says what a guest does with it."""


def classify(call: Call, method: Method, facts: Facts) -> Asked:
    """Sort a call into the classes that conditions speak of.

    An edited envelope's `breaks` is `schema:…`, `value:…`, `version:…` (one that the server lists, and that lacks the method),
    `unlisted:…` (one that it does not list, or none), `session:…` (its headers carry no living session)
    or `open:…` (no source says whether it is valid), or anything else if the call stays valid.
    """
    spec, faults = _spec(call, facts)
    this = _this(call.object, facts)
    session = "valid" if call.actor in facts.sessions and _breaks(call) != "session" else "none"
    return Asked(
        method=method.name,
        request=_request(call),
        session=session,
        api=version_number(facts.api_version) if session == "none" else (),
        this=this,
        vm=_vm(call, method, this, facts),
        privilege=_privilege(call.actor, method.privileges, facts),
        login=_login(call.arguments.get("auth"), facts) if "auth" in method.takes else "accepted",
        spec=spec,
        rule_faults=faults,
        argument=_argument(call, method, facts),
    )


def _request(call: Call) -> str:
    return _BREAKS.get(_breaks(call), "ok")


def _breaks(call: Call) -> str:
    return call.payload.breaks.split(":")[0] if isinstance(call.payload, Envelope) else ""


def _this(asked: Ref, facts: Facts) -> str:
    if asked == facts.manager or (facts.itself and asked.type == facts.manager.type and asked.value in facts.vms):
        return "ok"
    known = facts.others.get(asked.value) or ("VirtualMachine" if asked.value in facts.vms else "")
    return "otherType" if asked.type != facts.manager.type or (known and known != facts.manager.type) else "unknown"


def _vm(call: Call, method: Method, this: str, facts: Facts) -> str:
    if facts.itself:
        return "ok" if this == "ok" else "unknown"
    asked = as_ref(call.arguments.get("vm")) if "vm" in method.takes else None
    if asked is None:
        return "unknown"
    if asked.type != "VirtualMachine" or asked.value in facts.others:
        return "otherType"
    return "ok" if asked.value in facts.vms else "unknown"


def _argument(call: Call, method: Method, facts: Facts) -> str:
    """Classify the references beside the VM's: the class of the first that is not `ok`."""
    for name, kind in method.takes.items():
        asked = as_ref(call.arguments.get(name)) if kind != "VirtualMachine" else None
        if asked is None:
            continue
        known = "VirtualMachine" if asked.value in facts.vms else facts.others.get(asked.value)
        if (asked.type, known) != (kind, kind):
            return "unknown" if asked.type == kind and known is None else "otherType"
    return "ok"


def _privilege(actor: str, privileges: tuple[str, ...], facts: Facts) -> str:
    """Compute the worst class among the account's privileges."""
    known = facts.privileges.get(facts.sessions.get(actor, ""), {})
    return max((known.get(privilege, "held") for privilege in privileges), key=_WORST.index, default="held")


def _login(auth: Json, facts: Facts) -> str:
    if (
        not isinstance(auth, Mapping)
        or auth.get("_typeName") != "NamePasswordAuthentication"
        or auth.get("interactiveSession")
    ):
        return "unsettled"
    credentials = (auth.get("username", ""), auth.get("password", ""))
    if not all(credentials) or any(len(text) > _LONGEST_NAME for text in credentials):
        return "unsettled"
    for account in facts.guests:
        if (auth.get("username"), auth.get("password")) == (account.username, account.password):
            return "accepted" if account.may_customize else "mayNot"
    return "rejected"


def _spec(call: Call, facts: Facts) -> tuple[frozenset[str], tuple[str, ...]]:
    vm, spec = facts.vms.get(subject(call)), call.arguments.get("spec")
    if not isinstance(spec, dict) or vm is None:
        return frozenset(), ()
    wrong, faults = broken(spec, vm, offline=facts.itself)
    return (wrong | {"inferred"} if unshown_params(call.arguments.get("configParams")) else wrong), faults
