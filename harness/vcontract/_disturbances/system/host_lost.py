"""vCenter loses a host, and finds it again."""

from __future__ import annotations

from typing import Any, ClassVar

from vcontract._disturbances.system.disturbance import NotSentError, NotStruckError, Strike, StrikeContext, System


class HostLost(System, frozen=True, kw_only=True):
    """Disconnect a host that may be, and connect it again."""

    needs: ClassVar[tuple[str, ...]] = ("host",)

    def lacks(self, context: StrikeContext) -> str:
        """Need a host that may be disconnected."""
        return "" if context.hosts else context.kept or "the configuration names no host that may be disconnected"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Disconnect one."""
        if not strike.context.hosts:
            raise NotStruckError(self.lacks(strike.context))
        host = strike.rng.choice(strike.context.hosts)
        strike.struck = host  # also if the answer is lost: then it is connected again all the same
        try:
            strike.context.do(host, "DisconnectHost_Task")
        except NotSentError:
            strike.struck = None
            raise
        return {"host": host.value}

    def heal(self, strike: Strike) -> dict[str, Any]:
        """Connect it again, unless it is connected."""
        if strike.struck is None:
            return {}
        if strike.context.shows(strike.struck, "runtime.connectionState") != "connected":
            strike.context.do(strike.struck, "ReconnectHost_Task")
        host, strike.struck = strike.struck, None
        return {"host": host.value}
