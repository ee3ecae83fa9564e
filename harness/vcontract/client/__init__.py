"""Everything that talks to a server; nothing here judges."""

from vcontract.client.actors import NOBODY, STRANGER
from vcontract.client.guard import Guard, Occupancy
from vcontract.client.logins import Logins
from vcontract.client.marks import Marks
from vcontract.client.pacing import Pacing, SpentError
from vcontract.client.recorder import Recorder
from vcontract.client.secrets import Secrets
from vcontract.client.session import Target
from vcontract.client.trust import Trust
from vcontract.client.wire import Limits

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
