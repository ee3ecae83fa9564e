"""The load of a stress run."""

from __future__ import annotations

import msgspec

from vcontract._stress.mix import Mix


class Load(msgspec.Struct, frozen=True):
    """A load: `clients` on `vms` for `seconds`, whose steps are drawn from `mix`.

    `rate` is how many steps all clients together begin in a second (0: each begins one as soon as it has ended the last).
    `share` says which of how many workers this is: each has VMs and clients of its own. `disturb` names a scenario.
    `fail_if` are the thresholds that make the run fail.
    """

    clients: int = 8
    vms: int = 4
    seconds: float = 60.0
    rate: float = 0.0
    mix: Mix = Mix()
    disturb: str = ""
    share: tuple[int, int] = (0, 1)
    fail_if: tuple[str, ...] = ()

    @property
    def actors(self) -> tuple[str, ...]:
        """The names of this worker's clients, different from those of other workers; it may get fewer clients than names."""
        number, workers = self.share
        begin = f"w{number + 1}" if workers > 1 else ""
        return tuple(f"{begin}c{client + 1}" for client in range(-(-self.clients // workers)))
