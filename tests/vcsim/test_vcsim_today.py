"""govmomi's simulator of today, started by the run: calls that end it are findings, and it ends no run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vcsim.conftest import LISTED, place_of
from vcontract._check.judgement import DEATHS
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._report.result import RunResult

Owned = Callable[..., Path]
SOME = ("MarkAsVirtualMachine", "PowerOnVM_Task", "SuspendVM_Task", "ShutdownGuest")
DISTINCT = 15
"""So many places in its source are at least the causes of what a run finds, those that are mended with another one left out."""


def run(config: Path, folder: Path, seed: int, *, limit: int = 0, methods: tuple[str, ...] = ()) -> RunResult:
    """Run against it; with a limit nothing is made smaller."""
    shrink = Budget(attempts=0) if limit else Budget()
    return execute(
        RunRequest(
            seed=seed,
            contract="VirtualMachine",
            config=config,
            report_dir=folder,
            output="none",
            risk="full",
            methods=methods,
            max_calls=limit,
            shrink=shrink,
        )
    )


def test_what_a_run_of_some_methods_finds_is_in_the_list(owned: Owned, tmp_path: Path) -> None:
    """It ends as one that found violations, whatever became of the server on the way."""
    result = run(owned(levers=True), tmp_path, 1, limit=150, methods=SOME)
    found = {each.former for each in result.findings}
    assert found <= LISTED.keys()
    assert len(found) >= 6
    assert result.exit_code == 1


@pytest.mark.long
@pytest.mark.parametrize("levers", [True, False], ids=["configured", "bare"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_whole_run_survives_its_ends(seed: int, levers: bool, owned: Owned, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """The server ends several times, the run does not; each finding is in the list, those that end it are among them."""
    result = run(owned(levers=levers), tmp_path, seed)
    found = {each.former for each in result.findings}
    assert found <= LISTED.keys()
    assert len({place_of(each) for each in result.findings}) >= DISTINCT
    assert not any(note.startswith("interrupted") for note in result.notes)
    assert any("the server ended" in note for note in result.notes)
    assert any(each.observed in DEATHS for each in result.findings)
    assert result.exit_code == 1
