"""The file of a learned profile (schema `vcontract.profile/1`): what one target answers where the documents leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from vcontract import __version__
from vcontract._errors import UsageError
from vcontract._json_file import read_json

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "vcontract.profile/1"
SUCCESS = "Success"
"""The name of an answer that is no fault."""
REPEATS = 2
"""An answer that came this often, and no other one, is pinned for runs that are judged by the profile."""

SAMPLES = 64
"""At most this many durations of one outcome are kept."""


class Observed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """One answer: the fault's type or `Success`, through which channel (call, task), how often."""

    fault: str
    channel: str
    count: Annotated[int, Meta(ge=0, le=1_000_000)]

    def text(self) -> str:
        """Write it without the count: `InvalidState (call)`."""
        return f"{self.fault} ({self.channel})"


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came where some conditions held: `id` is that of the cell, `permitted` what the documents allow there.

    `conditions` are the deviations from a valid call, none for one; `~` marks in `permitted` what is imprecise, `?` what no
    source settles.
    """

    id: str
    method: str
    conditions: tuple[str, ...]
    observed: tuple[Observed, ...]
    permitted: tuple[str, ...] = ()

    @property
    def sole(self) -> Observed | None:
        """The answer that always came; None if several did."""
        return self.observed[0] if len(self.observed) == 1 else None


class Precedence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where both conditions hold, the `winner` is what the answer is about."""

    method: str
    winner: str
    loser: str
    fault: str
    channel: str


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a fault came in the answer of a call of the method, and how often as the error of its task."""

    method: str
    fault: str
    call: int
    task: int


class Settled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question that the documents leave open, by the answer's id, and what the target says to it."""

    question: str
    id: str
    answers: tuple[str, ...]


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many seconds an outcome took: of a call its round trip, of a task the time from its queueing to its end.

    A task's times are the server's own, where it tells them. `seconds` are the shortest to the longest, or `SAMPLES` of them
    at even distances.
    """

    method: str
    outcome: str
    channel: str
    count: int
    median: float
    p95: float
    seconds: tuple[float, ...] = ()


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked: URL, API version spoken, build, product name."""

    url: str
    api_version: str = ""
    build: str = ""
    product: str = ""


class Automaton(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Mealy machine: `states[n][input]` is the answer there and the next state; 0 is the first.

    `varied` are inputs that left the alphabet, with the answers that came in one and the same place.
    """

    states: tuple[dict[str, tuple[str, int]], ...]
    varied: dict[str, tuple[str, ...]] = {}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The alphabet."""
        return tuple(self.states[0]) if self.states else ()


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that was learned of a target.

    `complete`: every cell that can be reached was exercised. `left` counts those that were not, by the reason. Only `answers`
    is read by a run; the rest is derived from it, for people and for comparisons. `automaton` is what `--explore` learned.
    `version` is that of the vcontract that wrote it, empty if the file does not say.
    """

    contract: str
    target: Target
    seed: int
    answers: tuple[Answer, ...] = ()
    precedence: tuple[Precedence, ...] = ()
    channels: tuple[Channel, ...] = ()
    open: tuple[Settled, ...] = ()
    latency: tuple[Latency, ...] = ()
    automaton: Automaton | None = None
    complete: bool = True
    left: dict[str, int] = {}
    calls: int = 0
    started: str = ""
    schema: str = SCHEMA
    version: str = __version__


def encode_profile(profile: Profile) -> bytes:
    """Give the text of a profile's file; whoever wrote it before, this version does now."""
    return msgspec.json.format(msgspec.json.encode(replace(profile, version=__version__))) + b"\n"


def load_profile(file: Path) -> Profile:
    """Read a profile. Raises UsageError, in one line, if it is missing, truncated, of another format, or has a key too many."""
    return read_json(
        file, Profile, SCHEMA, UsageError, absent="no profile", hint="; vcontract learn --out FILE makes one"
    )
