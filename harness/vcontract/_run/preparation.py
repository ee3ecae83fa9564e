"""What is prepared for a run before it starts, beside what is asked of it."""

from __future__ import annotations

import msgspec

from vcontract._client import Logins
from vcontract._config.context import RunContext
from vcontract._model import Pinned
from vcontract._report.deviations import Listed
from vcontract._run.interrupted_run import InterruptedRun
from vcontract._run.recorded_run import Recorded
from vcontract._terms import Finding


class Preparation(msgspec.Struct, frozen=True):
    """What a run starts with and its request does not hold; nothing of it is written down or sent.

    `password` is that of the account that the request names, `replay` the command that repeats the run. `pinned` is what a
    profile adds to the documents, `known` are the deviations that do not count. With `interrupted` a run goes on that
    was cut, with `finding` that one alone is replayed, `recorded` answers in the place of a server. `proxy` is used in the
    configuration's stead, `defects` are planted in a simulator that is started. `logins` know what became
    of every login. VMs are claimed in the name of `claimant`; empty: of the run.
    """

    password: str = ""
    replay: str = "vcontract run"
    pinned: Pinned | None = None
    known: Listed = Listed()
    interrupted: InterruptedRun | None = None
    finding: Finding | None = None
    recorded: Recorded | None = None
    proxy: str = ""
    defects: frozenset[str] = frozenset()
    logins: Logins = msgspec.field(default_factory=Logins)
    claimant: str = ""

    def __repr__(self) -> str:
        """Leave the password out: a traceback may show it."""
        return f"Preparation({self.replay!r})"


PLAIN = Preparation()
"""Nothing but the request is known of a run."""


def context_of(preparation: Preparation) -> RunContext:
    """Give the context of a run, as far as it is known before the run has a directory."""
    recorded = preparation.recorded
    former = recorded is not None and not recorded.recording.opening.version  # 0.1.0 and before name no version
    return RunContext(
        claimant=preparation.claimant,
        replay=preparation.replay,
        pinned=preparation.pinned,
        known=preparation.known,
        former=former,
    )
