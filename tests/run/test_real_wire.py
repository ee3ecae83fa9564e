"""What a run meets on the way to a real server: sessions that end, a server that is busy or away for a moment, other clocks."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from tests.mangler import Exchange, Mangled, Reply, Run
from tests.windows import fitted, stretch
from vcontract._client import session
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._errors import TargetError
from vcontract._history import read_history
from vcontract._report.result import RunResult
from vcontract._run.rejudge import rejudge
from vcontract._simulator import SimulatorServer
from vcontract._terms import Faulted, Grade, Lost, Operation, Verdict, unauthenticated

MANAGER = "VirtualMachineGuestCustomizationManager"
CUSTOMIZE, NETWORK = "CustomizeGuest_Task", "StartGuestNetwork_Task"
READ = "RetrievePropertiesEx"
DATE = re.compile(rb"(>)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([.0-9]*Z<)")


def idle() -> float:
    """Give the seconds after which a session of the hasty simulator ends."""
    return 0.4 * stretch()


def calls() -> int:
    """Give a number of calls within which sessions are idle for long enough, also if the machine has become quick since."""
    return round(70 * stretch())


@pytest.fixture(scope="module")
def hasty() -> Iterator[SimulatorServer]:
    """Give a simulator whose sessions end after a moment without a call."""
    server = SimulatorServer(fitted(task_time=0.02, boot_time=0.02, session_timeout=idle()))
    server.start()
    yield server
    server.stop()


def quiet(result: RunResult) -> list[str]:
    """List the rows of a run that are inconclusive or violated."""
    return [
        f"{each.id}: {each.reason}" for each in result.rows if each.verdict in {Verdict.INCONCLUSIVE, Verdict.VIOLATES}
    ]


def run_until_sessions_end(ran: Run, url: str) -> tuple[RunResult, list[Operation]]:
    """Run with ever more calls until a session was idle for long enough: how many that takes depends on the machine."""
    for factor in (1, 2, 4, 8):
        result, operations = ran(url, calls=calls() * factor)
        assert quiet(result) == []
        if any(note.startswith("sessions had ended and were opened again: ") for note in result.notes):
            return result, operations
    raise AssertionError("no session ended")


def judged(operations: list[Operation], method: str) -> list[Operation]:
    """List the judged calls of a method."""
    return [each for each in operations if each.purpose == "judge" and each.call.method == method]


def test_sessions_that_end_while_idle_are_opened_again(hasty: SimulatorServer, ran: Run) -> None:
    """The run says which and how often; the plan's own cells without a session are judged as ever."""
    result, operations = run_until_sessions_end(ran, hasty.url)
    row = next(each for each in result.rows if each.id == "EveryMethod/NotAuthenticated")
    assert row.verdict is Verdict.CONFORMS
    assert sum(each.call.method == "Login" for each in operations) > 5


