"""What stands on the path to a target: it carries what it does not disturb, and disturbs what it is told to."""

from __future__ import annotations

import asyncio
import importlib
import socket
import threading
import time
from random import Random
from typing import Any

import pytest

from vcontract._disturbances.network.bandwidth import Bandwidth
from vcontract._disturbances.network.disturbance import Acting, Network
from vcontract._disturbances.network.latency import Latency
from vcontract._disturbances.network.slow_loris import SlowLoris
from vcontract._disturbances.planned import Planned, unfired
from vcontract._disturbances.proxy import Proxy
from vcontract._errors import UsageError

LOCAL: Any = importlib.import_module("tiny_server")
LOAD = 60.0


def always(name: str, **parameters: Any) -> Planned:
    """Plan a disturbance for as long as a test may last."""
    return Planned(name, 0.0, LOAD, parameters)


def port_of(proxy: Proxy) -> int:
    """Give the port on which the path is entered."""
    return int(proxy.url.rpartition(":")[2].partition("/")[0])


def test_nothing_is_disturbed_before_the_schedule_begins(server: Any, client_of: Any) -> None:
    """What is planned for second 0 waits for `begin`."""
    with Proxy(server.url, [always("reset-before", probability=1.0)], 1) as proxy:
        client = client_of(proxy)
        assert client.ask(b"a") == b"1 a"
        proxy.begin()
        with pytest.raises(ConnectionResetError):
            client.ask(b"b")
        assert server.bodies == [b"a"]
    assert [each.name for each in proxy.events()] == ["reset-before"]


def test_one_connection_of_a_client_is_one_to_the_server(server: Any, client_of: Any) -> None:
    """Keep-alive is kept, and an end of the client's is one at the server."""
    with Proxy(server.url, [], 1) as proxy:
        client = client_of(proxy)
        assert [client.ask(b"%d" % number) for number in range(3)] == [b"1 0", b"2 1", b"3 2"]
        assert server.connections == 1


def test_the_end_of_the_servers_side_reaches_the_client(server: Any, client_of: Any) -> None:
    """A connection that the server closes while it is idle is closed for the client too."""
    with Proxy(server.url, [], 1) as proxy:
        client = client_of(proxy)
        client.ask(b"a")
        for each in server._open:
            each.shutdown(socket.SHUT_RDWR)
        client.sock.settimeout(60)
        assert client.sock.recv(1) == b""


def test_what_is_no_http_is_carried_as_it_is() -> None:
    """Bytes of another protocol go both ways, and half a request is passed on after a while."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/sdk"
        with Proxy(url, [always("duplicate")], 1) as proxy:
            proxy.begin()
            for said in (b"\x00\x01 no http", b"POST /sdk HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf"):
                client = socket.create_connection(("127.0.0.1", port_of(proxy)), 60)
                client.sendall(said)
                there, _ = listener.accept()
                there.settimeout(60)
                assert there.recv(65536) == said
                there.sendall(b"neither is this")
                assert client.recv(65536) == b"neither is this"
                there.close()
                client.close()


def carried(does: Network, data: bytes, monkeypatch: pytest.MonkeyPatch, *, up: bool) -> list[float | bytes]:
    """Carry bytes while the clock stands still; gives the pauses and the pieces in their order."""
    told: list[float | bytes] = []

    async def remember(each: float | bytes) -> None:
        told.append(each)

    exchange: Any = None
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", remember)
        acting = Acting(does, Random(1), lambda *_, **__: None)  # noqa: S311 - no secret
        asyncio.run(does.carry(acting, exchange, data, remember, up=up))
    return told


def test_latency_holds_both_ways(server: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request and its reply are each held for so long, and are whole."""
    assert [carried(Latency(seconds=0.1), b"a", monkeypatch, up=up) for up in (True, False)] == [[0.1, b"a"]] * 2
    planned = [always("latency", seconds=0.1)]
    with Proxy(server.url, planned, 1) as proxy:
        proxy.begin()
        assert client_of(proxy).ask(b"a") == b"1 a"
    assert [each.facts["up"] for each in proxy.events()] == [True]  # said once for its whole time
    assert unfired(planned, proxy.events()) == ()


