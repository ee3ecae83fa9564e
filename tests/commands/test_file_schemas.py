"""`vcontract schema`: each is a valid schema, and what was written by the tests of other rooms is valid by it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from vcontract._commands.file_schemas import NAMES, file_schema, listed
from vcontract._errors import UsageError
from vcontract._report.diagnosis import Check, Diagnosis, Standing

FORMER = Path(__file__).parents[1] / "former" / "0.1.0"


def validator(name: str) -> Draft202012Validator:
    """Give what judges by a schema."""
    return Draft202012Validator(json.loads(file_schema(name)))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_schema_that_forbids_something(name: str) -> None:
    """Of 2020-12, named and told in the list, and no document of another kind is valid by it."""
    Draft202012Validator.check_schema(json.loads(file_schema(name)))
    assert f"{name}  " in listed()
    assert not validator(name).is_valid(["none"])


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    """In one line."""
    with pytest.raises(UsageError, match=r"schema nothing: must be one of .*history.*run"):
        file_schema("nothing")


def test_files_that_are_kept_are_valid() -> None:
    """A profile and a recording that a former version wrote, and a diagnosis."""
    for name, file in (("profile", "profile.json"), ("differences", "differences.json")):
        assert validator(name).is_valid(json.loads((FORMER / file).read_bytes()) | {"version": "0.1.0"}), name
    packed = next(FORMER.glob("recording.jsonl*"))
    lines = (gzip.decompress(packed.read_bytes()) if packed.suffix == ".gz" else packed.read_bytes()).splitlines()
    for line in lines[:50]:
        assert validator("recording").is_valid(json.loads(line))
    diagnosis = Diagnosis("https://vc/sdk", [Check("TLS", Standing.BAD, "a", "b", 3)])
    assert validator("diagnosis").is_valid(json.loads(msgspec.json.encode(diagnosis)))
