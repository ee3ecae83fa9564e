"""A call as it was sent to a call as the oracle sees it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract import Method
from harness.model.facts import Facts
from harness.model.spec_rules import broken, unshown_params
from harness.model.state import Asked
from harness.terms import Call, Envelope, Json, Ref, as_ref

_BREAKS = {"schema": "malformed", "value": "badValue", "version": "unknownMethod", "open": "unsettled"}
_LONGEST_NAME = 256
"""How long a user name or password may be before no source says what a guest does with it."""


def classify(call: Call, method: Method, facts: Facts) -> Asked:
    """Sort a call into the classes that conditions speak of.

    An edited envelope's `breaks` is `schema:…`, `value:…`, `version:…`, `session:…` (its headers carry no living session)
    or `open:…` (no source says whether it is valid), or anything else if the call stays valid.
    """
    spec, faults = _spec(call.arguments, facts)
    return Asked(
        method=method.name,
        request=_request(call),
        session="valid" if call.actor in facts.sessions and _breaks(call) != "session" else "none",
        this=_this(call.object, facts),
        vm=_vm(as_ref(call.arguments.get("vm")), facts),
        privilege=_privilege(call.actor, method.privilege, facts),
        login=_login(call.arguments.get("auth"), facts),
        spec=spec,
        rule_faults=faults,
    )


def _request(call: Call) -> str:
    return _BREAKS.get(_breaks(call), "ok")


def _breaks(call: Call) -> str:
    return call.payload.breaks.split(":")[0] if isinstance(call.payload, Envelope) else ""


def _this(asked: Ref, facts: Facts) -> str:
    if asked == facts.manager:
        return "ok"
    known = facts.others.get(asked.value) or ("VirtualMachine" if asked.value in facts.vms else "")
    return "otherType" if asked.type != facts.manager.type or (known and known != facts.manager.type) else "unknown"


def _vm(asked: Ref | None, facts: Facts) -> str:
    if asked is None:
        return "unknown"
    if asked.type != "VirtualMachine" or asked.value in facts.others:
        return "otherType"
    return "ok" if asked.value in facts.vms else "unknown"


def _privilege(actor: str, privilege: str, facts: Facts) -> str:
    account = facts.sessions.get(actor, "")
    return facts.privileges.get(account, {}).get(privilege, "held")


def _login(auth: Json, facts: Facts) -> str:
    if (
        not isinstance(auth, Mapping)
        or auth.get("_typeName") != "NamePasswordAuthentication"
        or auth.get("interactiveSession")
    ):
        return "unsettled"
    given = (auth.get("username", ""), auth.get("password", ""))
    if not all(given) or any(len(each) > _LONGEST_NAME for each in given):
        return "unsettled"
    for account in facts.guests:
        if (auth.get("username"), auth.get("password")) == (account.username, account.password):
            return "accepted" if account.may_customize else "mayNot"
    return "rejected"


def _spec(arguments: Mapping[str, Json], facts: Facts) -> tuple[frozenset[str], tuple[str, ...]]:
    vm, spec = as_ref(arguments.get("vm")), arguments.get("spec")
    if not isinstance(spec, dict) or vm is None or vm.value not in facts.vms:
        return frozenset(), ()
    wrong, faults = broken(spec, facts.vms[vm.value])
    return (wrong | {"inferred"} if unshown_params(arguments.get("configParams")) else wrong), faults
