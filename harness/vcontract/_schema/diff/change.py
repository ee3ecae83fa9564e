"""One way in which two WSDLs differ, before it is judged."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What differs; `rules.toml` says of each what it means for a client."""

    NAMESPACE = "namespaceChanged"
    ACTION = "actionChanged"
    OPERATION_ADDED = "operationAdded"
    OPERATION_REMOVED = "operationRemoved"
    FAULT_DECLARED = "faultDeclared"
    FAULT_REFINED = "faultRefined"
    FAULT_UNDECLARED = "faultUndeclared"
    TYPE_ADDED = "typeAdded"
    SUBTYPE_ADDED = "subtypeAdded"
    FAULT_ADDED = "faultAdded"
    TYPE_REMOVED = "typeRemoved"
    BASE_CHANGED = "baseChanged"
    BASE_INSERTED = "baseInserted"
    FORM_CHANGED = "formChanged"
    VALUE_ADDED = "valueAdded"
    VALUE_REMOVED = "valueRemoved"
    FIELD_ADDED = "fieldAdded"
    REQUIRED_ADDED = "requiredFieldAdded"
    FIELD_REMOVED = "fieldRemoved"
    REQUIRED_REMOVED = "requiredFieldRemoved"
    BECAME_REQUIRED = "becameRequired"
    BECAME_OPTIONAL = "becameOptional"
    BECAME_ARRAY = "becameArray"
    BECAME_SINGLE = "becameSingle"
    TYPE_WIDENED = "typeWidened"
    TYPE_NARROWED = "typeNarrowed"
    TYPE_RAISED = "typeRaised"
    TYPE_LOWERED = "typeLowered"
    TYPE_REPLACED = "typeReplaced"
    ORDER_CHANGED = "orderChanged"


class Position(StrEnum):
    """Where a client meets a type: in what it sends, in what it receives."""

    SENT = "sent"
    RECEIVED = "received"


SENT = frozenset({Position.SENT})
RECEIVED = frozenset({Position.RECEIVED})


class Change(NamedTuple):
    """What differs, where (`Type.field`, `Method.parameter`, `Method/Fault`), how it was and is; empty: not there.

    No positions: it is about a call as a whole.
    """

    kind: Kind
    path: str
    old: str
    new: str
    positions: AbstractSet[Position] = frozenset()
