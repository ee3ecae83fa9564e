"""The JSON Schema of every file that is written for programs, made of the types that write it: `vcontract schema NAME`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from vcontract._api.check_spec import SpecReport
from vcontract._client.recording import Exchange, Opening
from vcontract._config.json_schema import config_schema
from vcontract._errors import UsageError
from vcontract._exchanges import WireExchange
from vcontract._history_lines import LINES, SAVED_CALL
from vcontract._profile import Profile
from vcontract._report.bug_reports import BugReport
from vcontract._report.diagnosis import Diagnosis
from vcontract._report.differences import JsonForm
from vcontract._report.events import CellJudged, RunEvent
from vcontract._report.result import RunResult
from vcontract._terms import Finding

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE = "#/$defs/{name}"


def _spelled(begun: Any) -> Any:
    """Give the type of a line with its call spelled out, which is written from bytes that are at hand."""
    fields = [
        (each.name, SAVED_CALL | None, None) if each.type is msgspec.Raw else (each.name, each.type, each.default)
        for each in msgspec.structs.fields(begun)
    ]
    plain = [each[:2] if each[2] is msgspec.NODEFAULT else each for each in fields]
    return msgspec.defstruct("Begun", plain, tag_field="event", tag="invoke", omit_defaults=True)


_FILES: Mapping[str, tuple[str, Any]] = {
    "run": ("run.json, and what `--format json` prints", RunResult),
    "finding": ("a line of findings.jsonl", Finding),
    "bug-report": ("what `report RUN#ID --format json` prints", BugReport),
    "cell": ("a line of cells.jsonl", CellJudged),
    "history": ("a line of history.jsonl", (_spelled(get_args(LINES)[0]), *get_args(LINES)[1:])),
    "exchange": ("a line of exchanges.jsonl", WireExchange),
    "recording": ("a line of what --record writes: the first is an Opening", Opening | Exchange),
    "profile": ("what `learn` writes", Profile),
    "differences": ("what `compare` and `wsdl diff` write as json", JsonForm),
    "spec-check": ("what `spec check --format json` prints", SpecReport),
    "diagnosis": ("what `doctor --format json` prints", Diagnosis),
}


def _of_type(title: str, kind: Any) -> str:
    kinds = kind if isinstance(kind, tuple) else get_args(kind) or (kind,)
    tops, types = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    top = dict(tops[0]) if len(tops) == 1 else {"anyOf": list(tops)}
    return _written(title, top, types)


def _events() -> str:
    """Give the schema of a line of `--output ndjson`: an event's fields, and `event`, its name."""
    kinds = get_args(RunEvent)
    tops, types = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    each = [
        {"allOf": [top, {"required": ["event"], "properties": {"event": {"const": kind.__name__}}}]}
        for kind, top in zip(kinds, tops, strict=True)
    ]
    return _written("a line of what --output ndjson writes", {"oneOf": each}, types)


def _written(title: str, top: Mapping[str, Any], types: Mapping[str, Any]) -> str:
    whole = {"$schema": _DRAFT, "title": title, **top, "$defs": dict(sorted(types.items()))}
    return msgspec.json.format(msgspec.json.encode(whole)).decode() + "\n"


_SPECIAL: Mapping[str, tuple[str, Callable[[], str]]] = {
    "event": ("a line of what --output ndjson writes", _events),
    "config": ("vcontract.toml", config_schema),
}
NAMES = tuple(sorted((*_FILES, *_SPECIAL)))
"""The names by which schemas are asked for."""


def file_schema(name: str) -> str:
    """Give a schema (JSON Schema 2020-12) as text. Raises UsageError for an unknown name, with those that there are."""
    if name in _SPECIAL:
        return _SPECIAL[name][1]()
    if name not in _FILES:
        raise UsageError(f"schema {name}: must be one of {', '.join(NAMES)}")
    title, kind = _FILES[name]
    return _of_type(title, kind)


def listed() -> str:
    """Give a line for each schema: its name, and what it is of."""
    said = {name: title for name, (title, _) in (*_FILES.items(), *_SPECIAL.items())}
    return "\n".join(f"{name}  {said[name]}" for name in NAMES)
