"""`vcontract spec check` as a user types it: what it prints, how it ends, what it makes of files that it cannot read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from vcontract._commands.file_schemas import file_schema

if TYPE_CHECKING:
    from tests.cli.conftest import Command

KNOWN = (
    "--api=8.0.3.0",
    "--guest=ubuntu64Guest",
    "--nics=1",
    "--method=CustomizeGuest_Task",
    "--no-generator",
    "--no-decrypts",
)


def spec(name: str = "web-1") -> dict[str, Any]:
    """Give a specification with a host name."""
    return {
        "identity": {
            "_typeName": "CustomizationLinuxPrep",
            "hostName": {"_typeName": "CustomizationFixedName", "name": name},
            "domain": "example.com",
        },
        "globalIPSettings": {},
        "nicSettingMap": [{"adapter": {"ip": {"_typeName": "CustomizationDhcpIpGenerator"}}}],
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name a file for a specification."""
    return tmp_path / "spec.json"


def test_one_that_is_promised_ends_with_0(vcontract: Command, file: Path) -> None:
    """One line says that nothing was found."""
    file.write_text(json.dumps(spec()))
    ended = vcontract("spec", "check", file, *KNOWN)
    assert (ended.code, ended.err) == (0, [])
    assert ended.out == [f"{file} (JSON, without types): nothing will be refused, nothing may be refused"]


def test_one_that_will_be_refused_ends_with_1(vcontract: Command, file: Path) -> None:
    """With the field, the rule in a sentence, the fault, and where to read it."""
    file.write_text(json.dumps(spec("web_1")))
    ended = vcontract("spec", "check", file, *KNOWN)
    assert (ended.code, ended.err) == (1, [])
    first, fault, *sources, last = ended.out
    assert first.startswith("will be refused: spec.identity.hostName.name: a Linux host name is made of letters")
    assert first.endswith("[C12, O]")
    assert fault == "    by InvalidArgument"
    assert all(line.startswith("    source: https://") for line in sources)
    assert len(sources) >= 2
    assert last.endswith("1 will be refused, nothing may be refused")


def test_what_is_only_possible_ends_with_0(vcontract: Command, file: Path) -> None:
    """And says what would settle it."""
    file.write_text(json.dumps(spec()))
    ended = vcontract("spec", "check", file)
    assert ended.code == 0
    assert any(line.startswith("may be refused: spec.nicSettingMap: ") for line in ended.out)
    assert any("(not known: how many network adapters the VM has)" in line for line in ended.out)
    assert ended.out[-1].endswith("nothing will be refused, 3 may be refused")


def test_what_is_printed_for_programs_has_its_schema(vcontract: Command, file: Path) -> None:
    """Exit codes are the same."""
    file.write_text(json.dumps(spec("web_1")))
    ended = vcontract("spec", "check", file, "--format", "json", *KNOWN)
    assert ended.code == 1
    told = json.loads("\n".join(ended.out))
    jsonschema.validate(told, json.loads(file_schema("spec-check")))
    assert told["schema"] == "vcontract.spec-check/1"
    assert [each["path"] for each in told["problems"]] == ["spec.identity.hostName.name"]


def test_standard_input_is_read(vcontract: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by a hyphen."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(spec()).encode())))
    ended = vcontract("spec", "check", "-", *KNOWN)
    assert ended.code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"_typeName": "VirtualMachineConfigSpec"}', "it is a VirtualMachineConfigSpec, not a CustomizationSpec"),
        ('{"identity": {"_typeName": "CustomizationQuantumPrep"}}', "is a type that no release up to 9.1.0.0 has"),
        (
            '{"identity": {"_typeName": "CustomizationLinuxPrep", "shoe": 3}}',
            "spec.identity.shoe: no CustomizationLinuxPrep has",
        ),
        ("x" * 10_000_000, "it is longer than 4 MiB"),
        ("[" * 100_000, "more than 64 levels in each other"),
        ("customize {\n  linux_options {}\n}\n", "it holds no object"),
    ],
    ids=["another type", "a newer release", "an unknown field", "10 MB", "100,000 deep", "a dialect that is not read"],
)
def test_a_file_that_is_no_specification_ends_with_2(vcontract: Command, file: Path, content: str, said: str) -> None:
    """One line on standard error: the file, the place, what is wrong."""
    file.write_text(content)
    ended = vcontract("spec", "check", file)
    assert (ended.code, ended.out) == (2, [])
    (line,) = ended.err
    assert line.startswith(f"vcontract: {file}: ")
    assert said in line


def test_mistakes_on_the_command_line_end_with_2(vcontract: Command, file: Path) -> None:
    """A file that is not there, a fact that cannot be, a form that is none."""
    file.write_text(json.dumps(spec()))
    assert vcontract("spec", "check", file.with_name("other")).code == 2
    assert vcontract("spec", "check", file, "--method=PowerOnVM_Task").code == 2
    assert vcontract("spec", "check", file, "--format=xml").code == 2
