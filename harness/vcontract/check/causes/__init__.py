"""Why a call was answered wrongly: what was unusual about it and its VM, by which findings are told apart."""

from vcontract.check.causes.gather import (
    FingerprintSource,
    Gathered,
    fingerprint,
    former_id,
    gathered,
    named,
    provisional_id,
)
from vcontract.check.causes.unusual import Causes

__all__ = [
    "Causes",
    "FingerprintSource",
    "Gathered",
    "fingerprint",
    "former_id",
    "gathered",
    "named",
    "provisional_id",
]
