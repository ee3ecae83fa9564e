"""The VMs that carry a mark, found without reading much of the others: an inventory may hold thousands.

Of every VM only the value under the mark's key is asked for (`config.extraConfig["KEY"]`, property paths by key: vSphere Web
Services SDK programming guide); a server that does not know such paths is asked for `config.extraConfig` page by page.
"""

from __future__ import annotations

from collections.abc import Sequence

from vcontract._client import Marks, Target
from vcontract._client.marks import CONFIG, OWNER
from vcontract._client.properties import list_vms, read
from vcontract._errors import TargetError
from vcontract._terms import MISSING, Json, Ref, Returned

_KEYED = f'{CONFIG}["{OWNER}"]'
_MANY = 1000
"""VMs on one page of those that are asked for one value each."""
FEW = 100
"""Up to so many VMs are read one by one."""


def find_marked_vms(target: Target, actor: str, marks: Marks, paths: Sequence[str]) -> dict[Ref, dict[str, Json]]:
    """Read the paths, and the marks, of every VM that may carry a mark, whomever it names; of all where that is not known.

    Raises TargetError if the server does not let us list its VMs.
    """
    wanted = [*paths, *marks.paths]
    candidates = None if marks.attribute else _candidates(target, actor)
    if candidates is None or len(candidates) > FEW:
        return list_vms(target, actor, wanted, marks.only)
    done = {ref: read(target, actor, ref, wanted, marks.only).outcome for ref in candidates}
    return {ref: outcome.value for ref, outcome in done.items() if isinstance(outcome, Returned)}


def names_of(target: Target, actor: str) -> dict[Ref, str]:
    """Name every VM. Raises TargetError if the server does not let us list them."""
    listed = list_vms(target, actor, ["name"], page=_MANY)
    return {ref: str(values.get("name", ref.value)) for ref, values in listed.items()}


def _candidates(target: Target, actor: str) -> list[Ref] | None:
    """List the VMs that may carry a mark, as their keyed value shows; None if that is not known here, or shows none."""
    try:
        shown = list_vms(target, actor, [_KEYED], _shown_alone, page=_MANY)
    except TargetError:
        return None
    return list(shown) or None


def _shown_alone(values: dict[str, Json]) -> dict[str, Json]:
    """Leave out VMs that show nothing; of a path that was refused nothing is known, so that VM stays."""
    return {name: True for name in values if name in {_KEYED, MISSING}}
