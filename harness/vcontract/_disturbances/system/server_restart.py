"""The server stops and starts again."""

from __future__ import annotations

from typing import Any

from vcontract._disturbances.system.disturbance import NotStruckError, Strike, StrikeContext, System


class ServerRestart(System, frozen=True, kw_only=True):
    """Restart the server; only one that the harness started itself."""

    def lacks(self, context: StrikeContext) -> str:
        """Need a server that the harness started."""
        return "" if context.restart is not None else "only a server that vcontract started itself can be restarted"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Restart it; returns once it serves again."""
        if strike.context.restart is None:
            raise NotStruckError(self.lacks(strike.context))
        strike.context.restart()
        return {}
