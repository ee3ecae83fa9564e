"""The guard of a run: what its configuration, its contract and its marks let it touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from vcontract._client import Guard, Marks, Target
from vcontract._client.marks import CLAIM, OWNER, RUN, option
from vcontract._client.properties import read
from vcontract._config.config import Config
from vcontract._contract import Contract
from vcontract._model.followed_task import KINDS
from vcontract._model.moves import MOVES
from vcontract._terms import Arguments, Call, Json, Ref, Returned, as_ref
from vcontract._testbed.actors import FULL
from vcontract._testbed.marked_vms import find_marked_vms, names_of
from vcontract._testbed.tenants import Tenants

IN_GUESTS = frozenset({*KINDS, MOVES["stopTools"].method})
"""The methods of other objects by which any run arranges states; each names the VM that it is about."""


class Seen(msgspec.Struct, frozen=True):
    """A VM with its name and its marks: whom they name, and the run that made it (empty: none did)."""

    ref: Ref
    name: str
    refusal: str
    run: str
    owners: tuple[str, ...] = ()


def marks_of(target: Target, config: Config) -> Marks:
    """Say how the configuration's mark looks on a target; some session must be open."""
    manager, found = as_ref(target.content.get("customFieldsManager")), dict[str, int]()
    if manager is not None:
        done = read(target, FULL, manager, ["field"])
        values = done.outcome.value if isinstance(done.outcome, Returned) else None
        fields = values.get("field") if isinstance(values, Mapping) else None
        for field in fields or ():
            found.setdefault(str(field.get("name")), int(field["key"]))
    # as a reply shows it, if it is the word of a password too
    return Marks(target.secrets.redact(config.owner), found.get(OWNER, 0), found.get(CLAIM, 0))


def look_round(target: Target, marks: Marks) -> list[Seen]:
    """List every VM with its marks. Raises TargetError if the server does not let us."""
    seen = find_marked_vms(target, FULL, marks, ("name",))
    return [
        Seen(ref, name, marks.refusal(values), option(values, RUN), tuple(marks.owners(values)))
        for ref, name in names_of(target, FULL).items()
        for values in (seen.get(ref, {}),)
    ]


def guard_of(
    target: Target,
    config: Config,
    contract: Contract,
    run: str,
    others: Mapping[str, Json],
    actor: str = FULL,
    *,
    claimant: str = "",
) -> Guard:
    """Make the guard of a run, once its sessions are open; `others` are the moIds of objects that are no VMs.

    It reads as `actor`; empty: as whoever makes the call. VMs are claimed in the name of `claimant`; empty: of the run.
    Raises TargetError if the server does not let us list its VMs.
    """
    marks = replace(marks_of(target, config), claimant=target.secrets.redact(claimant or run))
    methods = IN_GUESTS | {method.name for method in contract.methods}
    foreign = {vm.ref.value for vm in look_round(target, marks) if vm.refusal}
    runs = {run} if run else ()
    guard = Guard(marks, actor, hosts=config.hosts, methods=methods, runs=runs, others=others, foreign=foreign)
    guard.look_with(Tenants())
    return guard


def lost_hosts(target: Target, guard: Guard, hosts: Iterable[str]) -> tuple[frozenset[str], str]:
    """Give those of some hosts (moIds) that may be disconnected as things are, and why the others may not."""
    method = MOVES["hostLost"].method
    calls = {moid: Call(Ref("HostSystem", moid), method, Arguments({}), FULL) for moid in sorted(hosts)}
    refused = {moid: guard.host_refusal(target, call) for moid, call in calls.items()}
    return frozenset(moid for moid, why in refused.items() if not why), "; ".join(filter(None, refused.values()))
