"""What Hypothesis draws for tests of a client or of a server: specifications, guest logins, broken requests.

The names of `__all__` are public, and the page `docs/api.md` describes them.
"""

from vcontract._strategies.public import (
    BrokenRequest,
    broken_requests,
    customization_specs,
    guest_authentications,
)

__all__ = ["BrokenRequest", "broken_requests", "customization_specs", "guest_authentications"]
