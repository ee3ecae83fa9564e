"""The VMs that carry the owner's mark, found without reading much of the others: an inventory may hold thousands.

Of every VM only the value under the mark's key is asked for (`config.extraConfig["KEY"]`, property paths by key: vSphere Web
Services SDK programming guide); a server that does not know such paths is asked for `config.extraConfig` page by page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.errors import TargetError
from harness.target import Target
from harness.target.properties import list_vms, read
from harness.terms import MISSING, Json, Ref, Returned

OWNER = "vcontract.owner"
_EXTRA = "config.extraConfig"
_KEYED = f'{_EXTRA}["{OWNER}"]'
_MANY = 1000
"""VMs on one page of those that are asked for one value each."""
FEW = 100
"""Up to so many VMs are read one by one."""


def marked(target: Target, actor: str, owner: str, paths: Sequence[str]) -> dict[Ref, dict[str, Json]]:
    """Read the paths of every VM whose mark names the owner; the others are not the harness's to disturb.

    Raises TargetError if the server does not let us list its VMs.
    """
    wanted = [*paths, _EXTRA]
    candidates = _candidates(target, actor)
    if candidates is None or len(candidates) > FEW:
        found = list_vms(target, actor, wanted, _mark_alone)
    else:
        done = {each: read(target, actor, each, wanted, _mark_alone).outcome for each in candidates}
        found = {ref: outcome.value for ref, outcome in done.items() if isinstance(outcome, Returned)}
    return {ref: values for ref, values in found.items() if owner_of(values) == owner}


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


def _mark_alone(values: dict[str, Json]) -> dict[str, Json]:
    """Leave out all that is not the mark: what else an operator keeps there is none of our business."""
    kept = [each for each in values.get(_EXTRA) or () if isinstance(each, Mapping) and each.get("key") == OWNER]
    return {**values, _EXTRA: kept}


def owner_of(values: Mapping[str, Json]) -> Json:
    """Give the owner whom the mark names; the last value wins where a server appends."""
    kept = values.get(_EXTRA) or [{}]
    value = kept[-1].get("value")
    return value.get("_value") if isinstance(value, Mapping) else value
