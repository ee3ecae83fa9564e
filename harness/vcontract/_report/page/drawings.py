"""The drawing of the page, as SVG: the states of a VM, with those in which calls were judged."""

from __future__ import annotations

from typing import NamedTuple

from vcontract._model.labels import Label
from vcontract._report.result import RunResult
from vcontract._report.safe_text import in_xml


class _Place(NamedTuple):
    x: int
    y: int
    says: str


_STATES = {
    "poweredOff": _Place(90, 60, "powered off"),
    "template": _Place(90, 150, "template"),
    "suspended": _Place(90, 240, "suspended"),
    "toolsStarting": _Place(290, 60, "on, Tools starting"),
    "toolsStopped": _Place(290, 150, "on, Tools stopped"),
    "valid": _Place(290, 240, "on, Tools running"),
    "customizing": _Place(520, 150, "customizing"),
    "networkStarting": _Place(520, 240, "network starting"),
    "aborting": _Place(520, 330, "aborting"),
    "orphanedLock": _Place(290, 330, "lock left behind"),
    "hostLost": _Place(90, 330, "host lost"),
}
_MOVES = (
    ("poweredOff", "toolsStarting"),
    ("poweredOff", "template"),
    ("toolsStarting", "valid"),
    ("valid", "toolsStopped"),
    ("valid", "suspended"),
    ("valid", "customizing"),
    ("valid", "networkStarting"),
    ("customizing", "aborting"),
    ("customizing", "orphanedLock"),
    ("valid", "orphanedLock"),
    ("valid", "hostLost"),
)
"""Which states follow each other; powering off leads to the first from each that is on, and is not drawn."""


def states_drawing(result: RunResult) -> str:
    """Draw the states of a VM, those in full in which a judged call was made; empty if no cell is told."""
    seen = {name or "valid" for cell in result.cells.seen for name in (*Label.parse(cell).deviations, "")}
    if not result.cells.seen:
        return ""
    walked = {name: name == "valid" or name in seen for name in _STATES}
    named = ", ".join(place.says for name, place in _STATES.items() if walked[name])
    lines = [
        '<svg role="img" viewBox="0 0 640 370" class="states">',
        f"<title>States of a VM in which calls were judged: {in_xml(named)}</title>",
    ]
    for one, two in _MOVES:
        a, b = _STATES[one], _STATES[two]
        kind = "walked" if walked[one] and walked[two] else "unwalked"
        lines.append(f'<line x1="{a.x}" y1="{a.y}" x2="{b.x}" y2="{b.y}" class="{kind}"/>')
    for name, place in _STATES.items():
        kind = "walked" if walked[name] else "unwalked"
        lines += [
            f'<rect x="{place.x - 76}" y="{place.y - 18}" width="152" height="36" rx="6" class="{kind}"/>',
            f'<text x="{place.x}" y="{place.y + 5}" text-anchor="middle" class="{kind}">{place.says}</text>',
        ]
    return "".join([*lines, "</svg>"])
