"""Replays one finding: arranges its cell again and sends the recorded call."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness.check import REPEAT
from harness.contract import Contract
from harness.errors import RunFileError, UsageError
from harness.history import read_history
from harness.model import Asked, Facts, cell
from harness.report.result import load_run
from harness.report.run_directory import HISTORY
from harness.run.plan import Step
from harness.schema import Schema
from harness.strategies import Caller
from harness.terms import Arguments, Call, Envelope, Finding, Ref


class Recording(msgspec.Struct, frozen=True):
    """A finding with its recorded call and the step that shows it."""

    finding: Finding
    call: Call
    step: Step


class Recorded(Caller):
    """Makes calls as a Caller does, but sends the recorded call where a call of its class is asked for."""

    def __init__(
        self, contract: Contract, schema: Schema, facts: Facts, actors: dict[str, str], recorded: Call, asked: Asked
    ) -> None:
        super().__init__(contract, schema, facts, actors, 0)
        self._recorded, self._asked = recorded, asked

    def call(self, asked: Asked, vm: Ref | None) -> Call:
        """Give the recorded call, about the VM that was arranged now."""
        if asked != self._asked:
            return super().call(asked, vm)
        payload = self._recorded.payload
        old = payload.values if isinstance(payload, Arguments) else payload.origin
        if vm is None or asked.vm != "ok" or "vm" not in old:
            return self._recorded
        new = {**old, "vm": vm.json()}
        if isinstance(payload, Envelope):
            before, after = str(old["vm"]["value"]).encode(), vm.value.encode()
            body = payload.body.replace(b">" + before + b"<", b">" + after + b"<")
            return replace(self._recorded, payload=replace(payload, body=body, origin=new))
        return replace(self._recorded, payload=Arguments(new))


def find(text: str) -> Recording:
    """Find `RUN#id`: the finding, its recorded call and the step that shows it. Raises UsageError or RunFileError."""
    place, _, id_ = text.rpartition("#")
    if not place:
        raise UsageError(f"{text}: a finding is named RUN#id, for example reports/latest#0123456789ab")
    directory = Path(place)
    found = next((each for each in load_run(directory).findings if each.id == id_), None)
    if found is None:
        raise UsageError(f"{place} has no finding {id_}")
    operations = {each.op: each for each in read_history(directory / HISTORY).operations}
    if found.op not in operations:
        raise RunFileError(f"{directory / HISTORY}: operation {found.op} is missing")
    return Recording(found, operations[found.op].call, step_of(found.cell))


def step_of(label: str) -> Step:
    """Give the step that a cell's label names. Raises UsageError if it names none."""
    method, _, rest = label.split(REPEAT, maxsplit=1)[0].partition(":")
    if rest.startswith("mid"):
        return Step(label, None, method, rest)
    try:
        return Step(label, cell(method, [] if rest == "valid" else rest.split("+")))
    except KeyError as error:
        raise UsageError(f"the cell {label} is not known to this version: {error}") from error
