"""vCenter loses a host, and finds it again."""

from __future__ import annotations

from typing import Any, ClassVar

from vcontract.disturbances.system.disturbance import Ground, NotStruckError, Strike, System


class HostLost(System, frozen=True, kw_only=True):
    """Disconnect a host that may be, and connect it again."""

    needs: ClassVar[tuple[str, ...]] = ("host",)

    def lacks(self, ground: Ground) -> str:
        """Need a host that may be disconnected."""
        return "" if ground.hosts else "the configuration names no host that may be disconnected"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Disconnect one."""
        if not strike.ground.hosts:
            raise NotStruckError(self.lacks(strike.ground))
        host = strike.rng.choice(strike.ground.hosts)
        strike.struck = host  # also if the answer is lost: then it is connected again all the same
        strike.ground.do(host, "DisconnectHost_Task")
        return {"host": host.value}

    def heal(self, strike: Strike) -> dict[str, Any]:
        """Connect it again, unless it is connected."""
        if strike.struck is None:
            return {}
        if strike.ground.shows(strike.struck, "runtime.connectionState") != "connected":
            strike.ground.do(strike.struck, "ReconnectHost_Task")
        host, strike.struck = strike.struck, None
        return {"host": host.value}
