"""Draws a Mealy machine: as DOT, and as SVG with the states on a circle."""

from __future__ import annotations

import math

from vcontract._profile import Automaton
from vcontract._report.safe_text import in_dot, in_xml

_RADIUS, _NODE, _LINE = 90.0, 26.0, 13.0
_SHOWN = 4
"""How many inputs are written on an edge; all stand in its title."""


def edges(automaton: Automaton) -> dict[tuple[int, int], list[str]]:
    """Give, for each pair of states, the inputs that lead from one to the other, each with its outcome."""
    inputs: dict[tuple[int, int], list[str]] = {}
    for state, moves in enumerate(automaton.states):
        for name, (answer, after) in moves.items():
            inputs.setdefault((state, after), []).append(f"{name} / {answer.partition('; ')[0]}")
    return inputs


def views(automaton: Automaton) -> list[str]:
    """Give, for each state, what a read shows when it is entered."""
    shown: dict[int, str] = {}
    for moves in automaton.states:
        for answer, after in moves.values():
            shown.setdefault(after, answer.partition("; ")[2])
    return [shown.get(state, "") for state in range(len(automaton.states))]


def dot(automaton: Automaton) -> str:
    """Write a machine in Graphviz' language; the inputs that do not leave a state stand in its tooltip."""
    lines = ["digraph automaton {", "  rankdir=LR; node [shape=box, style=rounded]; start [shape=point];"]
    known = edges(automaton)
    for state, view in enumerate(views(automaton)):
        stays = "\n".join(known.get((state, state), ()))
        lines.append(f"  s{state} [label={in_dot(f'{state}: {view}')}, tooltip={in_dot(stays)}];")
    lines.append("  start -> s0;")
    lines += [
        f"  s{one} -> s{other} [label={in_dot(chr(10).join(names))}];"
        for (one, other), names in known.items()
        if one != other
    ]
    return "\n".join([*lines, "}", ""])


def svg(automaton: Automaton) -> str:
    """Draw a machine; states and edges carry a title with all of their inputs."""
    count = max(len(automaton.states), 1)
    radius = _RADIUS + 45.0 * count
    size = 2 * (radius + 2 * _RADIUS)
    places = [
        (
            size / 2 + radius * math.sin(2 * math.pi * state / count),
            size / 2 - radius * math.cos(2 * math.pi * state / count),
        )
        for state in range(count)
    ]
    known = edges(automaton)
    body = [_edge(places[one], places[other], names) for (one, other), names in known.items() if one != other]
    body += [
        _node(places[state], state, view, known.get((state, state), [])) for state, view in enumerate(views(automaton))
    ]
    head = '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size:.0f} {size:.0f}" font-family="sans-serif" font-size="11">',
        f'<defs>{head}<path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    return "\n".join([*lines, *body, "</svg>", ""])


def _node(place: tuple[float, float], state: int, view: str, stays: list[str]) -> str:
    x, y = place
    title = "\n".join([f"{state}: {view}", *stays])
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_NODE + 4:.0f}" fill="none" stroke="black"/>' if state == 0 else ""
    words = "".join(
        f'<text x="{x:.1f}" y="{y + _NODE + _LINE * (2 + number):.1f}" text-anchor="middle">{in_xml(part)}</text>'
        for number, part in enumerate(view.split(", ") if view else [])
    )
    return (
        f"<g><title>{in_xml(title)}</title>{ring}"
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_NODE:.0f}" fill="#eef" stroke="black"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-weight="bold">{state}</text>{words}</g>'
    )


def _edge(begin: tuple[float, float], end: tuple[float, float], names: list[str]) -> str:
    """Draw an edge bent to its right, so that it does not cover the opposite one."""
    length = math.dist(begin, end)
    dx, dy = (end[0] - begin[0]) / length, (end[1] - begin[1]) / length
    bend = 0.15 * length
    x0, y0 = begin[0] + dx * _NODE, begin[1] + dy * _NODE
    x1, y1 = end[0] - dx * (_NODE + 5), end[1] - dy * (_NODE + 5)
    mx, my = (x0 + x1) / 2 - dy * bend, (y0 + y1) / 2 + dx * bend
    listed = [*names[:_SHOWN], *([f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])]
    lx, ly = (x0 + 2 * mx + x1) / 4, (y0 + 2 * my + y1) / 4
    words = "".join(
        f'<text x="{lx:.1f}" y="{ly + _LINE * number:.1f}" text-anchor="middle" fill="#555">{in_xml(text)}</text>'
        for number, text in enumerate(listed)
    )
    return (
        f"<g><title>{in_xml(chr(10).join(names))}</title>"
        f'<path d="M{x0:.1f},{y0:.1f} Q{mx:.1f},{my:.1f} {x1:.1f},{y1:.1f}" fill="none" stroke="#888"'
        f' marker-end="url(#head)"/>{words}</g>'
    )
