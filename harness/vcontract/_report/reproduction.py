"""A script for each finding that shows and judges it with nothing of ours: pyVmomi's types and plain HTTP.

Every script is the same text but for one constant, the plan of what to send as JSON in ASCII: whatever a server called a VM
or a file says of a finding, none of it becomes code. Passwords are read from the environment when a script runs.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vcontract._contract import Method, load, names
from vcontract._report.events import RunEnded, RunEvent
from vcontract._report.reproduction_judging import JUDGING
from vcontract._report.reproduction_text import PLAN, SENDING
from vcontract._report.run_directory import write_whole
from vcontract._report.safe_text import file_name
from vcontract._saved_file import PRIVATE_DIRECTORY
from vcontract._terms import Envelope, Finding, Json, ReplayStep

FOLDER = "reproductions"
_TEXT = SENDING + JUDGING
_CHANNEL = re.compile(r"(.*) [(](call|task)[)]", re.DOTALL)
_INSTEAD = re.compile(r"it is (.*) after the success of the call", re.DOTALL)


class ReproductionReporter:
    """Writes `reproductions/ID.py` into a run directory for every finding, when the run ends."""

    def __init__(self, directory: Path, owner: str, guests: Sequence[str] = ()) -> None:
        """Write for machines with the mark of an owner; `guests` are the accounts in them whose passwords there are."""
        self._folder, self._owner, self._guests = directory / FOLDER, owner, tuple(guests)

    def on(self, event: RunEvent) -> None:
        """Write the scripts at the end."""
        if not isinstance(event, RunEnded):
            return
        shown = [finding for finding in event.summary.findings if finding.program]
        if shown:
            self._folder.mkdir(PRIVATE_DIRECTORY, exist_ok=True)
        for finding in shown:
            text = script(finding, event.summary.target.api_version, self._owner, self._guests)
            write_whole(self._folder / f"{file_name(finding.id)}.py", text.encode())


def script(finding: Finding, api: str, owner: str, guests: Sequence[str]) -> str:
    """Give the script of a finding: the text of all scripts, with the plan as a string of JSON in ASCII.

    `owner` is the mark that a machine must carry to be touched; the passwords of `guests` are asked for, those of other
    accounts in guests are made up.
    """
    about = _method(finding)
    plan = {
        "row": finding.row,
        "expected": finding.expected,
        "observed": finding.observed,
        "content": load(finding.object).content if finding.object in names() else "",
        "moid": finding.root[0],
        "machine": finding.root[1],
        "action": f'"urn:vim25/{api}"',
        "owner": owner,
        "guests": list(guests),
        "methods": [finding.method.lower(), *([about.vmodl.lower()] if about else [])],
        "privileges": ["System.View", "System.Read", *(about.privileges if about else ())],
        "shows": _shows(finding),
        "instead": _instead(finding.detail),
        "steps": [_step(step) for step in finding.program],
    }
    return _TEXT.replace(PLAN, repr(json.dumps(plan)))


def _method(finding: Finding) -> Method | None:
    """Find what the contract says of a finding's method; None if the finding names none that there is."""
    listed = load(finding.object).methods if finding.object in names() else ()
    return next((method for method in listed if method.name == finding.method), None)


def _shows(finding: Finding) -> dict[str, Json]:
    """Say what the deviation is: its outcome and the channel by which that came, and the field that was wrong."""
    outcome, channel = found.groups() if (found := _CHANNEL.fullmatch(finding.observed)) else (finding.observed, "")
    return {
        "grade": finding.grade.value,
        "outcome": outcome,
        "channel": "" if outcome == "OK" else channel,
        "field": finding.field,
    }


def _instead(detail: str) -> Json:
    """Read what a property was that a success had to change; None if this is not what is wrong."""
    found = _INSTEAD.search(detail)
    with suppress(ValueError, SyntaxError):
        return str(literal_eval(found[1])) if found else None
    return None


def _step(step: ReplayStep) -> dict[str, Json]:
    call, payload = step.call, step.call.payload
    told: dict[str, Json] = {
        "actor": call.actor,
        "type": call.object.type,
        "moid": call.object.value,
        "method": call.method,
        "settled": step.settled,
        "gave": list(step.gave),
        "seen": step.seen,
        "waited": step.waited,
        "judged": step.purpose == "judge",
    }
    if isinstance(payload, Envelope):
        body = payload.body.decode("utf-8", "surrogateescape")
        return {**told, "envelope": body, "headers": dict(payload.headers)}
    return {**told, "arguments": payload.values}
