"""One whole run against the simulator, in this process and over a real wire: verdicts, files, secrets, and judging it again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from tests.windows import skipping
from vcontract import _simulator
from vcontract._check import Answer, explain, legal_orders
from vcontract._check.verdicts import RUNTIME_CELLS
from vcontract._commands.run import execute
from vcontract._config.printed_command import repeating_command
from vcontract._config.request import RunRequest, request_of
from vcontract._contract import load
from vcontract._history import FACTS, read_history, stream
from vcontract._model import cells, facts_of
from vcontract._model.labels import Label
from vcontract._report.result import RunResult, load_run
from vcontract._run.preparation import Preparation
from vcontract._run.rejudge import rejudge
from vcontract._simulator import SimulatorServer
from vcontract._terms import Observed, Operation, Verdict

MANAGER = "VirtualMachineGuestCustomizationManager"
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
FAULTS = (
    "TaskInProgress", "InvalidState", "InvalidPowerState", "InvalidGuestLogin", "GuestPermissionDenied",
    "CustomizationFault", "RuntimeFault",
)  # fmt: skip
EVERY = ("NotAuthenticated", "NoPermission", "ManagedObjectNotFound", "InvalidRequest", "MethodNotFound")


class Whole(NamedTuple):
    """A run that is over: its result, and where its files are."""

    result: RunResult
    files: Path


def one_run(folder: Path, request: RunRequest, inventory: Path | None = None, **more: Any) -> Whole:
    """Run against a simulator of this test's own."""
    server = SimulatorServer(skipping(inventory=inventory))
    server.start()
    try:
        asked = replace(request, target=server.url, report_dir=folder, output="json", **more)
        result = execute(asked, Preparation(replay=repeating_command(request)))
    finally:
        server.stop()
    return Whole(result, folder / "latest")


def expect_every_row_to_conform(whole: Whole) -> None:
    """Expect the 21 documented rows, the promises beside them, the object's and every method's; exit 0, no finding."""
    verdicts = {each.id: each for each in whole.result.rows}
    wanted = {f"{MANAGER}/{method}/{fault}" for method in METHODS for fault in FAULTS}
    wanted |= {f"{MANAGER}/{method}/Success" for method in METHODS} | {f"EveryMethod/{each}" for each in EVERY}
    assert wanted <= set(verdicts)
    assert {id_: each.reason for id_, each in verdicts.items() if each.verdict is not Verdict.CONFORMS} == {}
    assert (whole.result.verdict, whole.result.exit_code, whole.result.findings) == (Verdict.CONFORMS, 0, [])


def every_documented_fault_was_seen(whole: Whole) -> None:
    """Oracle rule A7: the simulator chooses each, so that no row stands on "never chosen" here."""
    for row in whole.result.rows:
        assert row.observed, row.id
        assert row.reason == ""


def the_runtime_fault_cells_were_exercised(whole: Whole) -> None:
    """Oracle section G: the six cells that need no lever, for each method."""
    cells = {json.loads(line)["cell"] for line in (whole.files / "cells.jsonl").read_text("utf-8").splitlines()}
    assert {f"{method}:{name}" for method in METHODS for name in RUNTIME_CELLS} <= cells


def run_json_has_all_that_is_promised(whole: Whole) -> None:
    """Expect the fields on which others build, by their names."""
    saved = json.loads((whole.files / "run.json").read_text("utf-8"))
    promised = {
        "schema",
        "verdict",
        "exit_code",
        "seed",
        "calls",
        "requests",
        "sharpness",
        "target",
        "rows",
        "cells",
        "findings",
        "replay",
        "request",
    }
    assert promised <= set(saved)
    assert (request_of(saved["request"]).seed, saved["request"]["password_file"]) == (7, None)
    assert (saved["schema"], saved["verdict"], saved["exit_code"], saved["seed"]) == (
        "vcontract.run/1",
        "conforms",
        0,
        7,
    )
    assert {"url", "api_version", "build", "product"} <= set(saved["target"])
    assert {"id", "verdict", "reason", "observed", "seconds"} == set(saved["rows"][0])
    assert saved["requests"] > saved["calls"] > 100
    assert saved["replay"] == "vcontract run --seed 7"
    assert saved["sharpness"]["pivot_mean"] <= 3
    assert saved["sharpness"]["kill_rate"] >= 0.9
    assert saved["sharpness"]["best_constant"][1] < 0.5
    assert saved["sharpness"]["weakest"]
    assert msgspec.json.encode(load_run(whole.files)) == msgspec.json.encode(whole.result)


def every_reachable_cell_was_exercised(whole: Whole) -> None:
    """All of them, each seen in the history; what is out of reach says why; the plan is as good as it may be."""
    found = whole.result.cells
    assert found.exercised == found.reachable == len(set(found.seen)) > 1000
    assert found.unseen == []
    assert all(reason and names for reason, names in found.unreachable.items())
    assert found.reachable + sum(map(len, found.unreachable.values())) == len(list(cells(load(MANAGER))))
    operations = read_history(whole.files / "history.jsonl").operations
    assert set(found.seen) <= {Label.parse(each.cell).step for each in operations if each.purpose == "judge"}
    assert found.arrangements.planned <= 1.5 * found.arrangements.least
    assert found.arrangements.made <= 1.3 * found.arrangements.planned, "however slow this machine is"


def nothing_is_asked_for_nothing(whole: Whole) -> None:
    """At most five requests go with a judged call, arranging included, and one of a hundred could tell nothing new."""
    assert whole.result.requests <= 5 * whole.result.calls
    assert whole.result.idle_reads <= 0.01 * whole.result.requests
    assert whole.result.slowest["Tools"] > 0


