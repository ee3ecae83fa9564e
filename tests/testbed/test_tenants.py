"""A host is disconnected only if it is named and every VM on it is ours, as a session sees it that may read the host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.mangler import Exchange, Mangled, Reply, mangled
from tests.windows import fitted
from vcontract._client import Guard, Marks, Recorder, Target
from vcontract._client.marks import options
from vcontract._client.properties import list_vms, read
from vcontract._client.tasks import follow
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._errors import HaltedError, SharedHostError
from vcontract._simulator import SimulatorServer
from vcontract._simulator.inventory import BUILT_IN
from vcontract._terms import Arguments, Call, Operation, Ref, Returned, as_ref
from vcontract._testbed import Tenants
from vcontract._testbed.survey import log_in, secrets_of

__all__ = ["mangled"]

STRANGER = '\n[[vm]]\nname = "theirs"\nhost = "esx-2"\nextra_config = { "vcontract.owner" = "" }\n'
LOST, BACK = "DisconnectHost_Task", "ReconnectHost_Task"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Give a simulator whose second host holds nothing but marked VMs."""
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.01)) as server:
        yield server


class Operator:
    """A session with a guard that lets the host esx-2 be disconnected."""

    def __init__(self, url: str, actor: str = "full", hosts: tuple[str, ...] = ("esx-2",)) -> None:
        self.target = Target.open(url, secrets=secrets_of(LOOPBACK), recorder=Recorder())
        log_in(self.target, LOOPBACK)
        self.vms = {str(each["name"]): ref for ref, each in list_vms(self.target, "full", ["name"]).items()}
        self.host = self.host_of("host2-linux-1")
        self.guard = Guard(Marks(LOOPBACK.owner), actor, hosts=hosts, methods=set(), runs={"this-run"})
        self.guard.look_with(Tenants())
        self.target.guard_with(self.guard)

    def host_of(self, vm: str) -> Ref:
        """Read on which host a VM is."""
        outcome = read(self.target, "full", self.vms[vm], ["runtime.host"]).outcome
        assert isinstance(outcome, Returned)
        host = as_ref(outcome.value["runtime.host"])
        assert host is not None
        return host

    def call(self, ref: Ref, method: str) -> Operation:
        """Make a call and see its task to its end."""
        done = self.target.send(Call(ref, method, Arguments({}), "full"), "arrange")
        assert isinstance(done.outcome, Returned)
        task = as_ref(done.outcome.value)
        assert task is not None
        return follow(self.target, "full", task, deadline_seconds=60)[-1]


def test_a_host_of_marked_vms_is_lost_and_found(simulator: SimulatorServer) -> None:
    """Each time it is looked at again, by a request or two."""
    operator = Operator(simulator.url)
    for _ in range(2):
        operator.call(operator.host, LOST)
        operator.call(operator.host, BACK)
    before = len(operator.target.recorder.operations)
    operator.target.send(Call(operator.host, LOST, Arguments({}), "full"), "arrange")
    methods = [each.call.method for each in operator.target.recorder.operations[before:]]
    assert methods == ["RetrievePropertiesEx"] * 2 + [LOST]
    operator.call(operator.host, BACK)
    operator.target.close()


def lie(change: Callable[[bytes], bytes], asked: bytes = b"runtime.host") -> Callable[[Exchange], Reply]:
    """Make a proxy that changes what a host's request for its tenants is answered."""

    def act(exchange: Exchange) -> Reply:
        reply = exchange.ask()
        if b"HostSystem" in exchange.body and asked in exchange.body:
            return reply.with_body(change)
        return reply

    return act


def refuses(operator: Operator) -> str:
    """Give why the host is not disconnected; nothing was sent."""
    before = len(operator.target.recorder.operations)
    with pytest.raises(SharedHostError) as error:
        operator.call(operator.host, LOST)
    assert LOST not in {each.call.method for each in operator.target.recorder.operations[before:]}
    operator.target.close()
    return str(error.value)


def test_an_unmarked_vm_on_it_keeps_it(tmp_path: Path) -> None:
    """It would be lost too, and whoever owns it was not asked."""
    inventory = tmp_path / "inventory.toml"
    inventory.write_text(BUILT_IN.read_text("utf-8") + STRANGER, "utf-8")
    with SimulatorServer(fitted(inventory=inventory)) as server:
        assert re.search(r"vm-\d+ is on host esx-2 too: it carries no mark", refuses(Operator(server.url)))


