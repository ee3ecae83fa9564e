"""The request of a run that goes on: the command that repeats it is made of what counts now, not read from a file."""

from __future__ import annotations

from pathlib import Path

from vcontract.config.request import RunRequest
from vcontract.history import ASKED, FACTS, encode_event
from vcontract.model import Facts
from vcontract.report.run_directory import HISTORY
from vcontract.run.former_runs import resumed
from vcontract.run.interrupted_run import RunNote
from vcontract.terms import Observed, Ref
from vcontract.testbed.survey import as_json

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
