"""`vcontract wsdl diff`: how two WSDLs differ, told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vcontract._report.differences import DifferenceReport, Side, render
from vcontract._report.run_directory import write_out
from vcontract._schema.diff import Source, differences, open_pair
from vcontract._terms import Difference
from vcontract._traffic.archive import read_archive
from vcontract._traffic.calls import heard
from vcontract._traffic.upgrade import met


def wsdl_diff(old: str, new: str, roots: Sequence[str], fail_on: str, calls: Path | None = None) -> DifferenceReport:
    """Compare two sides, each a folder, a file, a URL or an API release. SchemaError if one cannot be read.

    With a recording of `calls` only what these meet is told, and which of them. UsageError if it cannot be used.
    """
    conversation = heard(read_archive(calls)) if calls is not None else None
    first, second = open_pair(old, new, roots)
    found: tuple[Difference, ...] = differences(first.schema, second.schema, first.elsewhere | second.elsewhere)
    notes: tuple[str, ...] = ()
    if conversation is not None:
        every, found = len(found), met(found, conversation.calls, first.schema)
        known = first.schema.operations.keys()
        foreign = {each.operation.call.method for each in conversation.calls} - known - {"Fetch"}
        said = f"{calls}: {len(conversation.calls)} calls meet {len(found)} of {every} differences"
        beyond = f"methods that neither side was compared for: {', '.join(sorted(foreign))} (--root adds some)"
        notes = (said, *((beyond,) if foreign else ()), *conversation.notes)
    return DifferenceReport("wsdl diff", _side(first), _side(second), found, fail_on, notes)


def deliver(report: DifferenceReport, form: str, out: Path | None) -> bytes:
    """Give what belongs on stdout: the report, or with `out`, which takes it, one line. UsageError: `out` is unwritable."""
    told = render(report, form)
    if out is None:
        return told
    write_out(out, told)
    return f"{report.summary}; report: {out}\n".encode()


def _side(source: Source) -> Side:
    return Side(source.name, source.uri, source.schema.api_version)
