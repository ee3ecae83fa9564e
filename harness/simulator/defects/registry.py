"""How a defect is registered: `@defect(row=..., source=...)` on a function that breaks one VCenter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.simulator.behaviour import Behaviour, Catalogue, Change, name_of, sentence_of

MANAGER = "VirtualMachineGuestCustomizationManager"
DEFECTS = Catalogue("defect")


@dataclass(frozen=True)
class Defect(Behaviour):
    """A planted bug: `row` is the id of the promise that it breaks, `source` says where that promise stands.

    The letters of `source`: S the published page, M vendor metadata, W vendor WSDL, D vendor documentation, O observed
    in public, V tried against the vendor's client. `steps` is how many calls, those that arrange included, it takes to
    show on a VM that is ready; those of three and more are for exploration and `--complete`.
    """

    row: str
    source: str
    steps: int = 1


def defect(row: str, source: str, steps: int = 1) -> Callable[[Change], Change]:
    """Register a defect; a row of a method without an object's name is one of the manager's."""
    full = row if row.startswith("EveryMethod/") or row.count("/") > 1 else f"{MANAGER}/{row}"

    def register(change: Change) -> Change:
        DEFECTS.add(Defect(name_of(change), sentence_of(change), change, full, source, steps))
        return change

    return register