@pytest.mark.parametrize("way", ["host", "vms"])
def test_it_is_enough_that_one_way_shows_the_vm(simulator: SimulatorServer, mangled: Mangled, way: str) -> None:
    """HostSystem.vm alone, or runtime.host alone: a server that does not say both does not say the VM is elsewhere."""
    plain = Operator(simulator.url)
    stranger, elsewhere = plain.vms["linux-1"], plain.host_of("linux-1")
    mine = plain.host
    plain.target.close()

    def named(body: bytes) -> bytes:
        one = b'<ManagedObjectReference type="VirtualMachine">' + stranger.value.encode() + b"</ManagedObjectReference>"
        return re.sub(rb"(<name>vm</name>\s*<val[^>]*>)", rb"\g<1>" + one, body, count=1)

    def placed(body: bytes) -> bytes:
        begin = body.find(b">" + stranger.value.encode() + b"<")
        assert begin > 0
        return body[:begin] + body[begin:].replace(elsewhere.value.encode() + b"<", mine.value.encode() + b"<", 1)

    operator = Operator(mangled(lie(named if way == "host" else placed), simulator.url).url)
    operator.guard.marks = replace(operator.guard.marks, owner="somebody")
    assert "is on host esx-2 too: its mark vcontract.owner is 'vcontract', not 'somebody'" in refuses(operator)
    shown = [
        each.outcome.value
        for each in operator.target.recorder.operations
        if isinstance(each.outcome, Returned) and each.call.method == "RetrievePropertiesEx"
    ]
    assert any(stranger.value in str(each) for each in shown if isinstance(each, dict) and "objects" in each)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: re.sub(rb"<propSet>\s*<name>vm</name>.*?</propSet>", b"", body, flags=re.DOTALL, count=1),
        lambda body: body.replace(b"<name>vm</name>", b"<name>wm</name>"),
    ],
)
def test_a_host_that_shows_no_vm_is_judged_by_the_vms(
    simulator: SimulatorServer, mangled: Mangled, change: Callable[[bytes], bytes]
) -> None:
    """Its own list may be empty; what the VMs say of their host counts as well."""
    operator = Operator(mangled(lie(change), simulator.url).url)
    operator.guard.marks = replace(operator.guard.marks, owner="somebody")
    assert "is on host esx-2 too" in refuses(operator)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: b"", "is not known"),
        (
            lambda body: re.sub(
                rb"<propSet>\s*<name>vm</name>.*?</propSet>",
                b'<missingSet><path>vm</path><fault><fault xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
                b' xsi:type="NoPermission"/></fault></missingSet>',
                body,
                flags=re.DOTALL,
                count=1,
            ),
            "it does not show which VMs are on it",
        ),
    ],
)
def test_what_is_not_answered_keeps_it(
    simulator: SimulatorServer, mangled: Mangled, change: Callable[[bytes], bytes], says: str
) -> None:
    """No answer, half of one, or a refused path: nothing is guessed."""
    operator = Operator(mangled(lie(change), simulator.url).url)
    operator.guard.marks = replace(operator.guard.marks, owner="somebody")
    assert says in refuses(operator)


@pytest.mark.parametrize("answer", [b"<isGranted>false</isGranted>", None])
def test_a_session_that_may_not_read_the_host_keeps_it(
    simulator: SimulatorServer, mangled: Mangled, answer: bytes | None
) -> None:
    """It would not see every VM: the AuthorizationManager must say that System.Read is held there."""

    def act(exchange: Exchange) -> Reply:
        reply = exchange.ask()
        if exchange.method != "HasPrivilegeOnEntities":
            return reply
        if answer is None:
            return reply.with_body(lambda body: re.sub(rb"<privAvailability>.*?</privAvailability>", b"", body))
        return reply.with_body(lambda body: body.replace(b"<isGranted>true</isGranted>", answer))

    operator = Operator(mangled(act, simulator.url).url)
    why = refuses(operator)
    assert ("lacks System.Read there" if answer else "is not known to hold System.Read there") in why


def test_a_vm_that_comes_between_two_losses_is_seen(simulator: SimulatorServer) -> None:
    """It is looked up right before each time, not once."""
    operator = Operator(simulator.url)
    operator.call(operator.host, LOST)
    operator.call(operator.host, BACK)
    other = Target.open(simulator.url, secrets=secrets_of(LOOPBACK))
    log_in(other, LOOPBACK)
    vm = operator.vms["host2-linux-1"]

    def marked(owner: str) -> None:
        spec = {"_typeName": "VirtualMachineConfigSpec", "extraConfig": options(owner=owner)}
        done = other.send(Call(vm, "ReconfigVM_Task", Arguments({"spec": spec}), "full"), "arrange").outcome
        assert isinstance(done, Returned)
        task = as_ref(done.value)
        assert task is not None
        follow(other, "full", task, deadline_seconds=60)

    marked("alice")
    try:
        with pytest.raises(SharedHostError, match=r"its mark vcontract\.owner is 'alice', not 'vcontract'"):
            operator.call(operator.host, LOST)
    finally:
        marked(LOOPBACK.owner)
        other.close()
        operator.target.close()


def test_a_host_that_is_not_named_is_never_touched(simulator: SimulatorServer) -> None:
    """Neither lost nor found; one that was lost comes back whoever is on it by then."""
    operator = Operator(simulator.url, hosts=())
    for method in (LOST, BACK):
        with pytest.raises(HaltedError, match="the configuration names no host 'esx-2'"):
            operator.call(operator.host, method)
    operator.target.close()
    operator = Operator(simulator.url)
    operator.call(operator.host, LOST)
    operator.guard.marks = replace(operator.guard.marks, owner="somebody")
    operator.call(operator.host, BACK)
    operator.target.close()


def test_a_run_says_why_rows_of_a_lost_host_are_untested(tmp_path: Path) -> None:
    """It goes on with the others, sends no disconnect, and names the VM in the reason."""
    inventory = tmp_path / "inventory.toml"
    inventory.write_text(BUILT_IN.read_text("utf-8") + STRANGER, "utf-8")
    with SimulatorServer(fitted(inventory=inventory)) as server:
        request = RunRequest(
            target=server.url,
            report_dir=tmp_path / "reports",
            output="none",
            max_calls=12,
            methods=("AbortCustomization_Task",),
        )
        result = execute(request)
    assert result.exit_code not in {2, 3, 4}
    history = next((tmp_path / "reports").glob("*/history.jsonl")).read_text("utf-8")
    assert LOST not in history
    assert any(
        "is on host esx-2 too: it carries no mark" in note
        for note in [*result.notes, *(row.reason for row in result.rows)]
    )
