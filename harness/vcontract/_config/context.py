"""What is known of a run under way beside what was asked of it."""

from __future__ import annotations

import msgspec

from vcontract._model import Pinned
from vcontract._report.deviations import Listed


class RunContext(msgspec.Struct, frozen=True):
    """What was worked out for a run, not asked.

    `run` is the mark of what it makes, `claimant` the name in which VMs are claimed (empty: that mark), `report` its directory,
    `replay` the command that repeats it. `pinned` is what a profile adds to the documents, `known` are the deviations that do
    not count, `rows` and `methods` are what was selected of that which was asked for (none: all of it). `former` says that no
    server answers, but a recording of a version that did not ask which VMs are on a host.
    """

    run: str = ""
    claimant: str = ""
    report: str = ""
    replay: str = "vcontract run"
    pinned: Pinned | None = None
    known: Listed = Listed()
    rows: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ()
    former: bool = False
