"""The numbers by which disturbances are told how hard to strike, and the one base of all parameters."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=3600)]
Size = Annotated[int, Meta(ge=1)]
Chance = Annotated[float, Meta(gt=0, le=1)]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a scenario may say of one disturbance beside its times; each field is a key of its table."""
