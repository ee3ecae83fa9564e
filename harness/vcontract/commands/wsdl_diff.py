"""`vcontract wsdl diff`: how two WSDLs differ, told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vcontract.report.differences import DifferenceReport, Side, render
from vcontract.report.run_directory import write_out
from vcontract.schema.diff import Source, differences, open_pair


def wsdl_diff(old: str, new: str, roots: Sequence[str], fail_on: str) -> DifferenceReport:
    """Compare two sides, each a folder, a file, a URL or an API release. SchemaError if one cannot be read."""
    first, second = open_pair(old, new, roots)
    found = differences(first.schema, second.schema, first.elsewhere | second.elsewhere)
    return DifferenceReport("wsdl diff", _side(first), _side(second), found, fail_on)


def deliver(report: DifferenceReport, form: str, out: Path | None) -> bytes:
    """Give what belongs on stdout: the report, or with `out`, which takes it, one line. UsageError: `out` is unwritable."""
    told = render(report, form)
    if out is None:
        return told
    write_out(out, told)
    return f"{report.summary}; report: {out}\n".encode()


def _side(source: Source) -> Side:
    return Side(source.name, source.uri, source.schema.api_version)
