"""`vcontract compare --matrix`: varies the client's API and the server separately, and tells which of the two changes what.

Three runs, two comparisons. *Server*: a client of the old API on the old server and on the new one, which is what an upgrade
changes for clients that are left alone. *Client*: that client and one of the new API, both on the new server, which is what
changes with clients that are made anew. A new client on the old server is no case: such a server does not serve it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract._commands.compare import compare
from vcontract._commands.run import execute
from vcontract._config.printed_command import repeating_command
from vcontract._config.request import RunRequest
from vcontract._report.differences import DifferenceReport
from vcontract._run.preparation import Preparation
from vcontract._terms import Difference

SERVER, CLIENT = "server", "client"
_API = re.compile(r"\d+(\.\d+)+")


class Run(msgspec.Struct, frozen=True):
    """One run of the matrix: the API that the client spoke, and its directory."""

    api: str
    place: Path


def matrix(
    old: str,
    new: str,
    request: RunRequest,
    fail_on: str,
    known: Mapping[str, str] | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> DifferenceReport:
    """Run and compare; `old` and `new` are URLs, or API versions of the simulator. Raises HarnessError as a run does."""
    first = _run(old, "", request, tell)
    second = _run(new, first.api, request, tell)
    third = _run(new, "", request, tell)
    reports = {SERVER: compare(first.place, second.place, fail_on, known)}
    if third.api != first.api:
        reports[CLIENT] = compare(second.place, third.place, fail_on, known)
    found = [_on(axis, each) for axis, report in reports.items() for each in report.differences]
    told = [
        f"{SERVER}: a client of API {first.api} on {old} and on {new}",
        f"{CLIENT}: clients of API {first.api} and {third.api} on {new}",
    ]
    notes = [*told[: len(reports)], *(f"{axis}: {note}" for axis, report in reports.items() for note in report.notes)]
    if CLIENT not in reports:
        notes.append(f"{CLIENT}: both servers are spoken to by API {first.api}, so nothing is left to vary")
    sides = replace(reports[SERVER].old, name=old), replace([*reports.values()][-1].new, name=new)
    excused = {name: why for report in reports.values() for name, why in report.known.items()}
    ordered = tuple(sorted(found, key=lambda each: (each.impact.rank, each.position != SERVER, each.path, each.kind)))
    return DifferenceReport("compare --matrix", sides[0], sides[1], ordered, fail_on, tuple(notes), excused)


def _run(server: str, api: str, request: RunRequest, tell: Callable[[str], object]) -> Run:
    """Run a client of an API (empty: of the newest that the server serves) against a server."""
    simulated = _API.fullmatch(server)
    given = replace(request, target="" if simulated else server, api=server if simulated else "", wsdl=api)
    result = execute(given, Preparation(replay=repeating_command(given)))
    place = (request.report_dir / "latest").resolve()
    tell(f"{server}, client of API {result.target.api_version}: {result.verdict.value}; report: {place}")
    return Run(result.target.api_version, place)


def _on(axis: str, difference: Difference) -> Difference:
    return replace(difference, position=axis)
