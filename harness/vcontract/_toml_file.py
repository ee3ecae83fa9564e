"""A TOML file to a struct that knows all its keys, or one line that says what is wrong, where, and what is permitted there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import fields

from vcontract._errors import UsageError

T = TypeVar("T")
_LONGEST, _DOTTED, _DEEPEST = 250_000, 2_000, 50
"""Characters of a file, dotted keys in it, and levels of its tables, lists and keys: beyond, reading takes too long."""
_TEXTS = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+"""|'{3}(?:[^']|'(?!''))*+'{3}|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|#[^\n]*+'''
)
"""Texts and comments, in which no bracket or dot counts."""
_PLACE = re.compile(r"at `\$([^`]*)`")
_NAMED = re.compile(r"(?:unknown|required) field `([^`]*)`")
_STEP = re.compile(r"\.([^.\[]+)((?:\[[^\]]*\])*)")
_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"-]+)\s*\]\]?")


def read_toml(path: Path, kind: type[T], error: type[UsageError] = UsageError) -> T:
    """Read a file as a struct; raises `error` for a file, a key or a value that cannot be understood."""
    text, raw = _document(path, error)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as cause:
        raise error(_said(path, text, str(cause), kind)) from cause


def mistakes(path: Path, kind: type[T]) -> tuple[T | None, list[str]]:
    """Read a file as `read_toml` does, past what cannot be understood: what is left of it (None: nothing), and a line for each.

    What must be there and is not is an empty text. Raises UsageError for a file that is no TOML.
    """
    text, raw = _document(path, UsageError)
    told: list[str] = []
    while True:
        try:
            return msgspec.convert(raw, kind), told
        except msgspec.ValidationError as cause:
            said = _said(path, text, str(cause), kind)
            if said in told or not _mended(raw, str(cause)):
                return None, list(dict.fromkeys([*told, said]))
            told.append(said)


def _document(path: Path, error: type[UsageError]) -> tuple[str, dict[str, Any]]:
    """Give the text of a file, and what it holds; raises `error` if it is no TOML, or too large."""
    try:
        text = path.read_text("utf-8")
        _check_size(text)
        return text, tomllib.loads(text)
    except OSError as cause:
        raise error(f"{path}: cannot be read: {cause.strerror}") from cause
    except (ValueError, RecursionError) as cause:  # of Python itself: numbers too long, tables too deep
        raise error(f"{path}: {cause}") from cause


def _said(path: Path, text: str, told: str, kind: type[Any]) -> str:
    """Say in a line what is wrong in a file, where, and what is permitted there."""
    line = _line_of(told, text)
    return f"{path}{f', line {line}' if line else ''}: {told}{_way_out(told, kind)}"


def _mended(raw: Any, told: str) -> bool:
    """Take out of a document what a message is about, or put in what it misses; whether that could be done."""
    steps, named = _steps(told), _NAMED.search(told)
    key = named[1] if named else steps.pop()[0] if steps else ""
    found = _PLACE.search(told)
    places = _STEP.findall(found[1]) if found else []
    for (name, place), (_, at) in zip(steps, places, strict=False):
        raw = raw.get(name) if isinstance(raw, dict) else None
        raw = raw[place] if at and isinstance(raw, list) and place < len(raw) else raw
    if not isinstance(raw, dict) or (key not in raw and not (named and "required" in named[0])):
        return False
    if key in raw:
        del raw[key]
    else:
        raw[key] = ""
    return True


def line_of_table(text: str, table: str, place: int) -> int:
    """Find the line where the table of a name begins that is so many behind the first; 0 if it stands in no line of its own."""
    headers = [(number, _HEADER.match(line)) for number, line in enumerate(text.splitlines(), 1)]
    lines = [number for number, header in headers if header is not None and header[1] == table]
    return lines[place] if place < len(lines) else 0


def _check_size(text: str) -> None:
    """Refuse what is too long or too deep to be read. Raises ValueError."""
    if len(text) > _LONGEST:
        raise ValueError(f"it has {len(text):,} characters; at most {_LONGEST:,} are read")
    bare, depth = _TEXTS.sub('""', text), 0
    for found in re.finditer(r"[\[\]{}]", bare):
        depth += 1 if found[0] in "[{" else -1
        if depth > _DEEPEST:
            line = bare.count("\n", 0, found.start()) + 1
            raise ValueError(f"line {line}: tables or lists in each other; at most {_DEEPEST} levels are read")
    dots = [part.count(".") for part in re.split(r"[={},\[\]\n]", bare) if "." in part]
    if max(dots, default=0) >= _DEEPEST:
        raise ValueError(f"a dotted key of {max(dots) + 1:,} parts; at most {_DEEPEST} are read")
    if len(dots) > _DOTTED:
        raise ValueError(f"{len(dots):,} dotted keys; at most {_DOTTED:,} are read")


def _steps(told: str) -> list[tuple[str, int]]:
    """Give the way to what a message is about: the names of keys, each with its place in a list."""
    found = _PLACE.search(told)
    steps = _STEP.findall(found[1]) if found else []
    return [(name, int(place)) if (place := at[1:-1].partition("]")[0]).isdigit() else (name, 0) for name, at in steps]


def _line_of(told: str, text: str) -> int:
    """Find the line of what a message is about: its key, else the begin of its table; 0 if it is not found."""
    steps, named = _steps(told), _NAMED.search(told)
    key = named[1] if named else steps[-1][0] if steps else ""
    table, place = steps[0] if steps and (named or len(steps) > 1) else ("", 0)
    last, number_of, current = 0, -1, ""
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            current = header[1]
            number_of += current == table
            last = number if current == table and number_of == place else last
            if current == key and not table:
                return number
        elif (
            current == table
            and (not table or number_of == place)
            and re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', line)
        ):
            return number
    return last


def _way_out(told: str, kind: Any) -> str:
    """Say which key is nearest to one that is unknown, or which values are permitted."""
    steps, named = _steps(told), _NAMED.search(told)
    way = list(_kinds(kind, [name for name, _ in steps]))
    if named and "unknown" in named[0]:
        keys = [field.encode_name for field in fields(way[-1])] if way and _is_struct(way[-1]) else []
        near = get_close_matches(named[1], keys, 1)
        return f": nearest is {near[0]}" if near else f": known are {', '.join(keys)}" if keys else ""
    values = [value for value in get_args(way[-1]) if value] if way and get_origin(way[-1]) is Literal else []
    return f": permitted are {', '.join(map(str, values))}" if values else ""


def _kinds(kind: Any, names: list[str]) -> Iterator[Any]:
    """Give the types along a way of keys, as far as structs tell them."""
    kind = _bare(kind)
    yield kind
    for name in names:
        field = next((each for each in fields(kind) if each.encode_name == name), None) if _is_struct(kind) else None
        if field is None:
            return
        kind = _bare(field.type)
        yield kind


def _bare(kind: Any) -> Any:
    """Take a type out of what is around it: its description, the list that it stands in, the choice to leave it out."""
    while get_origin(kind) is not Literal and (
        inner := [each for each in get_args(kind) if each not in {..., type(None)}]
    ):
        if get_origin(kind) is dict:
            return kind
        kind = inner[0]
    return kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
