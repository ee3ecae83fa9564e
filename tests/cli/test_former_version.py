"""Files that a former version wrote are read; those of a later one are refused in a line that names both versions."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from vcontract import __version__
from vcontract._errors import RunFileError, UsageError
from vcontract._learn.queries import SCHEMA, Asking, Header, Modelled, WordAnswers
from vcontract._profile import Automaton, encode_profile, load_profile
from vcontract._report.behaviour import load_differences
from vcontract._report.result import load_run
from vcontract._simulator import Settings, SimulatorServer

if TYPE_CHECKING:
    from tests.cli.conftest import Command

FORMER = Path(__file__).parents[1] / "former" / "0.1.0"
FINDING, DEFECT = "056e09c5d5e8", "no-session-says-invalid-login"
METHOD = "AbortCustomization_Task"
UNPROVED = f"VirtualMachineGuestCustomizationManager/{METHOD}/InvalidState"
CUT = 8
"""So many calls were judged when the run was cut."""
LATER = "9.8.7"
BOTH = f"it is of vcontract {LATER}, this is vcontract {__version__}"


@pytest.fixture(autouse=True)
def _folder_with_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that holds the files, unpacked."""
    shutil.copytree(FORMER, tmp_path, dirs_exist_ok=True)
    for packed in tmp_path.rglob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """Give the simulator that the files are about."""
    server = SimulatorServer(Settings(inventory=Path("inventory.toml"), defects=frozenset({DEFECT})))
    server.start()
    yield server
    server.stop()


_NOT_SAID: dict[str, object] = {
    "shown": 0, "cause": [], "after": [], "provisional": False, "former": "", "rows": [], "cells": [], "was": [], "field": "",
    "operation_id": "",
}  # fmt: skip
"""What a run of that version did not say of a finding, as it is read."""


def test_a_saved_run_is_shown_again(vcontract: Command) -> None:
    """`report` gives what `run.json` says, whose version is not known, and draws `junit.xml`."""
    ended = vcontract("report", "run", "--format", "json")
    assert ended.code == 0, ended.err
    shown = json.loads("\n".join(ended.out))
    saved = json.loads(Path("run/run.json").read_bytes())
    saved["findings"] = [each | _NOT_SAID for each in saved["findings"]]
    saved["rows"] = [each | {"seconds": 0.0} for each in saved["rows"]]
    saved["deviations"] |= {"outdated": {}}
    assert shown == shown | saved | {"version": ""}
    properties = {each.get("name"): each.get("value") for each in ET.parse("run/junit.xml").iter("property")}  # noqa: S314 - ours
    assert properties["version"] == "-"
    assert vcontract("report", "run").out[-1] == "violates (15 calls judged, 133 requests, 1 findings); report: run"


def test_a_saved_run_is_judged_again(vcontract: Command) -> None:
    """`judge` comes to the same verdict, finding and rows, and says that this version judged.

    But a row of which only answers came that no source settles is untested now.
    """
    ended = vcontract("judge", "run", "--format", "json")
    judged, saved = json.loads("\n".join(ended.out)), load_run(Path("run"))
    assert (ended.code, judged["verdict"], judged["version"]) == (1, "violates", __version__)
    assert [each["id"] for each in judged["findings"]] == [each.id for each in saved.findings] == [FINDING]
    rows = {each["id"]: each["verdict"] for each in judged["rows"]}
    assert rows == {each.id: each.verdict for each in saved.rows} | {UNPROVED: "untested"}


def test_a_saved_run_of_stress_is_judged_again(vcontract: Command) -> None:
    """`judge` reads its histories."""
    ended = vcontract("judge", "stress", "--format", "json")
    judged = json.loads("\n".join(ended.out))
    assert (ended.code, judged["verdict"], judged["version"]) == (0, "conforms", __version__)
    assert judged["stress"]["legal"] == {"legal": 1}


def test_a_recording_answers_to_the_last_request(vcontract: Command) -> None:
    """A run of it makes the calls that were made then, and ends with the same finding."""
    ended = vcontract("run", "--target", "replay:recording.jsonl", "--report-dir", "again", "--format", "json")
    result, saved = json.loads("\n".join(ended.out)), load_run(Path("run"))
    assert (ended.code, result["calls"]) == (1, saved.calls)
    assert 0 < result["requests"] <= saved.requests, "reads that tell nothing new are left out now"
    assert [each["former"] for each in result["findings"]] == [FINDING]
    assert result["version"] == __version__
    assert not [each for each in result["notes"] if "the recording holds no answer" in each]


