"""Everything that talks to a server; nothing here judges."""

from harness.target.actors import NOBODY, STRANGER
from harness.target.guard import Guard
from harness.target.marks import Marks
from harness.target.pacing import Pacing, SpentError
from harness.target.recorder import Recorder
from harness.target.secrets import Secrets
from harness.target.session import Target
from harness.target.trust import Trust
from harness.target.wire import Limits

__all__ = [
    "NOBODY",
    "STRANGER",
    "Guard",
    "Limits",
    "Marks",
    "Pacing",
    "Recorder",
    "Secrets",
    "SpentError",
    "Target",
    "Trust",
]
