"""`vcontract judge --calls`: what is printed, and the exit code; a file that cannot be used is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.har_proxy import recording
from tests.windows import fitted
from vcontract._client import Secrets, Target
from vcontract._simulator import SimulatorServer

if TYPE_CHECKING:
    from tests.cli.conftest import Command


@pytest.fixture
def log_in(tmp_path: Path) -> Path:
    """Give the recording of a client that only logs in and out."""
    with SimulatorServer(fitted()) as server, recording(server.url) as told:
        secrets = Secrets({"vcenter.admin": "vcontract"}, public=["vcenter.admin"])
        target = Target.open(told.url, secrets=secrets)
        target.login("admin", "administrator@vsphere.local", "vcenter.admin")
        target.close()
    return told.written(tmp_path / "calls.har")


def test_a_recording_without_calls_to_judge_is_told_in_a_line(vcontract: Command, log_in: Path) -> None:
    """Exit 5: that is no evidence; the JSON form says the same."""
    told = vcontract("judge", "--calls", log_in)
    assert (told.code, told.err) == (5, [])
    assert told.out[-1].startswith("untested: none of ")
    as_json = vcontract("judge", "--calls", log_in, "--format", "json")
    document = json.loads("\n".join(as_json.out))
    assert (as_json.code, document["verdict"], document["exit_code"]) == (5, "untested", 5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name the directory of a saved run, or --calls FILE"),
        (("RUN", "--calls", "FILE"), "--calls takes the place of a run"),
        (("--calls", "FILE", "--output", "text=x"), "--calls takes the place of a run"),
        (("--calls", "none.har"), "none.har: cannot be read"),
        (("--calls", "FILE", "--contract", "Nothing"), "Nothing"),
        (("--calls", "FILE", "--format", "xml"), "--format xml"),
        (("RUN", "--contract", "VirtualMachine"), "--contract is for --calls"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    arguments: tuple[str, ...], says: str, vcontract: Command, log_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, and no traceback."""
    monkeypatch.chdir(log_in.parent)
    told = vcontract("judge", *(str(log_in) if each == "FILE" else each for each in arguments))
    assert (told.code, len(told.err)) == (2, 1)
    assert says in told.err[0]


def test_what_a_recording_says_is_not_obeyed_by_a_terminal(vcontract: Command, log_in: Path) -> None:
    """Its texts are somebody's: no control character of them is printed."""
    told = json.loads(log_in.read_text())
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><AbortCustomization_Task'
        ' xmlns="urn:vim25"><_this type="VirtualMachineGuestCustomizationManager">x&#155;31m\x7f</_this>'
        "</AbortCustomization_Task></e:Body></e:Envelope>"
    )
    told["log"]["entries"][0]["request"]["postData"]["text"] = body
    told["log"]["entries"][0]["request"]["method"] = "POST"
    log_in.write_text(json.dumps(told))
    ended = vcontract("judge", "--calls", log_in)
    assert any("AbortCustomization_Task" in line for line in ended.out)
    assert not [line for line in ended.out if "\x9b" in line or "\x7f" in line]