def test_a_cut_run_goes_on(vcontract: Command, simulator: SimulatorServer) -> None:
    """`run --resume` goes on with a history that ends in the middle of the run, at the address where it was."""
    history = Path("run/history.jsonl")
    whole = history.read_bytes().replace(load_run(Path("run")).target.url.encode(), simulator.url.encode())
    lines = whole.splitlines(keepends=True)
    judged = [number for number, line in enumerate(lines) if b'"purpose":"judge"' in line]
    history.write_bytes(b"".join(lines[: judged[CUT]]))
    ended = vcontract("run", "--resume", "run", "--target", simulator.url, "--format", "json")
    result = json.loads("\n".join(ended.out))
    assert (len(judged), result["calls"]) == (15, 15)
    assert (ended.code, [each["former"] for each in result["findings"]]) == (1, [FINDING])


def test_a_profile_is_judged_by(vcontract: Command) -> None:
    """`run --profile` takes it; written again, it is of this version."""
    found = load_profile(Path("profile.json"))
    assert (found.version, json.loads(encode_profile(found))["version"]) == ("", __version__)
    options = ("--seed", 1, "--max-calls", 3, "--method", METHOD, "--format", "json")
    ended = vcontract("run", "--profile", "profile.json", *options)
    assert ended.code == 5, ended.err
    assert json.loads("\n".join(ended.out))["profile"] == "profile.json"


def test_a_comparison_is_read(vcontract: Command) -> None:
    """Its differences are found by their ids, and a saved run is compared with itself."""
    assert [each.fingerprint for each in load_differences(Path("differences.json"))] == ["bc8a25865f5f"]
    ended = vcontract("replay", "differences.json#000000000000")
    assert (ended.code, "has no difference 000000000000" in ended.err[-1]) == (2, True)
    assert vcontract("compare", "run", "run").out[-1] == "A run -> B run: no difference"


def test_words_that_were_learned_are_known(tmp_path: Path) -> None:
    """The answers of a file that names no version are taken up; a new file names this one."""
    header = Header(SCHEMA, "Contract", "http://127.0.0.1/sdk", "8.0.3.0")
    system = Modelled(Automaton(({"a": ("Success", 0)},)))
    new = tmp_path / "new.words"
    Asking(system, new, header)
    assert json.loads(new.read_bytes())["version"] == __version__
    former = json.loads(new.read_bytes())
    del former["version"]
    file = tmp_path / "former.words"
    file.write_text(json.dumps(former) + '\n{"word": ["a"], "answers": ["Success"]}\n')
    assert Asking(system, file, header).ask(("a",)) == "Success"
    assert system.made == 0
    assert WordAnswers(("a",)).varies == ""


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("run/run.json", ("report", "run")),
        ("run/run.json", ("judge", "run")),
        ("run/run.json", ("compare", "run", "run")),
        ("run/run.json", ("replay", f"run#{FINDING}")),
        ("stress/run.json", ("judge", "stress")),
        ("profile.json", ("run", "--profile", "profile.json")),
        ("differences.json", ("replay", "differences.json#bc8a25865f5f")),
        ("recording.jsonl", ("run", "--target", "replay:recording.jsonl")),
    ],
    ids=lambda given: given if isinstance(given, str) else given[0],
)
def test_a_file_of_a_later_version_is_refused(vcontract: Command, file: str, arguments: tuple[str, ...]) -> None:
    """Of a schema that is not known yet: one line, with the schemas and both versions; exit 2, and nothing is written."""
    before, _, rest = Path(file).read_text("utf-8").partition('/1"')
    Path(file).write_text(f'{before}/2", "version": "{LATER}"{rest}', "utf-8")
    there = sorted(Path().rglob("*"))
    ended = vcontract(*arguments)
    assert (ended.code, len(ended.err), ended.out) == (2, 1, [])
    assert BOTH in ended.err[0]
    assert "/2', expected " in ended.err[0]
    assert sorted(Path().rglob("*")) == there


def test_words_of_a_later_version_are_refused(tmp_path: Path) -> None:
    """One line with both versions."""
    file = tmp_path / "later.words"
    file.write_text(json.dumps({"schema": "vcontract.words/2", "version": LATER, "more": 1}) + "\n")
    with pytest.raises(UsageError, match=BOTH):
        Asking(Modelled(Automaton(())), file, Header(SCHEMA, "Contract", "", ""))


def test_a_file_of_a_later_version_with_more_in_it_says_so() -> None:
    """The schema is known, a field of it is not."""
    profile = json.loads(Path("profile.json").read_bytes())
    Path("profile.json").write_text(json.dumps(profile | {"version": LATER, "more": 1}))
    with pytest.raises(UsageError, match=f"unknown field `more`.*{BOTH}"):
        load_profile(Path("profile.json"))


def test_a_file_that_names_no_version_is_refused_too() -> None:
    """The line says that it names none."""
    Path("run/run.json").write_text('{"schema": "vcontract.run/0"}')
    with pytest.raises(RunFileError, match=f"it is of no named version, this is vcontract {__version__}"):
        load_run(Path("run"))
