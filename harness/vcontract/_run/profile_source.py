"""Where a run takes the profile from by which it judges exactly: a file that `learn` wrote, or the run that it repeats."""

from __future__ import annotations

from pathlib import Path

from vcontract._check.pinned import pinned
from vcontract._errors import UsageError
from vcontract._history import read_history
from vcontract._model import Pinned
from vcontract._profile import load_profile
from vcontract._report.result import DOCUMENTED, load_run
from vcontract._report.run_directory import HISTORY
from vcontract._run.interrupted_run import facts_in


def pinned_by(file: Path | None, contract: str, resume: Path | None = None) -> Pinned | None:
    """Read what a profile pins; None without one, which is `documented`. Raises UsageError if it cannot be used."""
    if file is None or str(file) == DOCUMENTED:
        return None
    if resume is not None:
        raise UsageError("--resume: the profile is that of the run; leave --profile out")
    profile = load_profile(file)
    if profile.contract != contract:
        raise UsageError(f"{file}: a profile of {profile.contract}, and the run is about {contract}")
    return pinned(profile, str(file))


def pinned_in(finding: str) -> Pinned | None:
    """Give what the run of `RUN#id` was judged by. Raises RunFileError if its history does not tell."""
    place = Path(finding.rpartition("#")[0])
    if load_run(place).profile == DOCUMENTED:
        return None
    directory = place if place.is_dir() else place.parent
    return facts_in(read_history(directory / HISTORY), directory).pinned
