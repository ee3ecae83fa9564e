"""The one retry that oracle promise F4 allows: of a customization that was refused after an abort that succeeded."""

from vcontract._check.once_more.first_refusals import note_first_refusals
from vcontract._check.once_more.retries import Retries

__all__ = ["Retries", "note_first_refusals"]
