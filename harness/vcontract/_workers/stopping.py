"""Ends a walk well: before its next call, once, whoever asks and however often."""

from __future__ import annotations

from vcontract._client import Recorder


class Stopping:
    """Takes the wish that a walk end, from a signal handler or from any thread, also before the walk has begun."""

    def __init__(self) -> None:
        self.asked = False
        self._recorder: Recorder | None = None

    def watch(self, recorder: Recorder) -> None:
        """Name the recorder of the walk: its next call does not begin once `ask` was called."""
        self._recorder = recorder
        if self.asked:
            recorder.stop()

    def ask(self, *_: object) -> None:
        """Let the walk end; what follows it, such as restoring VMs, is left in peace."""
        if not self.asked:
            self.asked = True
            if self._recorder is not None:
                self._recorder.stop()

    def insist(self) -> None:
        """Let the walk, or what follows it, end before its next call, however often that was asked."""
        self.asked = True
        if self._recorder is not None:
            self._recorder.stop()
