"""Everything that talks to a server; nothing here judges."""

from harness.target.recorder import Recorder
from harness.target.secrets import Secrets
from harness.target.session import NOBODY, STRANGER, Target
from harness.target.wire import Limits

__all__ = ["NOBODY", "STRANGER", "Limits", "Recorder", "Secrets", "Target"]
