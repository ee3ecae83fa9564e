"""The path between the harness's own target and a server: over TLS too, and from a process that Locust has changed."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.windows import fitted
from vcontract._client import Secrets, Target, Trust
from vcontract._client.properties import list_vms
from vcontract._disturbances.planned import Planned
from vcontract._disturbances.proxy import Proxy
from vcontract._errors import TargetError
from vcontract._simulator import Settings, SimulatorServer
from vcontract._terms import Arguments, Call, Lost, Operation, Ref, Returned

ADMIN = "administrator@vsphere.local"
LOAD = 60.0
GREEN = """
import gevent.monkey
gevent.monkey.patch_all()
import sys, time, urllib.request
from vcontract._disturbances.planned import Planned
from vcontract._disturbances.proxy import Proxy
with Proxy(sys.argv[1], [Planned("latency", 0.0, 60.0, {"seconds": 0.05})], 1) as proxy:
    proxy.begin()
    document = urllib.request.urlopen(proxy.url.replace("/sdk", "/sdk/vimServiceVersions.xml")).read()
    assert b"urn:vim25" in document, document
    deadline = time.monotonic() + 60
    while not proxy.events() and time.monotonic() < deadline:
        time.sleep(0.01)
assert [each.name for each in proxy.events()] == ["latency"]
"""


def opened(url: str, **options: object) -> Target:
    """Reach a server and log in."""
    secrets = Secrets({"account.full": "vcontract"}, public=["account.full"])
    target = Target.open(url, secrets=secrets, **options)  # type: ignore[arg-type] # named as Target.open names them
    target.login("client", ADMIN, "account.full")
    return target


def power_on(target: Target, vm: Ref) -> Operation:
    """Call something that has a task."""
    return target.send(Call(vm, "PowerOnVM_Task", Arguments({}), "client"), "arrange")


def test_a_target_is_reached_over_the_path() -> None:
    """Calls go through; one whose reply is lost happened, and is a Lost, told by the event with the same VM and times."""
    with SimulatorServer(fitted(task_time=0.01)) as server:
        with Proxy(server.url, [Planned("reset-after", 0.0, LOAD, {"probability": 1.0})], 1) as proxy:
            target = opened(proxy.url)
            vm = next(ref for ref, each in list_vms(target, "client", ["name"]).items() if each["name"] == "linux-1")
            assert isinstance(power_on(target, vm).outcome, Returned)
            zero = proxy.begin()
            started = target.recorder.now()
            lost = power_on(target, vm)
            target.close()
        assert isinstance(lost.outcome, Lost)
        [event] = [each for each in proxy.events() if each.facts["method"] == "PowerOnVM_Task"]
        assert event.facts["vm"] == vm.value
        offset = max(target.recorder.now() - time.monotonic() for _ in range(100))  # of two clocks read at once
        assert started <= lost.start <= event.time + offset <= lost.end + 0.001
        assert zero < event.time


def test_tls_is_carried_and_disturbed_by_bytes() -> None:
    """Through the tunnel the server's own certificate is verified; resets and half replies strike all the same."""
    with SimulatorServer(Settings(tls=True)) as server:
        planned = [Planned("half-reply", 0.0, LOAD, {"probability": 1.0})]
        with Proxy(server.url, planned, 1) as proxy:
            trust = Trust(ca_file=str(server.ca_file))
            target = opened(server.url, trust=trust, proxy=proxy.tunnel)
            assert list_vms(target, "client", ["name"])
            proxy.begin()
            vm = Ref("VirtualMachine", "vm-1")
            assert isinstance(power_on(target, vm).outcome, Lost)
            target.close()
        assert {each.name for each in proxy.events()} == {"half-reply"}
        assert "method" not in proxy.events()[0].facts


def test_the_tunnel_leads_to_the_target_alone() -> None:
    """The path is no way to other hosts."""
    tls = Settings(tls=True)
    with SimulatorServer(tls) as server, SimulatorServer(tls) as other, Proxy(server.url, [], 1) as proxy:
        trust = Trust(ca_file=str(other.ca_file))
        with pytest.raises(TargetError, match="403"):
            opened(other.url, trust=trust, proxy=proxy.tunnel)


def test_it_works_where_locust_has_replaced_sockets_and_threads() -> None:
    """Started and heard from a process that gevent has patched."""
    pytest.importorskip("gevent", reason="Locust is not installed")
    with SimulatorServer(fitted()) as server:
        done = subprocess.run(  # noqa: S603 - our own
            [sys.executable, "-c", GREEN, server.url], capture_output=True, text=True, timeout=180, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