def test_a_session_that_was_idle_is_looked_after_before_a_judged_call(
    hasty: SimulatorServer, ran: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then no judged call meets its end."""
    monkeypatch.setattr(session, "IDLE", idle() / 4)
    _result, operations = run_until_sessions_end(ran, hasty.url)
    logins = [each for each in operations if each.call.method == "Login"]
    met = {each.op + 2 for each in operations if each.purpose == "judge" and unauthenticated(each.outcome)}
    assert not met & {each.op for each in logins}


def slow_once(number: int) -> Callable[[Exchange], Reply]:
    """Give what lets a session end just before one judged call arrives."""

    def act(exchange: Exchange) -> Reply:
        if exchange.method == CUSTOMIZE and exchange.number == number:
            time.sleep(2 * idle())
        return exchange.ask()

    return act


def test_a_call_that_met_an_ended_session_is_no_violation_and_made_again(
    hasty: SimulatorServer, mangled: Mangled, tmp_path: Path
) -> None:
    """Asked right after, the server says that there is no session: a new one, the cell again, and no word on the row."""
    server = mangled(slow_once(1), behind=hasty.url)
    options = RunRequest(seed=3, methods=(CUSTOMIZE,), max_calls=60, shrink=Budget(attempts=0, seconds=0.0))
    result = execute(structs.replace(options, target=server.url, report_dir=tmp_path, output="none"))
    operations = read_history(tmp_path / "latest" / "history.jsonl").operations
    met = judged(operations, CUSTOMIZE)[0]
    assert unauthenticated(met.outcome)
    after = [each for each in operations if each.op > met.op and each.call.actor == met.call.actor][:2]
    assert [each.call.method for each in after] == [READ, "Login"]
    assert any(each.cell == f"{met.cell}#2" for each in judged(operations, CUSTOMIZE))
    assert quiet(result) == []
    assert quiet(rejudge(tmp_path / "latest", "")) == []


def no_session(exchange: Exchange) -> Reply:
    """Refuse a call as if there were no session, without asking the server."""
    fault = (
        '<NotAuthenticatedFault xmlns="urn:vim25" xsi:type="NotAuthenticated"><object type="Folder">group-d1</object>'
    )
    text = f"<faultcode>c</faultcode><faultstring/><detail>{fault}<privilegeId>x</privilegeId></NotAuthenticatedFault>"
    space = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    body = f"<s:Envelope {space}><s:Body><s:Fault>{text}</detail></s:Fault></s:Body></s:Envelope>".encode()
    return replace(exchange.ask(), status=500, body=body)


def denied_unasked(exchange: Exchange) -> Reply:
    """Refuse a call so before the server sees it."""
    asked = exchange.line
    exchange.line = lambda: Reply(500, b"")
    try:
        return no_session(exchange)
    finally:
        exchange.line = asked


def test_a_session_that_lives_and_is_denied_is_a_violation(mangled: Mangled, ran: Run) -> None:
    """`currentSession` still shows it: NotAuthenticated was spurious."""

    def act(exchange: Exchange) -> Reply:
        return no_session(exchange) if exchange.method == NETWORK and exchange.number > 3 else exchange.ask()

    result, operations = ran(mangled(act).url, NETWORK)
    assert any(each.observed.startswith("NotAuthenticated") for each in result.findings)
    assert sum(each.call.method == "Login" for each in operations) == 5


def test_reads_that_a_gateway_denies_now_and_then_are_read_again(mangled: Mangled, ran: Run) -> None:
    """The session lives, and `currentSession` shows it: nobody logs in again, and no task counts as unreadable."""
    denied = Counter[str]()

    def act(exchange: Exchange) -> Reply:
        if exchange.method in {READ, "PowerOnVM_Task"} and b"currentSession" not in exchange.body:
            denied["asked"] += 1
            if denied["asked"] % 13 == 0:
                denied["denied"] += 1
                return no_session(exchange) if exchange.method == READ else denied_unasked(exchange)
        return exchange.ask()

    result, operations = ran(mangled(act).url, calls=60)
    assert quiet(result) == []
    assert denied["denied"] > 5
    logins = sum(each.call.method == "Login" for each in operations)
    assert logins <= 8
    assert not any(note.startswith("sessions had ended") for note in result.notes)


def test_a_login_that_is_refused_in_mid_run_ends_it(hasty: SimulatorServer, mangled: Mangled, ran: Run) -> None:
    """Exit 3, and not one more try: accounts are locked by tries."""

    def act(exchange: Exchange) -> Reply:
        if exchange.method == "Login" and exchange.number > 5:
            return exchange.ask().with_body(lambda body: body.replace(b"LoginResponse", b"NoResponse"))
        if exchange.method == CUSTOMIZE and exchange.number == 5:
            time.sleep(2 * idle())
        return exchange.ask()

    server = mangled(act, behind=hasty.url)
    result, _ = ran(server.url, CUSTOMIZE)
    assert result.exit_code == 3
    assert any("halted: the session of administrator@vsphere.local has ended: " in each for each in result.notes)
    assert server.seen["Login"] == 6


def busy(exchange: Exchange, status: int = 503, **headers: str) -> Reply:
    """Answer as a proxy does that has too much to do."""
    told = (("Content-Type", "text/html"), *((name.replace("_", "-"), value) for name, value in headers.items()))
    return exchange.reply(status, b"<html>busy</html>", told)


def test_a_busy_server_is_read_again(mangled: Mangled, ran: Run) -> None:
    """Every ninth read is turned away, with Retry-After or without."""

    def act(exchange: Exchange) -> Reply:
        if exchange.method == READ and exchange.number % 9 == 0:
            return busy(exchange, Retry_After="0") if exchange.number % 2 else busy(exchange)
        return exchange.ask()

    result, operations = ran(mangled(act).url)
    assert quiet(result) == []
    away = [each for each in operations if isinstance(each.outcome, Lost)]
    assert {each.call.method for each in away} == {READ}
    assert len(away) > 5


def test_a_judged_call_that_was_turned_away_is_not_sent_again_but_its_cell_is(mangled: Mangled, ran: Run) -> None:
    """Once: the cell is made anew, and the row is what that says."""

    def act(exchange: Exchange) -> Reply:
        return busy(exchange, 429) if exchange.method == CUSTOMIZE and exchange.number == 4 else exchange.ask()

    result, operations = ran(mangled(act).url, CUSTOMIZE)
    away = judged(operations, CUSTOMIZE)[3]
    assert away.outcome == Lost("turned away: HTTP 429")
    assert [each.cell for each in judged(operations, CUSTOMIZE)].count(away.cell) == 1
    assert f"{away.cell}#2" in {each.cell for each in judged(operations, CUSTOMIZE)}
    assert quiet(result) == []


def test_judged_calls_that_are_always_turned_away_are_inconclusive(mangled: Mangled, ran: Run) -> None:
    """Never a violation, never green, and the reason is the server's."""

    def act(exchange: Exchange) -> Reply:
        return busy(exchange, Retry_After="1") if exchange.method == NETWORK else exchange.ask()

    result, _ = ran(mangled(act).url, NETWORK, calls=12)
    assert result.findings == []
    assert result.exit_code == 5
    assert any(f"{NETWORK}: turned away: HTTP 503, Retry-After: 1" in each for each in quiet(result))


def closed(_: Exchange) -> bytes:
    """Close the connection without a word, as a proxy does that has too many."""
    return b""


def test_a_proxy_in_front_that_stumbles_now_and_then_is_no_violation(mangled: Mangled, ran: Run) -> None:
    """503 in plain text without Retry-After, 502, 504, closed connections: read and made again, and no word on it."""
    told = Counter[str]()

    def act(exchange: Exchange) -> Reply | bytes:
        told["all"] += 1
        if exchange.method == READ and told["all"] % 11 == 0:
            return closed(exchange)
        if exchange.method == CUSTOMIZE and exchange.number in {5, 8, 9}:
            told["away"] += 1
            return exchange.reply(503, b"no healthy upstream", (("Content-Type", "text/plain"),))
        if exchange.method in {READ, NETWORK} and told["all"] % 17 == 0:
            return busy(exchange, 502 + told["all"] % 3)
        return exchange.ask()

    result, operations = ran(mangled(act).url, calls=60)
    assert quiet(result) == []
    assert told["away"] == 3
    assert not any(each.problems for each in operations)
    reasons = {each.outcome.reason for each in operations if isinstance(each.outcome, Lost)}
    assert reasons == {"closed without a reply", *(f"turned away: HTTP {status}" for status in (502, 503, 504))}


def test_one_method_that_is_turned_away_whenever_it_is_called_is_a_finding(mangled: Mangled, ran: Run) -> None:
    """Three of three, without a word of time, while the others are served: that is no proxy's bad moment."""

    def act(exchange: Exchange) -> Reply:
        return busy(exchange) if exchange.method == NETWORK else exchange.ask()

    result, operations = ran(mangled(act).url, CUSTOMIZE, NETWORK, calls=40)
    assert {each.row for each in result.findings} == {f"{MANAGER}/{NETWORK}/result"}
    assert {each.grade for each in result.findings} == {Grade.PROTOCOL}
    assert "turned away: HTTP 503, in each of" in result.findings[0].detail
    assert not any(each.problems for each in operations)


def test_a_server_that_is_only_busy_ends_the_run(mangled: Mangled, ran: Run) -> None:
    """From the start: one line; in mid-run: exit 3, and what was known is kept."""
    after = [1000]

    def act(exchange: Exchange) -> Reply:
        after[0] -= 1
        return exchange.ask() if after[0] > 0 else busy(exchange, Retry_After="0")

    server = mangled(act)
    after[0] = 150
    result, _ = ran(server.url)
    assert result.exit_code == 3
    assert any(each.startswith("halted: the target is too busy to take any call: ") for each in result.notes)
    with pytest.raises(TargetError, match=r"is too busy: .* has status 503; try again later"):
        ran(mangled(lambda exchange: busy(exchange, Retry_After="0")).url)


def test_a_server_that_is_away_for_a_moment(mangled: Mangled, ran: Run) -> None:
    """It refuses connections for half a second: a call may be lost with its connection, and nothing more."""

    def act(exchange: Exchange) -> Reply:
        if exchange.method == READ and exchange.number == 40:
            server.leave()
            threading.Timer(0.5, server.come_back).start()
        return exchange.ask()

    server = mangled(act)
    result, operations = ran(server.url, back=60.0)
    assert quiet(result) == []
    assert sum(isinstance(each.outcome, Lost) for each in operations) <= 2


def test_over_ipv6(mangled: Mangled, ran: Run) -> None:
    """The loopback address of version 6, in the URL and on the wire."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    server = mangled(lambda exchange: exchange.ask(), host="::1")
    assert "[::1]" in server.url
    result, _ = ran(server.url)
    assert (result.calls, quiet(result)) == (30, [])


@pytest.mark.parametrize("hours", [-7, 5])
def test_a_server_whose_clock_is_hours_off(hours: int, mangled: Mangled, ran: Run) -> None:
    """Every time that it tells is shifted; they are compared only with each other."""

    def shifted(match: re.Match[bytes]) -> bytes:
        moment = datetime.fromisoformat(match[2].decode()) + timedelta(hours=hours)
        return match[1] + moment.isoformat().encode() + match[3]

    seen = Counter[bool]()

    def act(exchange: Exchange) -> Reply:
        reply = exchange.ask()
        changed = reply.with_body(lambda body: DATE.sub(shifted, body))
        seen[changed != reply] += 1
        return changed

    result, _ = ran(mangled(act).url, calls=60)
    assert seen[True] > 20
    assert quiet(result) == []


def test_a_server_that_speaks_another_language(mangled: Mangled, ran: Run) -> None:
    """Messages of faults are for people: no verdict looks at them."""
    words = "仮想マシンの電源がオフです; \u200bétat «désactivé» \U0001f4a5".encode()
    texts = re.compile(rb"(<faultstring>|<localizedMessage>|<message>)[^<]*")

    def act(exchange: Exchange) -> Reply:
        return exchange.ask().with_body(lambda body: texts.sub(lambda found: found[1] + words, body))

    result, operations = ran(mangled(act).url, calls=60)
    assert any(isinstance(each.outcome, Faulted) and "電源" in each.outcome.fault.message for each in operations)
    assert quiet(result) == []
