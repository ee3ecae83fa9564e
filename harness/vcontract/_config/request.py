"""What is asked of a run: here alone each option of `vcontract run` is written down.

From these declarations the command line and the pytest plugin make their options, recordings and histories know what to
keep, and printed_command.py writes the command that repeats a run. Whoever imports this file imports nothing else of the
project.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec.structs import fields, replace

MANAGER = "VirtualMachineGuestCustomizationManager"
"""The contract that is judged where none is named."""
SIMULATOR = "simulator"
"""The target that says in words what no target says without a configuration: the simulator is started."""
DOCUMENTED = "documented"
"""The profile that says in words what no profile says: the run is judged by the documents."""
FULL = "full"
"""The level of risk at which marked VMs are disturbed in every way that a run knows."""
REPLAY = "replay:"
"""A target that begins so is a file, not a server."""


class Option(msgspec.Struct, frozen=True):
    """How a field of RunRequest is said on a command line.

    `name` is the option's where it is not the field's, `min` and `max` bound the value. An `open` option means something
    else if it is left out than if its default is given. What `decides` which requests are sent is kept by a recording, what
    `repeats` a run is part of the command that does so. `pytest` says whether the pytest plugin offers it, `pytest_help` what
    it says there if it takes less there. `short` is a second name, of one letter,
    `environment` a variable that says it where the command line does not: never for what is sent, or to whom.
    """

    help: str
    name: str = ""
    metavar: str = ""
    min: float | None = None
    max: float | None = None
    open: bool = False
    decides: bool = False
    repeats: bool = False
    pytest: bool = False
    pytest_help: str = ""
    short: str = ""
    environment: str = ""


class Budget(msgspec.Struct, frozen=True):
    """How much shrinking may cost: attempts for one finding, seconds for all (0: only the limit of time of the run counts).

    A finding for which that was not enough has a provisional id. A slow server with many findings must not be kept for hours.
    """

    attempts: int = 48
    seconds: float = 600.0


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """All that is asked of a run; no password is part of it. Limits of 0 are none, no methods are all of them.

    Without a `target` the embedded simulator is started, of version `api`. With `complete`, a proof for so many states more
    than the model, on an `alphabet` (empty: the default one). `explore` is how many programs are executed after the plan,
    with `explore_only` without it. The fields without an Option are asked for by code alone.
    """

    target: Annotated[
        str,
        Option(
            "URL of the SDK, govc for GOVC_URL, replay:FILE for a recording; none, or simulator: that is started.",
            repeats=True,
            pytest=True,
            pytest_help="URL of the SDK, govc for GOVC_URL; none, or simulator: that is started.",
        ),
    ] = ""
    username: Annotated[str, Option("Account with all privileges.", pytest=True)] = ""
    password_file: Annotated[
        Path | None, Option("File whose first line is the password (or VCONTRACT_PASSWORD).", pytest=True)
    ] = None
    insecure: Annotated[bool, Option("Do not verify the certificate.", pytest=True)] = False
    config: Annotated[
        Path | None,
        Option("vcontract.toml: accounts, VMs, levers, limits, waivers.", repeats=True, pytest=True),
    ] = None
    contract: Annotated[
        str,
        Option("The managed object whose contract is judged.", open=True, decides=True, repeats=True, pytest=True),
    ] = MANAGER
    methods: Annotated[
        tuple[str, ...],
        Option("Only this method; may be repeated.", name="method", decides=True, repeats=True, pytest=True),
    ] = ()
    wsdl: Annotated[str, Option("A WSDL of your own, path or URL.", decides=True, repeats=True, pytest=True)] = ""
    seed: Annotated[
        int,
        Option(
            "Repeats a run of the same build.", min=0, max=2**63 - 1, open=True, decides=True, repeats=True, pytest=True
        ),
    ] = 0
    max_calls: Annotated[int, Option("Judge at most so many calls.", min=0, decides=True, pytest=True)] = 0
    time_limit: Annotated[float, Option("Seconds.", min=0, decides=True, pytest=True)] = 0.0
    risk: Annotated[
        str,
        Option(
            "How much may be disturbed: observe, refusals, clones or full; none: full on vcontract's own simulator,"
            " refusals elsewhere.",
            metavar="LEVEL",
            decides=True,
            repeats=True,
            pytest=True,
        ),
    ] = ""
    budget: Annotated[
        str,
        Option(
            "Time for the whole run, as 90s, 10m or 2h: the most valuable steps; says what is left out.", metavar="TIME"
        ),
    ] = ""
    min_coverage: Annotated[
        float,
        Option(
            "Exit 5 if fewer of the reachable cells were exercised.",
            metavar="PERCENT",
            min=0,
            max=100,
            repeats=True,
            pytest=True,
        ),
    ] = 0.0
    report_dir: Annotated[Path, Option("Holds one folder a run.", pytest=True, environment="VCONTRACT_REPORT_DIR")] = (
        Path("reports")
    )
    output: Annotated[str, Option("text or json.", name="format")] = "text"
    outputs: Annotated[
        tuple[str, ...],
        Option(
            "Write the run as text, json, ndjson, markdown, html, junit, github, gitlab or har, too; may be repeated.",
            name="output",
            metavar="FORMAT=FILE",
            environment="VCONTRACT_OUTPUT",
        ),
    ] = ()
    verbose: Annotated[
        bool,
        Option("Tell every row, every note and each finding in full.", short="-v", environment="VCONTRACT_VERBOSE"),
    ] = False
    quiet: Annotated[bool, Option("Tell the verdict alone.", short="-q", environment="VCONTRACT_QUIET")] = False
    api: Annotated[str, Option("API version of the simulator that is started.", repeats=True, pytest=True)] = ""
    cells: Annotated[bool, Option("List every cell and what became of it.")] = False
    workers: Annotated[int, Option("So many processes share the work, each with VMs of its own.", min=1)] = 1
    lanes: Annotated[int, Option("So many VMs at once, in one process; 1: one after the other.", min=0)] = 0
    resume: Annotated[
        Path | None, Option("Go on with a run that was cut, without repeating what it did.", metavar="RUN")
    ] = None
    complete: Annotated[
        int | None,
        Option(
            "Find every deviation with K states more than the model.", metavar="K", min=0, decides=True, repeats=True
        ),
    ] = None
    alphabet: Annotated[
        tuple[str, ...],
        Option(
            "An input of --complete: a deviation of a call, or a move; may be repeated.", decides=True, repeats=True
        ),
    ] = ()
    explore: Annotated[
        int, Option("After the plan, N random programs of moves.", metavar="N", min=0, decides=True, repeats=True)
    ] = 0
    explore_only: Annotated[bool, Option("With --explore: leave the plan out.", decides=True, repeats=True)] = False
    record: Annotated[
        Path | None,
        Option("Write every exchange, without a secret, for --target replay:FILE.", metavar="FILE"),
    ] = None
    profile: Annotated[
        Path | None,
        Option(
            "Judge exactly, by what `learn` wrote of a target; none: documented.",
            metavar="FILE",
            repeats=True,
            pytest=True,
        ),
    ] = None
    dry_run: Annotated[
        bool, Option("Print the plan: which calls on which VMs, how many, how long; send reads alone.")
    ] = False
    deviations: Annotated[
        Path | None,
        Option(
            "File of known deviations; none: deviations.toml beside the configuration, if it is there.", pytest=True
        ),
    ] = None
    accept: Annotated[bool, Option("List what is found as known; needs --reason.")] = False
    reason: Annotated[str, Option("Why what is accepted is lived with.")] = ""
    break_claim: Annotated[
        bool, Option("Take VMs from whoever claims them: another run, which then stops.", pytest=True)
    ] = False
    shrink: Budget = Budget()
    stop_at_first: bool = False


class Declaration(msgspec.Struct, frozen=True):
    """An option as the code finds it: the field, the type of its value, its default, and what was declared of it."""

    field: str
    kind: Any
    default: object
    option: Option

    @property
    def name(self) -> str:
        """The option's name, without the dashes before it."""
        return self.option.name or self.field.replace("_", "-")

    @property
    def is_list(self) -> bool:
        """Whether it may be given several times."""
        return get_origin(self.kind) is tuple

    @property
    def number(self) -> type[int | float] | None:
        """The type of its value if that is a number."""
        among = {self.kind, *get_args(self.kind)}
        return next((kind for kind in (int, float) if kind in among), None)


