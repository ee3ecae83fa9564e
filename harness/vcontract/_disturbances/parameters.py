"""The types of the parameters by which a scenario sets a disturbance, and their common base."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=3600)]
Size = Annotated[int, Meta(ge=1)]
Chance = Annotated[float, Meta(gt=0, le=1)]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parameters of one disturbance, apart from its times; each field is a key of its table in a scenario."""
