"""The disturbances of the path by name."""

from __future__ import annotations

from vcontract.disturbances.network.bandwidth import Bandwidth
from vcontract.disturbances.network.disturbance import Network
from vcontract.disturbances.network.duplicate import Duplicate
from vcontract.disturbances.network.half_reply import HalfReply
from vcontract.disturbances.network.jitter import Jitter
from vcontract.disturbances.network.latency import Latency
from vcontract.disturbances.network.quota import Quota
from vcontract.disturbances.network.reordering import Reordering
from vcontract.disturbances.network.reset_after import ResetAfter
from vcontract.disturbances.network.reset_before import ResetBefore
from vcontract.disturbances.network.slow_loris import SlowLoris

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