def calls_are_judged_calls(whole: Whole) -> None:
    """Expect `calls` to count those of the contract under test, and `requests` everything."""
    operations = read_history(whole.files / "history.jsonl").operations
    judged = [each for each in operations if each.purpose == "judge"]
    assert len(judged) == whole.result.calls
    assert {each.call.method for each in judged} == set(METHODS)
    assert len(operations) == whole.result.requests
    assert min(Counter(each.call.method for each in judged).values()) > 30


def the_saved_run_judges_the_same(whole: Whole) -> None:
    """Without a server: the same rows and findings."""
    again = rejudge(whole.files)
    rows = [[replace(each, seconds=0.0) for each in one.rows] for one in (again, whole.result)]  # times may be rounded
    assert rows[0] == rows[1]
    assert again.findings == whole.result.findings
    assert (again.verdict, again.exit_code) == (whole.result.verdict, whole.result.exit_code)


def a_history_that_was_tampered_with_judges_otherwise(whole: Whole) -> None:
    """Judging again looks at the operations, not at the verdict that was saved."""
    folder = whole.files.parent / "tampered"
    folder.mkdir()
    for name in ("run.json", "history.jsonl"):
        (folder / name).write_bytes((whole.files / name).read_bytes())
    text = (folder / "history.jsonl").read_text("utf-8")
    assert '"type":"InvalidGuestLogin"' in text
    (folder / "history.jsonl").write_text(
        text.replace('"type":"InvalidGuestLogin"', '"type":"GuestPermissionDenied"'), "utf-8"
    )
    again = rejudge(folder)
    rows = {each.id.rsplit("/", 1)[-1] for each in again.rows if each.verdict is Verdict.VIOLATES}
    assert again.exit_code == 1
    assert rows == {"GuestPermissionDenied"}


def each_machine_has_a_legal_order(whole: Whole) -> None:
    """Expect it of the plainest of concurrent histories, what was done in turn; it meets all states that can be arranged."""
    noted = list(stream(whole.files / "history.jsonl"))
    [facts] = [facts_of(each.facts) for each in noted if isinstance(each, Observed) and each.subject == FACTS]
    operations = [each for each in noted if isinstance(each, Operation)]
    found = legal_orders(operations, facts, load(MANAGER), load("VirtualMachine"))
    told = [explain(each).text() for each in found if each.result.answer is Answer.ILLEGAL]
    assert told == []
    assert max(len(each.encoded.kinds) for each in found) > 200


def test_a_whole_run(tmp_path: Path) -> None:
    """One test, for the run is long and workers share nothing."""
    whole = one_run(tmp_path, RunRequest(seed=7))
    expect_every_row_to_conform(whole)
    every_documented_fault_was_seen(whole)
    the_runtime_fault_cells_were_exercised(whole)
    run_json_has_all_that_is_promised(whole)
    every_reachable_cell_was_exercised(whole)
    calls_are_judged_calls(whole)
    the_saved_run_judges_the_same(whole)
    each_machine_has_a_legal_order(whole)
    a_history_that_was_tampered_with_judges_otherwise(whole)


def guarded(folder: Path) -> Whole:
    """Run a little with a configuration whose guest passwords are the user's own, against guests that know them."""
    inventory = folder / "inventory.toml"
    text = (Path(_simulator.__file__).parent / "inventory.toml").read_text("utf-8")
    for name in ("root", "user"):
        text = text.replace(
            f'username = "{name}"\npassword = "guest"', f'username = "{name}"\npassword = "canary-of-{name}"'
        )
    inventory.write_text(text, "utf-8")
    lines = ['owner = "vcontract"', "confirm = 1", "staleness = 0.02", "publish = 0"]
    for role, name in (("full", "administrator@vsphere.local"), ("unprivileged", "operator@vsphere.local")):
        (folder / role).write_text("vcontract\n", "utf-8")
        lines += ["[[account]]", f'role = "{role}"', f'username = "{name}"', f'password_file = "{folder / role}"']
    for name, able in (("root", "true"), ("user", "false")):
        lines += ["[[guest]]", f'username = "{name}"', f"may_customize = {able}", f'password = "canary-of-{name}"']
    (folder / "vcontract.toml").write_text("\n".join(lines), "utf-8")
    return one_run(folder, RunRequest(seed=1, max_calls=40), inventory, config=folder / "vcontract.toml")


def test_no_secret_is_in_any_file(tmp_path: Path) -> None:
    """Guest passwords go over the wire and nowhere else; and a run that is cut short is not green."""
    found = guarded(tmp_path)
    files = [each for each in found.files.rglob("*") if each.is_file()]
    assert {"run.json", "history.jsonl", "findings.jsonl", "cells.jsonl", "junit.xml"} <= {each.name for each in files}
    for file in files:
        content = file.read_bytes()
        for canary in (b"canary-of-root", b"canary-of-user"):
            assert canary not in content, file.name
    history = (found.files / "history.jsonl").read_text("utf-8")
    assert "secret:guest.root" in history
    assert "secret:account.full" in history
    assert found.result.calls >= 40
    assert "OK" in {name for row in found.result.rows for name in row.observed}, "the guests accepted the passwords"
    assert found.result.exit_code != 0
    assert any(each.verdict is Verdict.UNTESTED and each.reason for each in found.result.rows)


def test_only_the_selected_method_is_reported(tmp_path: Path) -> None:
    """Rows that were not selected are not in the report."""
    found = one_run(tmp_path, RunRequest(seed=1, max_calls=12, methods=METHODS[1:2]))
    assert {each.id.split("/")[1] for each in found.result.rows if each.id.startswith(MANAGER)} == {METHODS[1]}
    saved = msgspec.json.decode((found.files / "run.json").read_bytes())
    assert len(saved["rows"]) == len(found.result.rows)
    assert replace(found.result, rows=[]).calls >= 12
