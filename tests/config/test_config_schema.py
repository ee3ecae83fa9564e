"""The published JSON Schema of vcontract.toml says what the code accepts, and the example of its page keeps to it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import msgspec
import pytest

from vcontract._config.config import LOOPBACK, Config
from vcontract._config.json_schema import PUBLISHED, config_schema
from vcontract._shipped import page

SCHEMA: dict[str, Any] = msgspec.json.decode(PUBLISHED.read_bytes())
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}


def faults(value: Any, schema: dict[str, Any], place: str = "$") -> list[str]:
    """Check a value by the few words of JSON Schema that the published one uses; any other word is a fault too."""
    schema = {**SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema
    if "anyOf" in schema:
        tried = [faults(value, one, place) for one in schema["anyOf"]]
        return [] if [] in tried else [each for one in tried for each in one]
    known = {"$ref", "$schema", "$defs", "title", "description", "default", "required"}
    known |= {
        "type",
        "enum",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "properties",
        "additionalProperties",
        "items",
    }
    found = [f"{place}: {word} is not understood" for word in schema.keys() - known]
    kind = KINDS[schema["type"]] if "type" in schema else str
    if not isinstance(value, kind) or (isinstance(value, bool) and schema.get("type") not in {"boolean", None}):
        return [*found, f"{place}: is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: {value!r} is none of {schema['enum']}")
    if value_too_small(value, schema):
        found.append(f"{place}: {value!r} is too small")
    if "maximum" in schema and value > schema["maximum"]:
        found.append(f"{place}: {value!r} is too large")
    if len(str(value)) > schema.get("maxLength", len(str(value))):
        found.append(f"{place}: {value!r} is too long")
    for number, each in enumerate(value if isinstance(value, list) else ()):
        found += faults(each, schema["items"], f"{place}[{number}]")
    if isinstance(value, dict):
        found += [f"{place}: lacks {name}" for name in schema.get("required", ()) if name not in value]
        for name, each in value.items():
            inner = schema["properties"].get(name)
            found += faults(each, inner, f"{place}.{name}") if inner else [f"{place}: unknown key {name}"]
    return found


def value_too_small(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a number or a text is below its least."""
    if "minimum" in schema:
        return bool(value < schema["minimum"])
    return "minLength" in schema and len(value) < schema["minLength"]


def example() -> dict[str, Any]:
    """Read the example of the page for users."""
    (text,) = re.findall(r"```toml\n(# vcontract\.toml.*?)```", page("_config/README.md").read_text("utf-8"), re.DOTALL)
    return tomllib.loads(text)


def test_the_published_schema_is_what_the_code_makes() -> None:
    """After a change of a key: `vcontract doctor --print-schema > harness/vcontract/vcontract.schema.json`."""
    assert PUBLISHED.read_text("utf-8") == config_schema()


def test_every_key_is_described() -> None:
    """An editor shows a sentence for each key, and each table refuses unknown ones."""
    tables = [SCHEMA, *SCHEMA["$defs"].values()]
    mute = [
        (table["title"], key)
        for table in tables
        for key, each in table["properties"].items()
        if "." not in each.get("description", "")
    ]
    assert mute == []
    assert all(table["additionalProperties"] is False and table["description"] for table in tables)


def test_the_example_of_the_readme_keeps_to_it() -> None:
    """By the schema and by the code."""
    assert faults(example(), SCHEMA) == []
    assert msgspec.convert(example(), Config).account[0].role == "full"


def test_what_the_code_writes_keeps_to_it() -> None:
    """The built-in configuration for loopback."""
    assert faults(msgspec.json.decode(msgspec.json.encode(LOOPBACK)), SCHEMA) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"tarjet": "https://x/sdk"},
        {"account": [{"role": "root", "username": "x"}]},
        {"account": [{"role": "full"}]},
        {"limits": {"calls_per_second": -1}},
        {"limits": {"parallel_calls": 1.5}},
        {"allow": ["power", "all"]},
        {"confirm": 0},
        {"waive": [{"row": "*", "reason": ""}]},
        {"lever": [{"does": "explode", "program": "/bin/false"}]},
    ],
)
def test_schema_and_code_refuse_alike(wrong: dict[str, Any]) -> None:
    """What the one calls wrong the other does too."""
    assert faults(wrong, SCHEMA) != []
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Config)
