"""Why a call was answered wrongly: what was unusual about it and its VM, by which findings are told apart."""

from vcontract._check.causes.gather import (
    FingerprintSource,
    Gathered,
    fingerprint,
    former_id,
    gathered,
    named,
    provisional_id,
)
from vcontract._check.causes.unusual import Causes

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
