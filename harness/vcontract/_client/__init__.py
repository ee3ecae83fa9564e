"""Everything that talks to a server; nothing here judges."""

from vcontract._client.actors import NOBODY, STRANGER
from vcontract._client.guard import Guard, Occupancy
from vcontract._client.logins import Logins
from vcontract._client.marks import Marks
from vcontract._client.pacing import Pacing, SpentError
from vcontract._client.recorder import Recorder
from vcontract._client.secrets import Secrets
from vcontract._client.session import Target
from vcontract._client.trust import Trust
from vcontract._client.wire import Limits

__all__ = [
    "NOBODY",
    "STRANGER",
    "Guard",
    "Limits",
    "Logins",
    "Marks",
    "Occupancy",
    "Pacing",
    "Recorder",
    "Secrets",
    "SpentError",
    "Target",
    "Trust",
]
