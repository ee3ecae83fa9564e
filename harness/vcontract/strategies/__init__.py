"""Types to values to calls: valid ones and broken ones, each labelled with what it breaks.

What this module exports is public, and the page `docs/api.md` describes it: the strategies that tests of users draw from. The
rooms of this package import from the modules beside it.
"""

from vcontract.strategies.public import (
    BrokenRequest,
    broken_requests,
    customization_specs,
    guest_authentications,
)

__all__ = ["BrokenRequest", "broken_requests", "customization_specs", "guest_authentications"]
