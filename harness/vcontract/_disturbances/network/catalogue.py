"""The disturbances of the path by name."""

from __future__ import annotations

from vcontract._disturbances.network.bandwidth import Bandwidth
from vcontract._disturbances.network.disturbance import Network
from vcontract._disturbances.network.duplicate import Duplicate
from vcontract._disturbances.network.half_reply import HalfReply
from vcontract._disturbances.network.jitter import Jitter
from vcontract._disturbances.network.latency import Latency
from vcontract._disturbances.network.quota import Quota
from vcontract._disturbances.network.reordering import Reordering
from vcontract._disturbances.network.reset_after import ResetAfter
from vcontract._disturbances.network.reset_before import ResetBefore
from vcontract._disturbances.network.slow_loris import SlowLoris

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
"""If several apply to one message, they apply in this order: it is held or cut first, then slowed."""
