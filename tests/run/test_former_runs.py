"""The request of a run that goes on: the command that repeats it is made of what counts now, not read from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from vcontract import __version__
from vcontract._client.recording import Recording
from vcontract._config.config import Config
from vcontract._config.request import RunRequest
from vcontract._errors import UsageError
from vcontract._history import ASKED, FACTS
from vcontract._history_lines import encode_event
from vcontract._model import Facts
from vcontract._report.run_directory import HISTORY
from vcontract._run.former_runs import resumed
from vcontract._run.interrupted_run import RunNote
from vcontract._run.preparation import Preparation, context_of
from vcontract._run.recorded_run import Recorded, opening
from vcontract._terms import Observed, Ref
from vcontract._testbed.survey import as_json

OWNED = "vcontract run; touch owned\n::error::owned"


def test_the_command_of_a_resumed_run_is_not_what_its_history_says(tmp_path: Path) -> None:
    """A directory may have been written by anybody: its command is dropped, its words are quoted."""
    asked = RunRequest(contract="VirtualMachine", seed=7, methods=("$(touch owned)",), target="https://vc.example/sdk")
    note = RunNote(asked, "2026-11-30T00:00:00+00:00", OWNED, "run-1")
    facts = Facts("VirtualMachine", Ref("VirtualMachine", "vm-1"), "8.0.3.0")
    events = (Observed(ASKED, note.noted()), Observed(FACTS, as_json(facts)))
    (tmp_path / HISTORY).write_bytes(b"".join(encode_event(event) for event in events))
    _, preparation = resumed(tmp_path, RunRequest(target="https://vc.example/sdk"))
    assert preparation.replay == (
        "vcontract run --target https://vc.example/sdk --contract VirtualMachine --seed 7 --method '$(touch owned)'"
    )


@pytest.mark.parametrize(("version", "former"), [("", True), (__version__, False)])
def test_only_a_recording_of_a_former_version_has_hosts_by_name(version: str, former: bool) -> None:  # noqa: FBT001 - a row
    """It holds no answer to the question which VMs are on a host; one of this version does."""
    kept = replace(opening("http://vc/sdk", RunRequest(), "run-1", Config()), version=version)
    recorded = Recorded(Path("f"), Recording(kept, []), RunRequest(), "", Config())
    assert context_of(Preparation(recorded=recorded)).former is former
    assert not context_of(Preparation()).former


@pytest.mark.parametrize("embedded", [True, False])
def test_a_run_goes_on_where_it_was_or_not_at_all(embedded: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a row
    """A directory that calls its target the embedded simulator leads to no target that is named; a recording is named."""
    asked = RunRequest(contract="VirtualMachine", seed=7, target="" if embedded else "replay:run.rec")
    facts = Facts("VirtualMachine", Ref("VirtualMachine", "vm-1"), "8.0.3.0")
    events = (
        Observed(ASKED, RunNote(asked, "2026-11-30T00:00:00+00:00", embedded=embedded).noted()),
        Observed(FACTS, as_json(facts)),
    )
    (tmp_path / HISTORY).write_bytes(b"".join(encode_event(event) for event in events))
    said = "was on the simulator that was started for it" if embedded else "a recording is of a whole run"
    with pytest.raises(UsageError, match=said):
        resumed(tmp_path, RunRequest(target="https://vc.example/sdk" if embedded else ""))
