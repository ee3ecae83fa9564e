"""The request of a run that goes on with a former one, or repeats a recorded one."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from msgspec.structs import replace

from vcontract._config.config import target_named
from vcontract._config.printed_command import command, repeating_command
from vcontract._config.request import REPLAY, RunRequest
from vcontract._config.risk import existing, level_of
from vcontract._errors import UsageError
from vcontract._report.safe_text import one_line
from vcontract._run.interrupted_run import InterruptedRun, interrupted_run_of
from vcontract._run.preparation import PLAIN, Preparation
from vcontract._run.recorded_run import recorded, refuse


def resumed(directory: Path, request: RunRequest, preparation: Preparation = PLAIN) -> tuple[RunRequest, Preparation]:
    """Make the request that goes on with a run; of what is asked now, the target, the login and the limits count.

    Raises RunFileError if the directory holds no run that could go on.
    """
    return going_on(interrupted_run_of(directory), request, preparation)


def going_on(
    interrupted: InterruptedRun, request: RunRequest, preparation: Preparation
) -> tuple[RunRequest, Preparation]:
    """Make the request that goes on with what a run did; of what is asked now, the target, the login and the limits count.

    The run's directory may come from anybody: it says neither where to log in nor which files to open. Raises UsageError for
    what must be named again.
    """
    asked = interrupted.note.request
    if request.record or preparation.recorded or asked.target.startswith(REPLAY):
        raise UsageError("--resume: a recording is of a whole run; record or replay one from its begin")
    _check_named(interrupted, request)
    histories = (interrupted.history, *interrupted.workers)
    calls = sum(done.purpose == "judge" for history in histories for done in history.operations)
    left = asked.max_calls if calls < asked.max_calls else 0
    goes_on = replace(
        request,
        contract=asked.contract,
        seed=asked.seed,
        lanes=request.lanes or asked.lanes,
        methods=asked.methods,
        max_calls=request.max_calls or left,
        risk=asked.risk,
        explore=asked.explore,
        explore_only=asked.explore_only,
        username=request.username or asked.username,
        api=asked.api if interrupted.note.embedded else "",
    )
    # made anew: what the history says is not printed, for a file may say anything
    again = repeating_command(replace(goes_on, profile=asked.profile))
    return goes_on, replace(preparation, interrupted=interrupted, replay=again, pinned=interrupted.facts.pinned)


def _check_named(interrupted: InterruptedRun, request: RunRequest) -> None:
    """Make sure that this command names all that the run was given and that is not taken from its directory."""
    asked, where, target = interrupted.note.request, interrupted.directory, target_named(request)
    if target and interrupted.note.embedded:
        raise UsageError(f"{where}: the run was on the simulator that was started for it; name no target")
    if interrupted.url and not target:
        raise UsageError(
            f"{where}: the run was on {interrupted.place}: name the target again, with --target or in the --config"
        )
    if level_of(asked) != level_of(request):
        was = one_line(level_of(asked))
        raise UsageError(f"{where}: the run was at --risk {was}, this is {level_of(request)}: name the level again")
    for option, before, now in (("config", asked.config, request.config), ("wsdl", asked.wsdl, request.wsdl)):
        if before and not now:
            raise UsageError(f"{where}: the run was given --{option} {one_line(str(before))}: name it again")


def replayed(
    request: RunRequest, said: AbstractSet[str] = frozenset(), preparation: Preparation = PLAIN
) -> tuple[RunRequest, Preparation]:
    """Make the request that repeats a recorded run: as that was asked, but for the fields that are `said` now.

    Raises RunFileError if the file is no recording, UsageError for what needs a server.
    """
    needs = {
        "--username": request.username,
        "--password-file": request.password_file,
        "--insecure": request.insecure,
        "--api": request.api,
        "--record": request.record,
    }
    refuse("a recording", because="which is no server", given=needs)
    recording = recorded(request.target)
    seed = (request.seed,) if "seed" in said else ()
    again = command("run", {"target": (f"{REPLAY}{recording.path}",), "seed": seed})
    repeated = recording.request_for(request, said)
    existing(repeated)  # a recording may hold anything
    return repeated, replace(preparation, recorded=recording, replay=again)
