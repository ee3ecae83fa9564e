"""Servers that misbehave badly: each a finding or a lost outcome with the call that did it, and the run goes on and ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree
from msgspec.structs import replace

from tests.mangler import Exchange, Mangled, Reply, Run
from tests.windows import fitted, stretch
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._history import read_history
from vcontract._report.result import RunResult, load_run
from vcontract._simulator import SimulatorServer
from vcontract._terms import Grade, Lost, Operation, Verdict, subject

MANAGER = "VirtualMachineGuestCustomizationManager"
CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
VIM, XSI = "urn:vim25", "http://www.w3.org/2001/XMLSchema-instance"


def lost(operations: list[Operation]) -> dict[str, str]:
    """Give the reasons for which judged calls were lost, by method."""
    return {
        each.call.method: each.outcome.reason
        for each in operations
        if each.purpose == "judge" and isinstance(each.outcome, Lost)
    }


def told(result: RunResult, method: str, name: str) -> tuple[Verdict, str]:
    """Give the verdict on a row, and the reason."""
    return next((each.verdict, each.reason) for each in result.rows if each.id == f"{MANAGER}/{method}/{name}")


@pytest.mark.parametrize(("size", "reason"), [(0, "closed without a reply"), (40, "closed before the reply was whole")])
def test_a_connection_that_is_cut_loses_that_call_alone(size: int, reason: str, mangled: Mangled, ran: Run) -> None:
    """A handler that dies, or a cut in the middle: the calls are inconclusive; those of other methods are judged."""

    def act(exchange: Exchange) -> Reply | bytes:
        return exchange.ask().raw()[:size] if exchange.method == NETWORK else exchange.ask()

    result, operations = ran(mangled(act).url)
    assert lost(operations) == {NETWORK: reason}
    assert all(told(result, NETWORK, name)[0] is not Verdict.CONFORMS for name in ("Success", "result"))
    assert Verdict.INCONCLUSIVE in {each.verdict for each in result.rows if NETWORK in each.id}
    assert any(f"{NETWORK}: {reason}" in each.reason for each in result.rows)
    assert (result.calls, result.findings) == (30, [])
    assert any(each.call.method == CUSTOMIZE and not isinstance(each.outcome, Lost) for each in operations)


def test_calls_that_hang_set_their_vm_aside(mangled: Mangled, ran: Run) -> None:
    """A VM answers nothing any more after one call: others serve in its place, and the run says which call did it."""
    stuck: list[str] = []

    def act(exchange: Exchange) -> Reply | bytes:
        if exchange.method == NETWORK and not stuck:
            stuck.append(exchange.vm)
        return exchange.hang() if exchange.vm in stuck else exchange.ask()

    result, operations = ran(mangled(act).url, calls=120)
    hung = [each for each in operations if subject(each.call) in stuck and isinstance(each.outcome, Lost)]
    assert [each.call.method for each in hung] == [NETWORK]
    after = [each for each in operations if each.op > hung[0].op and each.purpose == "judge"]
    assert any(each.call.method == NETWORK and not isinstance(each.outcome, Lost) for each in after)
    assert any(f"is set aside: {NETWORK} (operation {hung[0].op})" in each for each in result.notes)
    assert result.exit_code == 5


def test_a_method_that_always_hangs_is_left_alone(mangled: Mangled, ran: Run) -> None:
    """After two VMs it is not called any more; the other methods are."""

    def act(exchange: Exchange) -> Reply | bytes:
        return exchange.hang() if exchange.method == ABORT else exchange.ask()

    result, operations = ran(mangled(act).url, calls=60)
    assert sum(each.call.method == ABORT for each in operations) == 2
    assert any(each.startswith(f"{ABORT} is not called any more") for each in result.notes)
    assert sum(each.purpose == "judge" and each.call.method == CUSTOMIZE for each in operations) > 10


def test_a_server_that_answers_nothing_any_more_ends_the_run(mangled: Mangled, ran: Run) -> None:
    """Everything hangs from some call on: exit 3 in bounded time, and what was known before is kept."""
    begun: list[bool] = []

    def act(exchange: Exchange) -> Reply | bytes:
        begun.extend([True] * (exchange.method == NETWORK and exchange.number == 4))
        return exchange.hang() if begun else exchange.ask()

    result, _ = ran(mangled(act).url)
    assert result.exit_code == 3
    assert any(each.startswith("halted: the target answers nothing any more: ") for each in result.notes)


@pytest.fixture
def its_own() -> Iterator[SimulatorServer]:
    """Give a simulator of one test alone: a run that its server leaves cannot let go of the VMs that it claims."""
    with SimulatorServer(fitted(task_time=0.02, boot_time=0.02)) as simulator:
        yield simulator


def test_a_process_that_exits_ends_the_run(mangled: Mangled, its_own: SimulatorServer, tmp_path: Path) -> None:
    """Exit 3 with one line; the directory holds the history and the verdicts so far, and says what was not put back."""

    def act(exchange: Exchange) -> Reply | bytes:
        if exchange.method == CUSTOMIZE and exchange.number == 6:
            server.leave()
        return exchange.ask()

    server = mangled(act, its_own.url)
    request = RunRequest(seed=3, max_calls=30, target=server.url, report_dir=tmp_path, output="none")
    result = execute(request)
    assert result.exit_code == 3
    assert any(each.startswith("halted: the target cannot be reached any more: ") for each in result.notes)
    assert any(each.startswith("not restored: ") for each in result.notes)
    operations = read_history(tmp_path / "latest" / "history.jsonl").operations
    assert sum(each.purpose == "judge" for each in operations) >= 6
    assert load_run(tmp_path / "latest").exit_code == 3


def test_a_call_that_hangs_for_ever_does_not_outlast_the_limit_of_time(
    mangled: Mangled, its_own: SimulatorServer, tmp_path: Path
) -> None:
    """An exchange may take a share of what is left of the run, and no minute."""
    server = mangled(lambda exchange: exchange.hang() if exchange.method == CUSTOMIZE else exchange.ask(), its_own.url)
    options = RunRequest(seed=3, methods=(CUSTOMIZE,), time_limit=6.0 * stretch())
    result = execute(replace(options, target=server.url, report_dir=tmp_path, output="none"))
    assert result.exit_code == 5
    calls = read_history(tmp_path / "latest" / "history.jsonl").operations
    waited = [each.outcome for each in calls if each.call.method == CUSTOMIZE]
    assert waited
    for each in waited:
        assert isinstance(each, Lost)
        given = re.fullmatch(r"no whole reply within (\S+) s", each.reason)
        assert given, each
        assert float(given[1]) < options.time_limit


def emptied(tag: bytes) -> Callable[[bytes], bytes]:
    """Give a change that empties an element."""

    def change(body: bytes) -> bytes:
        before, start, rest = body.partition(b"<" + tag + b">")
        return before + start + rest[rest.index(b"</" + tag) :] if start else body

    return change


def newer(body: bytes) -> bytes:
    """Put an element into TaskInfo that this version does not have."""
    return body.replace(b"</eventChainId>", b"</eventChainId><activationId2>x</activationId2>")


@pytest.mark.parametrize(("change", "says"), [
    (emptied(b"existingState"), "existingState"),
    (emptied(b"state"), "state"),
    (newer, "activationId2"),
])  # fmt: skip
def test_content_that_breaks_the_schema_is_a_finding(
    change: Callable[[bytes], bytes], says: str, mangled: Mangled, ran: Run
) -> None:
    """An enumeration sent empty, in a fault or in a task; a field newer than the client: `protocol`, and the field is named."""
    server = mangled(lambda exchange: exchange.ask().with_body(change))
    result, _ = ran(server.url, CUSTOMIZE, calls=90)  # on a busy machine a state may be met at a second try
    assert result.exit_code == 1
    assert any(each.grade in {Grade.PROTOCOL, Grade.WRONG} and says in each.detail for each in result.findings)


@pytest.mark.parametrize(("method", "since", "exits"), [("Logout", 1, {0, 5}), ("RetrievePropertiesEx", 40, {3, 5})])
def test_a_call_beside_the_judged_ones_with_the_answer_to_another(
    method: str, since: int, exits: set[int], mangled: Mangled, ran: Run
) -> None:
    """Another response element for what is only arranged or read: no finding is made of it, but it is told."""

    def act(exchange: Exchange) -> Reply | bytes:
        if exchange.method != method or exchange.number < since:
            return exchange.ask()
        return exchange.ask().with_body(lambda body: body.replace(f"{method}Response".encode(), b"LoginResponse"))

    result, _ = ran(mangled(act).url)
    assert result.exit_code in exits
    assert not result.findings
    assert any(f"lost: {method}: " in each and "LoginResponse" in each for each in result.notes)


def prefixed(body: bytes) -> bytes:
    """Write an envelope anew, with a prefix where there was none and others where there were."""
    old = etree.fromstring(body)
    names = {"S": etree.QName(old).namespace, "v": VIM, "i": XSI, "x": "http://www.w3.org/2001/XMLSchema"}

    def copy(element: etree._Element, parent: etree._Element | None) -> etree._Element:
        new = etree.Element(element.tag, nsmap=names) if parent is None else etree.SubElement(parent, element.tag)
        new.text = element.text
        for name, value in element.attrib.items():
            _, colon, local = str(value).rpartition(":")
            kind = f"x:{local}" if colon else f"v:{local}"
            new.set(name, kind if name == f"{{{XSI}}}type" else value)
        for child in element:
            copy(child, new)
        return new

    return etree.tostring(copy(old, None), xml_declaration=True, encoding="UTF-8")


def chunked(reply: Reply) -> bytes:
    """Write a reply in chunks of 100 bytes."""
    heads = "\r\n".join(f"{name}: {value}" for name, value in reply.headers)
    parts = [reply.body[place : place + 100] for place in range(0, len(reply.body), 100)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in parts) + b"0\r\n\r\n"
    return (
        f"HTTP/1.1 {reply.status} X\r\n{heads}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        + body
    )


def until_close(reply: Reply) -> bytes:
    """Write a reply that ends with its connection."""
    heads = "\r\n".join(f"{name}: {value}" for name, value in reply.headers)
    return f"HTTP/1.1 {reply.status} X\r\nConnection: close\r\n{heads}\r\n\r\n".encode() + reply.body


@pytest.mark.parametrize("written", [
    lambda reply: reply.with_body(prefixed) if b"Envelope" in reply.body else reply,
    chunked,
    until_close,
])  # fmt: skip
def test_what_is_only_written_otherwise_conforms(
    written: Callable[[Reply], Reply | bytes], mangled: Mangled, ran: Run
) -> None:
    """Another prefix for the same name space, chunks, no length: nobody may tell the difference."""
    result, operations = ran(mangled(lambda exchange: written(exchange.ask())).url, calls=60)
    assert result.findings == []
    assert not any(each.problems for each in operations)
    assert not any(isinstance(each.outcome, Lost) for each in operations)
    assert Verdict.INCONCLUSIVE not in {each.verdict for each in result.rows}
