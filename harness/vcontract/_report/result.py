"""The result of a run, as `run.json` holds it (schema `vcontract.run/1`), and how it is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from vcontract import __version__
from vcontract._check.latencies import Latency
from vcontract._errors import RunFileError
from vcontract._json_file import read_json
from vcontract._terms import Finding, Json, RowVerdict, Verdict

if TYPE_CHECKING:
    from pathlib import Path


SCHEMA = "vcontract.run/1"
RUN_FILE = "run.json"
DOCUMENTED = "documented"
"""The profile of a run that judges by the documents alone."""


class TargetFacts(msgspec.Struct, frozen=True):
    """What was tested: its URL, the API version spoken, its build and its product name (AboutInfo)."""

    url: str
    api_version: str = ""
    build: str = ""
    product: str = ""


class Arrangements(msgspec.Struct, frozen=True):
    """How often states were arranged for cells: the fewest in any order of them, as planned, and as done."""

    least: int = 0
    planned: int = 0
    made: int = 0


class Cells(msgspec.Struct, frozen=True):
    """How many cells could be reached on this target, and how many were exercised.

    `seen` are the ids of the cells that were exercised, `unseen` of those that could be reached and were not, `unreachable`
    of those that could not, by the reason (the lever that is missing, the call that the target refused).
    """

    reachable: int = 0
    exercised: int = 0
    seen: list[str] = []
    unseen: list[str] = []
    unreachable: dict[str, list[str]] = {}
    arrangements: Arrangements = Arrangements()


class Worker(msgspec.Struct, frozen=True):
    """One of several workers: the file of its history, what it sent, how many seconds it worked, and how it died.

    `died` is empty if it ended normally.
    """

    history: str
    calls: int = 0
    requests: int = 0
    seconds: float = 0.0
    died: str = ""


class Explored(msgspec.Struct, frozen=True):
    """How many programs were executed beyond the plan, how many of their moves were made, how many left out as impossible."""

    programs: int = 0
    moves: int = 0
    left_out: int = 0


class Clones(msgspec.Struct, frozen=True):
    """How many VMs the run made, and the names of those that it could not destroy."""

    made: int = 0
    left: list[str] = []


class Stress(msgspec.Struct, frozen=True):
    """What many clients did at once: how many, on how many VMs, for how long (seconds), and how long answers took.

    `legal` counts the VMs by whether their history has a legal order; `lost` the calls without a usable answer; `histories`
    are the files that were judged, relative to the run directory. `scenario` names the disturbances (empty: none), `fired`
    counts them. `unsure` lists reasons why the run is inconclusive, even if its histories conform. `fail_if`
    are the thresholds that were asked for, `crossed` those by which the run fails, with what was measured.
    """

    clients: int
    vms: int
    seconds: float
    latencies: list[Latency] = []
    legal: dict[str, int] = {}
    lost: int = 0
    histories: list[str] = []
    scenario: str = ""
    fired: dict[str, int] = {}
    unsure: list[str] = []
    fail_if: list[str] = []
    crossed: dict[str, str] = {}


class KnownDeviations(msgspec.Struct, frozen=True):
    """The known deviations of a run: by fingerprint, the reasons of those seen (`known`), and why others are stale or expired.

    `rows` are the rows that violate by known deviations alone. `file` is empty if there is none. `outdated` are ids of
    version 0.1.0 for which findings stand that have others now.
    """

    file: str = ""
    known: dict[str, str] = {}
    stale: dict[str, str] = {}
    expired: dict[str, str] = {}
    rows: list[str] = []
    outdated: dict[str, str] = {}


class RunResult(msgspec.Struct, frozen=True):
    """The content of `run.json`; the field names are fixed.

    `inputs` tells, by method, how many of the types, positions and constraints of its arguments were exercised, of how
    many. `calls` counts judged calls, `requests` all; `sharpness` says how sharp the predictions were; `waived` are untested
    rows that the configuration excuses, with its reason; `started` is UTC in ISO 8601, `seconds` the length of the run.
    `workers` is empty if one process did it all; `stress` is of a run of many clients at once. `profile` is the file of what
    was learned of a target, by which the run was judged exactly, or `documented`. `version` is that of the vcontract that
    judged it, empty if the file does not say. `slowest` has, by what it was, the most seconds that a task or a change of a VM
    was seen to take; `idle_reads` counts the requests that could tell nothing new. `partial` says how far a run came that did
    not come to its end, and what ended it. `request` records all that was asked of the run, without a password.
    """

    verdict: Verdict
    exit_code: int
    seed: int
    calls: int
    requests: int
    target: TargetFacts
    rows: list[RowVerdict] = []
    cells: Cells = Cells()
    explored: Explored = Explored()
    findings: list[Finding] = []
    sharpness: dict[str, Json] = {}
    inputs: dict[str, dict[str, tuple[int, int]]] = {}
    replay: str = ""
    notes: list[str] = []
    waived: dict[str, str] = {}
    started: str = ""
    seconds: float = 0.0
    workers: list[Worker] = []
    clones: Clones = Clones()
    stress: Stress | None = None
    profile: str = DOCUMENTED
    deviations: KnownDeviations = KnownDeviations()
    slowest: dict[str, float] = {}
    idle_reads: int = 0
    partial: str = ""
    request: dict[str, Json] = {}
    schema: str = SCHEMA
    version: str = __version__


def load_run(path: Path) -> RunResult:
    """Read the result of a saved run from its directory (or from its `run.json`).

    Raises RunFileError, in one line, if it is missing, truncated or of another format.
    """
    whole = path.is_dir()
    file = path / RUN_FILE if whole else path
    return read_json(file, RunResult, SCHEMA, RunFileError, absent="no saved run", saved=whole)
