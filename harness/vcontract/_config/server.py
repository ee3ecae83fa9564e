"""What the operator says of a server that the run itself starts (`[server]` in vcontract.toml)."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server under test is started, and when it is ready; nothing is started without `start`."""

    start: Annotated[
        tuple[str, ...],
        Meta(
            description="Program and arguments, no shell, that serve the target, a loopback address whose port is free before."
            " They stay in the foreground, and are stopped at the end with all that they started."
        ),
    ] = ()
    ready: Annotated[
        str | float,
        Meta(
            description="When it is ready: a regular expression that a line of its output matches, or seconds from when it"
            " listens. Default: once it listens."
        ),
    ] = 0.0
    within: Annotated[float, Meta(ge=0.1, description="Seconds in which it must be ready.")] = 60.0
    restarts: Annotated[
        int,
        Meta(ge=0, description="How often it is started again in one run after it died or hung; then the run ends."),
    ] = 100
    adopt: Annotated[
        str,
        Meta(
            max_length=500,
            description="VMs that are marked each time it was started, a shell pattern of their names: for servers that forget"
            " their marks. None if empty.",
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Want something to start, and a pattern that can be understood."""
        if self.start and not self.start[0]:
            raise ValueError("[server] start begins with the name of no program")
        if not self.start and (self.ready, self.within, self.restarts, self.adopt) != (0.0, 60.0, 100, ""):
            raise ValueError("[server] needs start, the program that serves the target and its arguments")
        if isinstance(self.ready, str):
            try:
                re.compile(self.ready)
            except re.error as error:
                raise ValueError(f"[server] ready is no regular expression: {error}") from error
        elif self.ready < 0:
            raise ValueError("[server] ready: seconds must not be negative")