def _declarations() -> dict[str, Declaration]:
    declared: dict[str, Declaration] = {}
    for field in fields(RunRequest):
        kind, *metadata = get_args(field.type) if get_origin(field.type) is Annotated else (field.type,)
        for option in metadata:
            if isinstance(option, Option):
                declared[field.name] = Declaration(field.name, kind, field.default, option)
    return declared


DECLARED = _declarations()
"""Every option of `vcontract run`, by its field, in the order in which the help lists them."""
DECIDING = tuple(name for name, declared in DECLARED.items() if declared.option.decides)
"""The fields that decide which requests are sent."""


def record_of(request: RunRequest) -> dict[str, Any]:
    """Give a request as JSON's types, whole."""
    record: dict[str, Any] = msgspec.to_builtins(request, enc_hook=encode_path)
    return record


def request_of(record: Mapping[str, Any]) -> RunRequest:
    """Make a request of values by field; None and an empty text are no value. Raises msgspec.ValidationError.

    Other keys are passed over: a later version may ask for more.
    """
    stated = {name: value for name, value in record.items() if value is not None and value != ""}
    return msgspec.convert(stated, RunRequest, dec_hook=decode_path)


def with_whole_paths(request: RunRequest) -> RunRequest:
    """Give a request whose files are named by whole paths: what is kept or printed of it means the same in every folder."""
    wsdl = request.wsdl if not request.wsdl or "://" in request.wsdl else str(Path(request.wsdl).absolute())
    recording = request.target.removeprefix(REPLAY)
    return replace(
        request,
        target=f"{REPLAY}{Path(recording).absolute()}" if recording != request.target else request.target,
        config=request.config and request.config.absolute(),
        profile=request.profile
        and (request.profile if str(request.profile) == DOCUMENTED else request.profile.absolute()),
        wsdl=wsdl,
    )


def drawn_seed() -> int:
    """Draw the seed of a run for which none was given."""
    return random.SystemRandom().randrange(2**31)


def encode_path(value: object) -> str:
    """Encode a path, for msgspec, which does not know that type. Raises TypeError for anything else."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot encode {type(value).__name__}")


def decode_path(kind: type, value: object) -> Path:
    """Decode a path, for msgspec. Raises TypeError for any other type, and for what is no text."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError(f"expected a path, got {type(value).__name__}")
