"""What leaves at each level of risk, seen on the wire by a proxy, and what is left of it on the VMs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.mangler import Exchange, Mangled, Reply
from tests.windows import fitted
from vcontract import _simulator as simulated
from vcontract._client import Target
from vcontract._client.properties import list_vms
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._config.risk import LEVELS
from vcontract._errors import UsageError
from vcontract._report.result import RunResult
from vcontract._run.preparation import Preparation
from vcontract._simulator import SimulatorServer
from vcontract._terms import Ref, Verdict
from vcontract._testbed.survey import secrets_of

READS = {
    *("RetrieveServiceContent", "Login", "Logout", "CurrentTime", "RetrievePropertiesEx", "CreateContainerView"),
    *(
        "ContinueRetrievePropertiesEx",
        "DestroyView",
        "HasPrivilegeOnEntities",
        "CreatePropertyCollector",
        "CreateFilter",
    ),
    *("DestroyPropertyFilter", "WaitForUpdatesEx", ""),
}
"""Methods that change nothing of a VM, by the vendor's documentation; what is no call at all is none either."""
JUDGED = {"CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"}
OTHERS = "hers"
BUILT_IN = Path(simulated.__file__).parent / "inventory.toml"
SHOWN = [
    "name",
    "config.template",
    "runtime",
    "guest",
    "config.extraConfig",
    "customValue",
    "snapshot",
    "config.changeVersion",
]


class Watched:
    """A run at a level, behind a proxy that notes what passes, and the VMs before and after it."""

    def __init__(self, level: str, url: str, mangled: Mangled, reports: Path, **asked: Any) -> None:
        self.sent: list[tuple[str, str]] = []
        self.before = inventory(url)
        proxy = mangled(self._note, url)
        request = RunRequest(target=proxy.url, seed=5, risk=level, report_dir=reports, output="none", **asked)
        self.result: RunResult = execute(request)
        self.after = inventory(url)

    def _note(self, exchange: Exchange) -> Reply:
        self.sent.append((exchange.method, exchange.vm))
        return exchange.ask()

    @property
    def others(self) -> set[str]:
        """The VMs that carry no mark, by moId."""
        return {ref.value for ref, values in self.before.items() if values["name"] == OTHERS}

    @property
    def methods(self) -> set[str]:
        """The methods that were called."""
        return {method for method, _ in self.sent}


def inventory(url: str) -> dict[Ref, Any]:
    """Read what a server shows of every VM."""
    target = Target.open(url, secrets=secrets_of(LOOPBACK))
    with closing(target):
        target.login("full", "administrator@vsphere.local", "account.full")
        return list_vms(target, "full", SHOWN)


def as_found(values: dict[str, Any]) -> tuple[str, bool, str]:
    """Give what of a VM can be put back."""
    return values["name"], values["config.template"], values["runtime"]["powerState"]


def served(folder: Path, *defects: str) -> SimulatorServer:
    """Make a simulator with one more VM than it has, which carries no mark."""
    file = folder / "inventory.toml"
    file.write_text(f'{BUILT_IN.read_text("utf-8")}\n[[vm]]\nname = "{OTHERS}"\nhost = "esx-1"\n', "utf-8")
    return SimulatorServer(
        fitted(task_time=0.01, boot_time=0.01, report_time=0.0, inventory=file, defects=frozenset(defects))
    )


def test_observe_sends_nothing_but_reads(mangled: Mangled, tmp_path: Path) -> None:
    """Not one call of the contract leaves; what the reads show is judged, and the rest is untested and says why."""
    with served(tmp_path) as server:
        run = Watched("observe", server.url, mangled, tmp_path / "reports")
    assert run.methods <= READS
    assert run.after == run.before
    rows = {row.id.partition("/")[2]: row for row in run.result.rows}
    assert {name for name, row in rows.items() if row.verdict is Verdict.CONFORMS} == {
        "properties",
        "since",
        "singleton",
    }
    assert rows["CustomizeGuest_Task/Success"].reason.startswith("--risk observe makes no call that shows it")
    assert (run.result.exit_code, run.result.calls) == (5, 0)


def test_refusals_change_nothing_and_judge_most_rows(mangled: Mangled, tmp_path: Path) -> None:
    """Beside reads only calls of the contract leave, about marked VMs or none; at least 25 of 44 rows have their evidence."""
    with served(tmp_path) as server:
        run = Watched("refusals", server.url, mangled, tmp_path / "reports")
    assert run.methods <= READS | JUDGED
    assert run.methods >= JUDGED
    assert OTHERS in {values["name"] for values in run.before.values()}
    assert {vm for method, vm in run.sent if method not in READS} & run.others == set()
    assert run.after == run.before
    kept = [row for row in run.result.rows if row.verdict is Verdict.CONFORMS]
    assert len(kept) >= 25
    assert all(row.observed for row in kept)
    calls = [row for row in kept if row.id.count("/") == 2]
    assert all("from one side" in row.reason for row in calls)
    assert (run.result.exit_code, run.result.findings) == (5, [])
    assert f"--risk refusals: {len(kept)} of 44 rows were judged, all from one side" in run.result.notes[0]


def test_clones_disturb_nothing_but_clones(mangled: Mangled, tmp_path: Path) -> None:
    """All that happens to a VM that was there is that it is cloned; no host is touched, and no clone is left."""
    with served(tmp_path) as server:
        run = Watched("clones", server.url, mangled, tmp_path / "reports", max_calls=60)
    there = {ref.value for ref in run.before}
    assert {vm for method, vm in run.sent if method not in READS} & run.others == set()
    assert {method for method, vm in run.sent if vm in there} - READS == {"InstantClone_Task"}
    assert {"DisconnectHost_Task", "ReconnectHost_Task"} & run.methods == set()
    assert run.after == run.before
    assert run.result.calls > 20
    assert not run.result.findings


def test_a_refusal_that_is_carried_out_is_put_back_and_ends_the_run(mangled: Mangled, tmp_path: Path) -> None:
    """A template is made of a VM that is on: it is made a VM again, and no further call is judged."""
    with served(tmp_path, "running-vm-becomes-a-template") as server:
        run = Watched(
            "refusals",
            server.url,
            mangled,
            tmp_path / "reports",
            contract="VirtualMachine",
            methods=("MarkAsTemplate",),
        )
    names = [method for method, _ in run.sent]
    assert names.count("MarkAsTemplate") >= 1
    last = len(names) - 1 - names[::-1].index("MarkAsTemplate")
    assert set(names[last + 1 :]) - READS <= {"MarkAsVirtualMachine", "PowerOnVM_Task"}
    assert [as_found(values) for values in run.after.values()] == [as_found(values) for values in run.before.values()]
    assert run.result.exit_code == 1
    assert [finding.row for finding in run.result.findings] == ["VirtualMachine/MarkAsTemplate/InvalidPowerState"]
    assert "had to be refused and was carried out" in run.result.partial
    assert not [note for note in run.result.notes if note.startswith("not restored")]


def test_what_works_on_clones_needs_a_level_that_makes_some(tmp_path: Path) -> None:
    """Exploring is refused below, in one line that names the levels; nothing is sent."""
    for level in LEVELS[:2]:
        asked = RunRequest(risk=level, explore=1, report_dir=tmp_path, output="none")
        with pytest.raises(UsageError, match=f"--explore works on clones, which --risk {level} makes none of"):
            execute(asked, Preparation())
    assert not list(tmp_path.iterdir())
