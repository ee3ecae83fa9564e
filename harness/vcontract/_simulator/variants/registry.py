"""How a variant is registered: `@variant` on a function that changes one VCenter within the contract."""

from __future__ import annotations

from vcontract._simulator.behaviour import Behaviour, Catalogue, Change, name_of, sentence_of

VARIANTS = Catalogue("variant")


def variant(change: Change) -> Change:
    """Register a variant."""
    VARIANTS.add(Behaviour(name_of(change), sentence_of(change), change))
    return change
