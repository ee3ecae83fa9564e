"""VMware Tools come up some time after the guest has booted, in the steps that `guest` shows."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vcontract._simulator.guest.state import ToolsPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.guest.state import GuestState
    from vcontract._simulator.timeline import Handle, Timeline

# Share of the boot time after which each phase is reached; a real guest is ready last of all, after Tools run.
Steps = Sequence[tuple[float, ToolsPhase]]
STEPS: Steps = ((0.5, ToolsPhase.EXECUTING_SCRIPTS), (0.8, ToolsPhase.RUNNING), (1.0, ToolsPhase.READY))
REPORTED = {
    ToolsPhase.EXECUTING_SCRIPTS: "guestToolsExecutingScripts",
    ToolsPhase.RUNNING: "guestToolsRunning",
    ToolsPhase.READY: "guestToolsRunning",
}


class Tools:
    """Drives the Tools of one virtual machine through their phases.

    `boot` gives for one boot after how many seconds a share of it is over, `steps` are as STEPS.
    """

    def __init__(
        self,
        timeline: Timeline,
        boot: Callable[[], Callable[[float], float]],
        reached: Callable[[ToolsPhase], None],
        steps: Steps = STEPS,
    ) -> None:
        self._timeline = timeline
        self._boot = boot
        self._reached = reached
        self._steps = steps
        self._agenda: list[Handle] = []

    def start(self, state: GuestState) -> None:
        """Start the Tools with the guest, unless they were never installed."""
        self.freeze()
        if state.tools is ToolsPhase.ABSENT:
            return
        state.tools = ToolsPhase.BOOTING
        moment = self._boot()
        for share, phase in self._steps:
            self._agenda.append(self._timeline.after(moment(share), functools.partial(self._reached, phase)))

    def resume(self, state: GuestState) -> None:
        """Continue from a copy of memory: ready Tools stay ready, stopped ones stopped, others start again."""
        self.freeze()
        if state.tools not in {ToolsPhase.STOPPED, ToolsPhase.READY}:
            self.start(state)

    def stop(self, state: GuestState) -> None:
        """Stop until the next boot."""
        self.freeze()
        if state.tools is not ToolsPhase.ABSENT:
            state.tools = ToolsPhase.STOPPED

    def freeze(self) -> None:
        """Cancel the next steps, as the machine is off, suspended or removed."""
        for handle in self._agenda:
            handle.cancel()
        self._agenda.clear()
