"""JSON and YAML: of govmomi, VI-JSON, pyVmomi and PowerCLI's ConvertTo-Json."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
import yaml

from vcontract._api.reading.loose import DEEPEST, Loose, SpecificationError, stated
from vcontract._terms import Json

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ALIASES = 100
"""Aliases of a YAML file that are followed; each may stand for much."""
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_PASCAL = re.compile(r"[A-Z]")


def read_json(text: str) -> Loose:
    """Read JSON. Raises SpecificationError with the place."""
    _check_depth(text)
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as cause:
        raise SpecificationError(f"not JSON: {cause}") from cause
    return _loose(document, "JSON")


def read_yaml(text: str) -> Loose:
    """Read YAML, of which nothing but data is made. Raises SpecificationError with the line."""
    try:
        _check_events(text)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - CSafeLoader or SafeLoader, both make data alone
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise SpecificationError(f"{where}neither JSON, YAML nor XML: {cause.problem}") from cause
    except (yaml.YAMLError, ValueError, RecursionError) as cause:
        raise SpecificationError(f"neither JSON, YAML nor XML: {str(cause).splitlines()[0]}") from cause
    return _loose(document, "YAML")


def _check_depth(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "[{":
            depth += 1
        elif found[0] in "]}":
            depth -= 1
        if depth > DEEPEST:
            line = text.count("\n", 0, found.start()) + 1
            raise SpecificationError(f"line {line}: more than {DEEPEST} levels in each other, and no specification has")


def _check_events(text: str) -> None:
    """Refuse what is too deep, or stands for much more than is written, before any of it is built."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEEPEST or aliases > _ALIASES:
            what = f"{_ALIASES} aliases" if aliases > _ALIASES else f"{DEEPEST} levels in each other"
            raise SpecificationError(f"line {event.start_mark.line + 1}: more than {what}, and no specification has")


def _loose(document: Json, form: str) -> Loose:
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if isinstance(document, list):
        raise SpecificationError(f"it holds {len(document)} items; name a file with one specification")
    if not isinstance(document, Mapping):
        raise SpecificationError(f"it holds no object but {type(document).__name__}, so no specification")
    root = {str(key): value for key, value in document.items()}
    if stated(root):
        return Loose(root, f"{form}, pyVmomi's" if "_vimtype" in root else f"{form} with types (govmomi, VI-JSON)")
    pascal = any(_PASCAL.match(key) for key in root)
    return Loose(root, f"{form}, {'PowerCLI or Go' if pascal else 'without types'}", untyped=True)
