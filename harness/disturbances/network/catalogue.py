"""The disturbances of the path by name."""

from __future__ import annotations

from harness.disturbances.network.bandwidth import Bandwidth
from harness.disturbances.network.disturbance import Network
from harness.disturbances.network.duplicate import Duplicate
from harness.disturbances.network.half_reply import HalfReply
from harness.disturbances.network.jitter import Jitter
from harness.disturbances.network.latency import Latency
from harness.disturbances.network.quota import Quota
from harness.disturbances.network.reordering import Reordering
from harness.disturbances.network.reset_after import ResetAfter
from harness.disturbances.network.reset_before import ResetBefore
from harness.disturbances.network.slow_loris import SlowLoris

NETWORK: dict[str, type[Network]] = {
    "quota": Quota,
    "reset-before": ResetBefore,
    "reset-after": ResetAfter,
    "half-reply": HalfReply,
    "reordering": Reordering,
    "duplicate": Duplicate,
    "latency": Latency,
    "jitter": Jitter,
    "bandwidth": Bandwidth,
    "slow-loris": SlowLoris,
}
"""Where several work on one message, they do in this order: what is held or cut is so before it is slowed."""
