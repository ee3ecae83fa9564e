"""A comparison as one page: the two sides, what became of a client of the one that meets the other, each difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract import __version__
from vcontract._report.difference_line import place, rule
from vcontract._report.page.environment import rendered

if TYPE_CHECKING:
    from vcontract._report.differences import DifferenceReport

_LONGEST, _MOST = 1_000, 2_000
"""Characters of a line, and differences, that are shown."""
_MEANT = {"breaking": "what a client of A does fails at B", "risky": "it may meet what it does not know",
          "addition": "it notices nothing"}  # fmt: skip


def comparison_page(report: DifferenceReport) -> bytes:
    """Give the page of a comparison, in UTF-8."""
    shown = [
        {
            "difference": each,
            "rule": rule(each),
            "place": place(each),
            "fails": report.fails(each),
            "known": report.known.get(each.fingerprint, ""),
        }
        for each in report.differences[:_MOST]
    ]
    text = rendered(
        "comparison.html.j2",
        longest=_LONGEST,
        report=report,
        shown=shown,
        left=max(0, len(report.differences) - _MOST),
        meant=_MEANT,
        version=__version__,
        kinds=sorted({each["rule"] for each in shown}),
    )
    return text.encode("utf-8", "replace") + b"\n"
