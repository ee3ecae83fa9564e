"""`vcontract compare` as a command: exit codes, files, and the matrix of client and server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.windows import fitted
from vcontract._simulator import SimulatorServer

FEW = ("--method", "StartGuestNetwork_Task", "--method", "AbortCustomization_Task", "--max-calls", 70)
Command = Callable[..., tuple[int, list[str], list[str]]]


def test_what_the_client_is_told_anew_is_told_apart_from_what_the_server_does(
    vcontract: Command, tmp_path: Path
) -> None:
    """NoPermission has a field more for clients of 8.0.3.0, whatever the server: that is the client's side of the matrix."""
    out = tmp_path / "report.json"
    asked = ("--matrix", *FEW, "--report-dir", tmp_path, "--format", "json", "--out", out, "--fail-on", "addition")
    code, lines, told = vcontract("compare", "6.8.7", "8.0.3.0", *asked)
    found = json.loads(out.read_bytes())
    assert code == found["exit_code"] == 100
    assert [(each["kind"], each["path"], each["position"]) for each in found["differences"]] == [
        ("fieldAdded", "NoPermission.missingPrivileges", "client")
    ]
    assert lines == [f"A 6.8.7 -> B 8.0.3.0: 0 breaking, 0 risky, 1 addition; report: {out}"]
    assert [each.partition(":")[0] for each in told] == [
        "6.8.7, client of API 6.8.7", "8.0.3.0, client of API 6.8.7", "8.0.3.0, client of API 8.0.3.0"
    ]  # fmt: skip


def test_a_server_that_changed_is_told_as_such(vcontract: Command, tmp_path: Path) -> None:
    """Two servers of one API: nothing of the client is left to vary, and what differs is the server's."""
    server = SimulatorServer(fitted(upgrades=frozenset({"channel-moved"})))
    server.start()
    try:
        asked = ("--matrix", *FEW, "--seed", 2, "--report-dir", tmp_path)
        code, lines, _ = vcontract("compare", "8.0.3.0", server.url, *asked)
    finally:
        server.stop()
    assert code == 100
    assert any(line.startswith("breaking: movedToTask (server): ") for line in lines)
    assert any("nothing is left to vary" in line for line in lines)


@pytest.mark.parametrize("option", [("--max-calls", 5), ("--method", "M"), ("--seed", 3), ("--contract", "C")])
def test_options_of_a_run_go_with_the_matrix_alone(vcontract: Command, option: tuple[str, object]) -> None:
    """Saved runs are compared as they are."""
    code, _, told = vcontract("compare", "a", "b", *option)
    assert code == 2
    assert told == [
        f"vcontract: {option[0]}: does not go with saved runs, which are compared as they are (--matrix runs anew)"
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare", "nowhere", "nowhere"), "nowhere: no saved run"),
        (("compare", "a", "b", "--fail-on", "all"), "--fail-on all: must be one of"),
        (("compare", "a", "b", "--format", "xml"), "--format xml: must be one of"),
        (("replay", "{report}#000000000000"), "has no difference 000000000000"),
        (("replay", "{report}#111111111111"), "has no calls of its own to send"),
        (("replay", "{other}#111111111111"), "its schema is None"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: tuple[str, ...], said: str, vcontract: Command, tmp_path: Path
) -> None:
    """Exit 2, and the place is named."""
    report, other = tmp_path / "report.json", tmp_path / "other.json"
    bare = {"fingerprint": "1" * 12, "class": "breaking", "kind": "k", "path": "p", "old": "", "new": "", "reason": "r"}
    report.write_text(json.dumps({"schema": "vcontract.differences/1", "differences": [bare]}))
    other.write_text("{}")
    code, _, told = vcontract(*(each.format(report=report, other=other) for each in arguments))
    assert code == 2
    assert len(told) == 1
    assert said in told[0]
