"""Specifications that were changed at random, as values and as bytes: each is checked, or refused in one line."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.written_forms import SPEC, forms, without_types
from vcontract._api.check_spec import check_spec
from vcontract._errors import UsageError

ROUNDS = 400
ODD: tuple[Any, ...] = (
    *(None, "", 0, -1, True, 1.5, float("inf"), 2**70, "\x00"),
    *([], {}, [None], [[]], [{}], {"_typeName": 5}, {"_typeName": "CustomizationSpec"}, {"_value": 3}),
)
PIECES = (b"<", b">", b"null", b"{", b"&a ", b"*a", b"\xff", b"\x00", b"-1", b'"')


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List the ways to every value within one."""
    yield way
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*way, step))


def changed(value: dict[str, Any], drawn: random.Random) -> dict[str, Any]:
    """Put odd values in one to three places."""
    made = copy.deepcopy(value)
    for _ in range(drawn.randint(1, 3)):
        *way, last = drawn.choice([each for each in places(made) if each])
        holder: Any = made
        for step in way:
            holder = holder[step]
        holder[last] = copy.deepcopy(drawn.choice(ODD))
    return made


def told(spec: Any) -> str:
    """Check one; gives what is said of it where it is refused. Every other error is one of ours."""
    try:
        check_spec(spec)
    except UsageError as wrong:
        return str(wrong)
    return ""


@pytest.mark.parametrize("base", [SPEC, without_types(SPEC)], ids=["with types", "without"])
def test_changed_values_are_checked_or_refused(base: dict[str, Any]) -> None:
    """Whatever stands in whatever place."""
    drawn = random.Random(7)  # noqa: S311 - the same changes each time
    said = [told(changed(base, drawn)) for _ in range(ROUNDS)]
    assert not [each for each in said if "\n" in each]
    assert 0 < sum(map(bool, said)) < ROUNDS


def test_changed_bytes_are_checked_or_refused(tmp_path: Path) -> None:
    """Of every form: bytes that were lost, doubled, or put in."""
    drawn, file, said = random.Random(8), tmp_path / "spec", []  # noqa: S311 - the same
    for content in forms().values():
        for _ in range(ROUNDS // 10):
            made = bytearray(content)
            at = drawn.randrange(len(made))
            taken = made[at : at + drawn.randint(1, 30)]
            made[at : at + drawn.choice((0, len(taken)))] = drawn.choice((bytes(taken), b"", drawn.choice(PIECES)))
            file.write_bytes(bytes(made))
            said.append(told(file))
    assert not [each for each in said if "\n" in each or (each and not each.startswith(f"{file}: "))]
    assert 0 < sum(map(bool, said)) < len(said)


def test_the_fuzz_reads_what_json_can_say() -> None:
    """The base without types is what ConvertTo-Json would write."""
    assert json.loads(json.dumps(without_types(SPEC)))["Identity"]["HostName"] == {"Name": "web_1"}
