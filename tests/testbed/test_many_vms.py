"""An inventory of thousands, a few of them the harness's: it lists no more of the others than their mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mangler import Exchange, Mangled, Reply, Run
from tests.windows import fitted
from vcontract._client import Recorder, Target
from vcontract._config.config import LOOPBACK
from vcontract._contract import load
from vcontract._simulator import SimulatorServer, inventory
from vcontract._terms import Verdict
from vcontract._testbed.survey import secrets_of, survey_target

MANAGER = "VirtualMachineGuestCustomizationManager"
NETWORK = "StartGuestNetwork_Task"
LISTS = ("RetrievePropertiesEx", "ContinueRetrievePropertiesEx")
ENTRIES, LONG = 40, 100
"""What each of the others has in its extraConfig: so many entries of so many bytes."""
OURS = 11
Serve = Callable[[int], SimulatorServer]


@contextmanager
def serving(count: int, folder: Path) -> Iterator[SimulatorServer]:
    """Serve the usual inventory and so many VMs more that are nobody's."""
    extra = ", ".join(f'"guestinfo.{number}" = "{"x" * LONG}"' for number in range(ENTRIES))
    text = inventory.BUILT_IN.read_text("utf-8").replace('template_of_more = "linux-1"', 'template_of_more = "other"')
    text += f'\n[[vm]]\nname = "other"\nhost = "esx-1"\nextra_config = {{ {extra} }}\n'
    file = folder / "inventory.toml"
    file.write_text(text, "utf-8")
    settings = fitted(task_time=0.02, boot_time=0.02, inventory=file, vms=count)
    with SimulatorServer(settings) as simulator:
        yield simulator


def surveyed(url: str) -> tuple[set[str], Recorder]:
    """Survey a server; gives the names of the VMs that were found, and what was said."""
    target = Target.open(url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
    found = survey_target(target, LOOPBACK, load(MANAGER)).vms.values()
    target.close()
    return {each.name for each in found}, target.recorder


def test_the_survey_reads_little_of_what_is_not_ours(mangled: Mangled, tmp_path: Path) -> None:
    """Thousands of bytes for each VM are there; tens are read, and nothing of them is recorded."""
    size, most = [0], [0]

    def act(exchange: Exchange) -> Reply | bytes:
        reply = exchange.ask()
        size[0] += len(reply.body) * (exchange.method in LISTS)
        most[0] = max(most[0], len(reply.body))
        return reply

    count = 1500
    with serving(count, tmp_path) as simulator:
        names, recorder = surveyed(mangled(act, behind=simulator.url).url)
    assert "other" not in names
    assert len(names) == OURS
    assert size[0] < count * ENTRIES * LONG / 20
    assert most[0] < 500_000
    assert recorder.requests < 60
    assert sum("xxxx" in repr(each.outcome) for each in recorder.operations) == 0


@pytest.mark.parametrize("how", ["refused", "ignored"])
def test_a_server_that_knows_no_keyed_paths_is_read_page_by_page(how: str, mangled: Mangled, tmp_path: Path) -> None:
    """It refuses them, or shows nothing: the same VMs are found."""

    def act(exchange: Exchange) -> Reply | bytes:
        if b"extraConfig[" in exchange.body:
            if how == "refused":
                exchange.body = exchange.body.replace(b"config.extraConfig[", b"config.noSuch[")
                return exchange.ask()
            empty = b'<RetrievePropertiesExResponse xmlns="urn:vim25"/>'
            return exchange.ask().with_body(lambda body: body[: body.index(b"<RetrievePropertiesExR")] + empty + END)
        return exchange.ask()

    with serving(250, tmp_path) as simulator:
        names, recorder = surveyed(mangled(act, behind=simulator.url).url)
    assert len(names) == OURS
    assert sum(each.call.method in LISTS for each in recorder.operations) > 3
    assert sum("xxxx" in repr(each.outcome) for each in recorder.operations) == 0


END = b"</soapenv:Body></soapenv:Envelope>"


@pytest.mark.long
def test_a_run_beside_five_thousand(ran: Run, tmp_path: Path) -> None:
    """It takes as many requests as beside none, but for the pages of the survey."""
    with serving(5000, tmp_path) as simulator:
        result, operations = ran(simulator.url, NETWORK, calls=20, exchange=60.0)
    assert result.calls == 20
    assert not any(each.verdict in {Verdict.VIOLATES, Verdict.INCONCLUSIVE} for each in result.rows)
    assert sum(each.call.method == "ContinueRetrievePropertiesEx" for each in operations) <= 6
