"""The report of a gate: what was met and what followed, for a terminal, and as JSON, markdown and HTML in a directory."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from vcontract._errors import ReportError, UsageError
from vcontract._inject.choosing import Chooser
from vcontract._inject.followed import Broken, Followed
from vcontract._inject.journal import Journal
from vcontract._report.safe_text import in_markdown, one_line
from vcontract._saved_file import PRIVATE_DIRECTORY, create

_SCHEMA = "vcontract.inject/1"
_HEADINGS = (
    *("method", "answer", "channel", "permitted where", "met", "retries", "soonest (s)", "aborts", "gave up", "reads"),
    *("reads after the end", "sessions open", "tasks left"),
)


class Told(msgspec.Struct, frozen=True):
    """What a gate has to tell at its end."""

    lines: list[Followed]
    broken: list[Broken]
    calls: int
    unmet: list[str]
    target: str

    @property
    def exit_code(self) -> int:
        """1: an expectation was not kept; 5: nobody called, or nothing was met of what an expectation is about; else 0."""
        if any(not each.untested for each in self.broken):
            return 1
        return 5 if self.broken or not self.calls else 0


def told_of(journal: Journal, chooser: Chooser, lines: list[Followed], broken: list[Broken], target: str) -> Told:
    """Gather what is to be told; `unmet` are the rules that no call met."""
    unmet = [rule.title for number, rule in enumerate(chooser.rules) if not chooser.struck(number)]
    return Told(lines, broken, len(journal.passed), unmet, target)


def text_of(told: Told) -> str:
    """Write it for a terminal."""
    if not told.calls:
        return "no client called: nothing was passed on, and no rule could apply"
    said = [f"{told.calls} calls passed, {sum(each.met for each in told.lines)} answers were injected"]
    for each in told.lines:
        where = f", permitted: {each.state}" if each.state not in {"", "illegal"} else f" {each.state}".rstrip()
        said.append(f"  {each.method}: {each.answer} ({each.channel}){where}: met {each.met}, {_followed(each)}")
    said += [f"  never met: {one_line(title)}" for title in told.unmet]
    said += [f"  expect {each.number}: {each.says}" for each in told.broken]
    return "\n".join(said)


def _followed(line: Followed) -> str:
    parts = [
        f"{line.retries} tried again" + (f" (soonest after {line.soonest:g} s)" if line.soonest is not None else "")
    ]
    parts += [f"{line.aborts} aborted"] if line.aborts else []
    parts += [f"{line.gave_up} given up"] if line.gave_up else []
    parts += [f"its tasks read {line.reads} times, {line.reads_after_end} after the end"] if line.reads else []
    parts += [f"{line.sessions_open} sessions left open"] if line.sessions_open else []
    parts += [f"{line.tasks_left} tasks left"] if line.tasks_left else []
    return ", ".join(parts)


def check_place(folder: Path) -> None:
    """Refuse a folder that holds a report already, before anything is done. Raises UsageError."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--report {folder}: is no folder")
    if (folder / "inject.json").exists():
        raise UsageError(f"--report {folder}: holds a report already; name another folder")


def write_report(folder: Path, told: Told) -> None:
    """Write `inject.json`, `inject.md` and `inject.html`. Raises ReportError."""
    files = {"inject.json": _json(told), "inject.md": _markdown(told).encode(), "inject.html": _html(told).encode()}
    try:
        folder.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        for name, written in files.items():
            create(folder / name, written)
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from error


def _json(told: Told) -> bytes:
    whole = {"schema": _SCHEMA, "exit_code": told.exit_code, **msgspec.to_builtins(told)}
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"


def _cells(line: Followed) -> list[str]:
    values = msgspec.structs.astuple(line)
    return ["" if value is None else one_line(str(value)) for value in values]


def _markdown(told: Told) -> str:
    rows = [_HEADINGS, tuple("---" for _ in _HEADINGS), *(_cells(each) for each in told.lines)]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    return f"# What was injected, and what followed\n\n{table}\n\n{_rest(told, in_markdown)}\n"


def _rest(told: Told, shown: Callable[[str], str]) -> str:
    said = [f"- {told.calls} calls passed"]
    said += [f"- never met: {shown(title)}" for title in told.unmet]
    return "\n".join([*said, *(f"- expect {each.number}: {shown(each.says)}" for each in told.broken)])


def _html(told: Told) -> str:
    heads = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in _HEADINGS)
    rows = "".join(_row(_cells(each)) for each in told.lines)
    rest = "".join(f"<li>{html.escape(each[2:])}</li>" for each in _rest(told, one_line).splitlines())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>What was injected</title>'
        "<style>body{font:15px sans-serif;margin:2em}table{border-collapse:collapse}"
        "td,th{border:1px solid #777;padding:.3em .6em;text-align:left}</style></head>"
        f"<body><main><h1>What was injected, and what followed</h1><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table><ul>{rest}</ul></main></body></html>\n"
    )


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(each)}</td>" for each in cells) + "</tr>"
