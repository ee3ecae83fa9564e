"""What tests of users draw: specifications, guest logins and broken requests, as Hypothesis strategies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from hypothesis import reject
from hypothesis import strategies as st

from vcontract._contract.load import load_with
from vcontract._errors import UsageError
from vcontract._model import VmFacts
from vcontract._model.spec_rules import broken
from vcontract._schema import SHIPPED
from vcontract._schema import load as load_schema
from vcontract._strategies import auth, typed
from vcontract._strategies.case import AS_IS, Case
from vcontract._strategies.cases import cases
from vcontract._strategies.customization import MAX_NICS, SMALLEST, fitted, linux_specs
from vcontract._strategies.semantic import OFFLINE, changes_of
from vcontract._terms import Arguments, Call, Envelope, Ref

LIVE = "CustomizeGuest_Task"
_NOWHERE = Ref("VirtualMachine", "vm-0")
_MOST_BYTES = 1 << 16
"""Requests that are longer are left out: a test that draws hundreds would be slow by them."""
_SECRET = "secret:"  # noqa: S105 - the mark of a name, which here becomes a made-up password
_TIERS = ("schema", "xml", "http")


class BrokenRequest(msgspec.Struct, frozen=True):
    """An HTTP request that is wrong in one thing: `label` says in which, `body` and `headers` are what to send.

    `headers` replace those of a client (an empty value removes one). `expects` is the class of the request as the contract has
    it: malformed, badValue, unknownMethod, unlistedVersion, noSession or unsettled. The VM is `vm-0` unless another was named.
    """

    method: str
    label: str
    expects: str
    body: bytes
    headers: dict[str, str]


def customization_specs(
    *, valid: bool = True, nics: int | None = 1, method: str = LIVE
) -> st.SearchStrategy[dict[str, Any]]:
    """Draw CustomizationSpecs as JSON objects with `_typeName`, for a Linux guest with so many network adapters.

    `valid`: a vCenter that keeps the contract accepts each; else each breaks one rule that a source has, and is refused.
    `nics`: 0 to 4; None draws the number too. `method`: CustomizeGuest_Task, or CustomizeVM_Task for a VM that is off.
    Raises UsageError for other values.
    """
    if nics is not None and not 0 <= nics <= MAX_NICS:
        raise UsageError(f"nics {nics}: must be 0 to {MAX_NICS}, or None")
    if method not in {LIVE, OFFLINE}:
        raise UsageError(f"method {method}: must be {LIVE} or {OFFLINE}")
    counts = st.integers(0, MAX_NICS) if nics is None else st.just(nics)
    if valid:
        return _valid_specs(counts)
    _changes(method)  # as below: not while it draws
    return _broken_specs(counts, method)


def guest_authentications() -> st.SearchStrategy[dict[str, Any]]:
    """Draw GuestAuthentications as JSON objects with `_typeName`, of every type: those that no guest accepts among them.

    Passwords and tokens are made up; a test that wants a login to be accepted brings its own.
    """
    made = {**auth.rejected(), **auth.unsettled()}
    known = st.sampled_from([{name: _open(value) for name, value in each.items()} for each in made.values()])
    return st.one_of(known, typed.values(load_schema(SHIPPED[-1]), "GuestAuthentication"))


def broken_requests(method: str, *, vm: str = "vm-0", this: str = "") -> st.SearchStrategy[BrokenRequest]:
    """Draw requests of a method that are wrong in one thing: the schema, the XML or the HTTP headers.

    `vm` is the moId of the VM that is meant, `this` that of the object that is called, if it is not the VM itself (empty:
    that of the simulator). Raises UsageError for a method that no contract has.
    """
    _cases(method, vm)  # what takes long is done here: a draw that is slow looks like a strategy that is
    return _broken_requests(method, vm, this)


@st.composite
def _broken_requests(draw: st.DrawFn, method: str, vm: str, this: str) -> BrokenRequest:
    listed = [case for case in _cases(method, vm) if case.tier in _TIERS and case.expects != AS_IS]
    made = _made(draw(st.sampled_from(listed)), method, vm, this)
    if made is None or len(made.body) > _MOST_BYTES:
        reject()
    return made


@st.composite
def _valid_specs(draw: st.DrawFn, counts: st.SearchStrategy[int]) -> dict[str, Any]:
    return fitted(draw(linux_specs()), draw(counts))


@st.composite
def _broken_specs(draw: st.DrawFn, counts: st.SearchStrategy[int], method: str) -> dict[str, Any]:
    count = draw(counts)
    spec = fitted(draw(linux_specs()), count)
    facts = VmFacts(_NOWHERE, "", count)
    able = []
    for _, change in sorted(_changes(method).items()):
        try:
            changed = change(spec)
        except LookupError:  # it has no adapter to change
            continue
        if broken(changed, facts, offline=method == OFFLINE)[0] & {"rule", "nicCount"}:
            able.append(changed)
    return draw(st.sampled_from(able))


@cache
def _changes(method: str) -> Mapping[str, Any]:
    made = changes_of(load_schema(SHIPPED[-1]), method, _arguments(method, _NOWHERE.value))
    return {**made["rule"], **{name: change for name, change in made["nicCount"].items() if name != "1.many"}}


def _open(value: Any) -> Any:
    """Put a made-up text in the place of the name of a secret, which only a run of our own can resolve."""
    return "not-a-password" if isinstance(value, str) and value.startswith(_SECRET) else value


def _arguments(method: str, vm: str) -> dict[str, Any]:
    login = {name: _open(value) for name, value in auth.name_password(auth.NOBODY, auth.NOBODYS).items()}
    known = {
        "vm": Ref("VirtualMachine", vm).json(),
        "auth": login,
        "spec": SMALLEST,
        "pool": Ref("ResourcePool", "resgroup-0").json(),
    }
    return {name: known[name] for name in load_with(method).method(method).takes if name in known}


@cache
def _cases(method: str, vm: str) -> tuple[Case, ...]:
    documented = load_with(method).method(method)
    return cases(load_schema(SHIPPED[-1]), documented, _arguments(method, vm))


def _made(case: Case, method: str, vm: str, this: str) -> BrokenRequest | None:
    contract = load_with(method)
    where = Ref("VirtualMachine", vm) if contract.itself else Ref(contract.object, this or _moid(contract.object))
    try:
        turned = case.turn(Call(where, method, Arguments(_arguments(method, vm)), ""))
    except LookupError:
        return None
    payload = turned.payload
    if not isinstance(payload, Envelope):
        return None
    return BrokenRequest(method, case.label, case.expects, payload.body, payload.headers)


def _moid(kind: str) -> str:
    """Give the moId of a manager as the vendor names them: without what every such name begins with."""
    return kind.removeprefix("VirtualMachine").replace("GuestAuthManager", "guestOperationsAuthManager")
