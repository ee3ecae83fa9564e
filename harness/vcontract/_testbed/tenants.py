"""Which VMs are on a host: whoever disconnects it takes all of them along, so all of them must be known.

Both ways are taken in which a vCenter tells it, HostSystem.vm and the VMs' runtime.host, by a session that may read the host.
"""

from __future__ import annotations

from collections.abc import Mapping

from vcontract._client import Occupancy, Target
from vcontract._client.properties import read, read_around, view_of_vms
from vcontract._errors import TargetError
from vcontract._terms import MISSING, Arguments, Call, Ref, Returned, as_ref
from vcontract._testbed.actors import FULL

READ = "System.Read"
_HELD = 10.0
"""Seconds for which it is remembered that a session holds READ on a host; what it then may not read is noticed all the same."""
_UNSEEN = "it does not show which VMs are on it"


class Tenants:
    """Tells of the hosts of one target which VMs are on them; many actors may ask."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], float] = {}
        self._views: dict[str, Ref] = {}

    def __call__(self, target: Target, host: Ref, actor: str) -> Occupancy:
        """Look, as an actor. Whatever is not answered, or not to be seen, is the reason why the tenants are unknown."""
        if why := self._unreadable(target, host, actor):
            return Occupancy(unknown=why)
        try:
            return self._seen(target, host, actor)
        except TargetError:
            self._views.pop(actor, None)  # a view ends with its session, and that may have been renewed
        try:
            return self._seen(target, host, actor)
        except TargetError as error:
            return Occupancy(unknown=str(error))

    def _unreadable(self, target: Target, host: Ref, actor: str) -> str:
        """Say why an actor is not known to hold READ on a host; empty if it is."""
        known = self._held.get((actor, host.value))
        if known is not None and target.recorder.now() - known < _HELD:
            return ""
        done = read(target, actor, target.manager("sessionManager"), ["currentSession"])
        values = done.outcome.value if isinstance(done.outcome, Returned) else None
        current = values.get("currentSession") if isinstance(values, Mapping) else None
        key = str(current.get("key", "")) if isinstance(current, Mapping) else ""
        said = privileges_of(target, key, [READ], host, actor).get(READ, "") if key else ""
        if said != "held":
            return f"the account lacks {READ} there" if said else f"the account is not known to hold {READ} there"
        self._held[actor, host.value] = target.recorder.now()
        return ""

    def _seen(self, target: Target, host: Ref, actor: str) -> Occupancy:
        """Read the host and where every VM is. Raises TargetError if that is not answered."""
        if actor not in self._views:
            self._views[actor] = view_of_vms(target, actor)
        around = read_around(target, actor, host, self._views[actor])
        itself = around.pop(host, {})
        name, listed = str(itself.get("name", "")), itself.get("vm") or []
        refs = [as_ref(each) for each in listed] if isinstance(listed, list) else [None]
        if not name or MISSING in itself or None in refs:
            return Occupancy(name, unknown=_UNSEEN)
        on_it = {vm.value for vm in refs if vm is not None}
        placed = {ref.value: as_ref(values.get("runtime.host")) for ref, values in around.items()}
        if hidden := {vm for vm, place in placed.items() if place is None} - on_it:
            return Occupancy(name, unknown=f"{min(hidden)} does not show on which host it is")
        return Occupancy(name, tuple(sorted(on_it | placed.keys())))


def privileges_of(
    target: Target, session: str, privileges: list[str], entity: Ref | None, actor: str = FULL
) -> dict[str, str]:
    """Ask the AuthorizationManager which privileges a session has on an object: held or nowhere; empty if it does not say.

    `actor` is who asks.
    """
    if entity is None or "authorizationManager" not in target.content:
        return {}
    arguments = Arguments({"entity": [entity.json()], "sessionId": session, "privId": privileges})
    done = target.send(Call(target.manager("authorizationManager"), "HasPrivilegeOnEntities", arguments, actor))
    value = done.outcome.value if isinstance(done.outcome, Returned) else None
    availability: dict[str, str] = {}
    for answer in value or ():
        for privilege in answer.get("privAvailability") or ():
            availability[privilege["privId"]] = "held" if privilege.get("isGranted") else "nowhere"
    return availability