def test_jitter_holds_up_to_its_seconds(server: Any, client_of: Any) -> None:
    """It strikes, and what it carries is whole."""
    with Proxy(server.url, [always("jitter", seconds=0.02)], 1) as proxy:
        proxy.begin()
        assert client_of(proxy).ask(b"a" * 5000) == b"1 " + b"a" * 5000
    assert [each.name for each in proxy.events()] == ["jitter"]


def test_bandwidth_bounds_the_bytes_of_a_second(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many bytes are held for the time that they need, each piece before it goes on."""
    told = carried(Bandwidth(bytes_per_second=100_000), b"a" * 30_000, monkeypatch, up=False)
    assert told[::2] == pytest.approx([0.05] * 6)
    assert told[1::2] == [b"a" * 5000] * 6
    server = LOCAL.TinyServer(padding=30_000)
    with Proxy(server.url, [always("bandwidth", bytes_per_second=100_000)], 1) as proxy:
        proxy.begin()
        reply = client_of(proxy).ask(b"a")
        assert len(reply) == 30_003
    server.close()


def test_a_slow_loris_dribbles_its_request(server: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request goes in many pieces, evenly over its time, and all of it arrives; a reply goes at once."""
    slow, data = SlowLoris(seconds=0.2, size=8), bytes(range(160))
    told = carried(slow, data, monkeypatch, up=True)
    assert told[::2] == [data[place : place + 8] for place in range(0, 160, 8)]
    assert told[1::2] == pytest.approx([0.01] * 20)
    assert carried(slow, data, monkeypatch, up=False) == [data]
    with Proxy(server.url, [always("slow-loris", seconds=0.5, size=8)], 1) as proxy:
        proxy.begin()
        assert client_of(proxy).ask(b"a" * 100) == b"1 " + b"a" * 100
    assert server.pauses, "it came at once"


def test_a_reset_after_the_request_loses_the_reply_alone(server: Any, client_of: Any) -> None:
    """The server has seen the request; the event says which it was, and nothing of its content."""
    with Proxy(server.url, [always("reset-after", probability=1.0)], 1) as proxy:
        proxy.begin()
        client = client_of(proxy)
        port = client.sock.getsockname()[1]
        with pytest.raises(ConnectionResetError):
            client.call("PowerOffVM_Task")
    assert len(server.bodies) == 1
    [event] = proxy.events()
    facts = dict(event.facts)
    assert facts.pop("received") <= event.time <= time.monotonic()  # one clock, in the order of what happened
    assert facts == {"connection": 1, "port": port, "method": "PowerOffVM_Task", "vm": "vm-7"}


def test_half_a_reply_ends_in_the_middle(client_of: Any) -> None:
    """The client gets some bytes of the reply, not all, and then the end; never a reset."""
    server = LOCAL.TinyServer(padding=1000)
    with Proxy(server.url, [always("half-reply", probability=1.0)], 1) as proxy:
        proxy.begin()
        client = client_of(proxy)
        client.sock.sendall(b"POST /sdk HTTP/1.1\r\ncontent-length: 1\r\n\r\na")
        got = b""
        while more := client.sock.recv(65536):
            got += more
    [event] = proxy.events()
    assert 0 < len(got) == event.facts["bytes"] < event.facts["of"]
    assert got.startswith(b"HTTP/1.1"[: len(got)])
    server.close()


def test_a_duplicate_reaches_the_server_twice(server: Any, until: Any, client_of: Any) -> None:
    """The same bytes on a second connection; the client gets one reply, and the event says when the copy was answered."""
    with Proxy(server.url, [always("duplicate", probability=1.0)], 1) as proxy:
        proxy.begin()
        client = client_of(proxy)
        reply = client.call("PowerOnVM_Task")
        assert until(lambda: len(server.seen) == 2 and proxy.events())
        client.call("Login")  # never twice
        assert server.connections == 2
        assert len(server.seen) == 3
    assert server.bodies[0] == server.bodies[1]
    assert reply in {b"1 " + server.bodies[0], b"2 " + server.bodies[0]}
    [event] = proxy.events()
    assert (event.facts["method"], event.facts["status"]) == ("PowerOnVM_Task", 200)
    assert event.facts["sent"] <= event.facts["answered"]


def test_a_request_is_overtaken(server: Any, client_of: Any) -> None:
    """One that is held back arrives after three later ones of another connection, and the event counts those."""
    seed = next(
        each
        for each in range(1000)
        if drawn(each, 1, 2, below=0.1) and not any(drawn(each, 2, turn, below=0.1) for turn in range(1, MANY))
    )
    with Proxy(server.url, [always("reordering", probability=0.1, others=3, seconds=LOAD)], seed) as proxy:
        held, free = client_of(proxy), client_of(proxy)
        held.ask(b"first")  # the first connection is the one with the lower number
        proxy.begin()
        thread = threading.Thread(target=held.ask, args=(b"held",))
        thread.start()
        for number in range(1, MANY):  # the path may see some of them before it sees the one that is held
            free.ask(b"free %d" % number)
            if b"held" in server.bodies:
                break
        thread.join(60)
    assert server.bodies.index(b"held") >= 4
    assert [each.facts["passed"] for each in proxy.events()] == [3]


MANY = 12


def drawn(seed: int, connection: int, turn: int = 1, *, below: float = 0.5) -> bool:
    """Whether the path strikes the exchange of a connection: what it draws depends on these numbers alone."""
    return Random(f"{seed} 0 {connection} {turn}").random() < below  # noqa: S311 - no secret


def test_a_quota_leaves_the_oldest_connections(server: Any, client_of: Any) -> None:
    """A new one is reset at once, one that was open before when it asks; once there is room, a new one is served."""
    with Proxy(server.url, [always("quota", connections=1)], 1) as proxy:
        first, second = client_of(proxy), client_of(proxy)
        assert first.ask(b"a") == b"1 a"
        assert second.ask(b"b") == b"2 b"
        proxy.begin()
        with pytest.raises(ConnectionError):
            second.ask(b"c")
        with pytest.raises(ConnectionError):
            client_of(proxy).ask(b"c")  # it may be reset before it has opened
        assert first.ask(b"d") == b"3 d"
        first.close()
        assert _served(client_of, proxy) == b"4 e"
    assert {each.name for each in proxy.events()} == {"quota"}


def _served(client_of: Any, proxy: Proxy) -> bytes | None:
    """Try for a while: the path notices the end of a connection a moment after it."""
    for _ in range(1200):
        try:
            return client_of(proxy).ask(b"e")  # type: ignore[no-any-return] # the file beside this one
        except ConnectionError:
            time.sleep(0.05)
    return None


def test_several_work_on_one_message(server: Any, until: Any, client_of: Any) -> None:
    """A message that is slowed and doubled is both, and each says so."""
    planned = [always("latency", seconds=0.05), always("duplicate", probability=1.0), Planned("quota", LOAD, LOAD + 1)]
    with Proxy(server.url, planned, 1) as proxy:
        proxy.begin()
        client_of(proxy).ask(b"a")
        assert until(lambda: len(server.bodies) == 2 and len(proxy.events()) == 2)
    assert {each.name for each in proxy.events()} == {"latency", "duplicate"}
    assert server.bodies == [b"a", b"a"]
    assert unfired(planned, proxy.events()) == (planned[2],)


def test_what_needs_whole_requests_is_refused_for_tls() -> None:
    """One line that names what cannot work, and says what to do."""
    planned = [always("duplicate"), always("reset-after"), always("latency")]
    with pytest.raises(UsageError, match=r"duplicate, reset-after must see whole requests.*take them out") as raised:
        Proxy("https://127.0.0.1:1/sdk", planned, 1)
    assert "\n" not in str(raised.value)


def test_the_same_seed_strikes_the_same_requests(server: Any, until: Any, client_of: Any) -> None:
    """Of the requests of one connection, in two runs; another seed strikes others."""
    struck = []
    for seed in (1, 1, 2):
        with Proxy(server.url, [always("duplicate", probability=0.5)], seed) as proxy:
            proxy.begin()
            client = client_of(proxy)
            for number in range(20):
                client.call(f"Method{number}")
            copies = sum(drawn(seed, 1, 1 + number) for number in range(20))
            assert until(lambda copies=copies, proxy=proxy: len(proxy.events()) == copies)
        struck.append(sorted(str(each.facts["method"]) for each in proxy.events()))
    assert struck[0] == struck[1] != struck[2]
    assert 3 < len(struck[0]) < 17
