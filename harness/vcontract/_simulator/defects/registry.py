"""How a defect is registered: `@defect(row=..., source=...)` on a function that breaks one VCenter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vcontract._simulator.behaviour import Behaviour, Catalogue, Change, name_of, sentence_of

MANAGER = "VirtualMachineGuestCustomizationManager"
DEFECTS = Catalogue("defect")


@dataclass(frozen=True)
class Defect(Behaviour):
    """A planted bug: `row` is the id of the promise that it breaks, `source` says where that promise stands.

    The letters of `source`: S the published page, M vendor metadata, W vendor WSDL, D vendor documentation, O observed
    in public, V tried against the vendor's client. `steps` is how many calls, those that arrange included, it takes to
    show on a VM that is ready; those of three and more are for exploration and `--complete`. A `concurrent` one shows only
    to clients that call at the same time; `seen_by` then names the guarantee that sees it.
    """

    row: str
    source: str
    steps: int = 1
    concurrent: bool = False
    seen_by: str = ""


def defect(row: str, source: str, steps: int = 1, *, seen_by: str = "") -> Callable[[Change], Change]:
    """Register a defect; a row of a method without an object's name is one of the manager's.

    One that names the guarantee by which it is `seen_by` is one that only concurrency shows.
    """
    full = row if row.startswith("EveryMethod/") or row.count("/") > 1 else f"{MANAGER}/{row}"

    def register(change: Change) -> Change:
        DEFECTS.add(Defect(name_of(change), sentence_of(change), change, full, source, steps, bool(seen_by), seen_by))
        return change

    return register
