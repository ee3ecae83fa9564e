"""Draws operations without a legal order as SVG: each one is a bar, time runs from left to right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vcontract._check import Disorder
from vcontract._report.run_directory import write_whole
from vcontract._report.safe_text import file_name, in_xml

_LABEL, _BAR, _ROW, _TOP = 360, 640, 22, 64
_STYLE = "font-family:monospace;font-size:12px"


def draw_disorders(directory: Path, disorders: Mapping[str, Disorder]) -> list[Path]:
    """Write `timeline-FINDING.svg` for each disorder; gives the files. Raises UsageError if one cannot be written."""
    files = []
    for finding, disorder in disorders.items():
        files.append(directory / f"timeline-{file_name(finding)}.svg")
        write_whole(files[-1], timeline(disorder).encode())
    return files


def timeline(disorder: Disorder) -> str:
    """Draw the window of a disorder; the operation that breaks the order is red, one without an end reaches the right edge."""
    spans = disorder.window
    begin = min((span.begin for span in spans), default=0.0)
    end = max((span.end for span in spans if span.end is not None), default=begin)
    scale = _BAR / ((end - begin) or 1.0)
    height = _TOP + _ROW * len(spans) + 2 * _ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LABEL + _BAR + 20}" height="{height}" style="{_STYLE}">',
        f"<title>{in_xml(disorder.vm)}: no legal order</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        _text(8, 18, f"{disorder.vm}: no legal order at operation {disorder.op} ({disorder.what})"),
        _text(8, 36, f"possible before: {'; '.join(disorder.before)}"),
        _text(_LABEL, 54, f"{begin:.4f} s"),
        _text(_LABEL + _BAR - 80, 54, f"{end:.4f} s"),
    ]
    for number, span in enumerate(spans):
        top = _TOP + _ROW * number
        left = _LABEL + (span.begin - begin) * scale
        right = _LABEL + _BAR if span.end is None else _LABEL + (span.end - begin) * scale
        color = "#c22" if span.op == disorder.op else "#48a"
        dash = ' stroke-dasharray="4"' if span.end is None else ""
        place = f'x="{left:.1f}" y="{top + 4}" width="{max(right - left, 2):.1f}" height="12"'
        lines += [
            _text(8, top + 14, f"{span.op} {span.what}"),
            f'<rect {place} fill="{color}" fill-opacity="0.6" stroke="{color}"{dash}/>',
        ]
    last = _TOP + _ROW * len(spans) + _ROW
    return "\n".join([*lines, _text(8, last, f"possible at the end: {'; '.join(disorder.last)}"), "</svg>", ""])


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}">{in_xml(text)}</text>'
