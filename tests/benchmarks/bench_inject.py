"""Measures what the gate costs whom it lets through, and how soon the fixture `vcenter` is there; writes into RESULTS.md.

A run on the simulator and one through a gate before it take turns, so that the ratios hold on a busy machine too. The processor
time is that of run, gate and simulator together. How many requests a run makes is a matter of how long it waits, so both times
are also given for one request. Run it by `make bench`. `--rounds N` and `--max-calls N` shorten it, for a look.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import msgspec

from vcontract._client.wire import parse_url
from vcontract._inject.rules import Rules
from vcontract._inject.serving import opened
from vcontract.testing._vcenter import served

write_section = importlib.import_module("sections").write_section  # the file beside this one
sys.path.insert(0, str(Path(__file__).parents[2]))
ByteListener = importlib.import_module("tests.byte_listener").ByteListener
COMMAND = (sys.executable, "-m", "vcontract")
MOST, SOON = 1.15, 0.3
"""So much more a run through a gate may take; so soon a fixture is there after the first."""
CALLS = 4000
_BODY = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><RetrievePropertiesEx xmlns="urn:vim25">'
    b'<_this type="PropertyCollector">propertyCollector</_this>%b</RetrievePropertiesEx></Body></Envelope>'
)
_REQUEST_BODY = _BODY % (b"<pathSet>runtime.powerState</pathSet>" * 12)
_REPLY_BODY = _BODY % (b"<propSet><name>runtime.powerState</name><val>poweredOn</val></propSet>" * 25)
REQUEST = (
    b'POST /sdk HTTP/1.1\r\nHost: x\r\nSOAPAction: "urn:vim25/8.0.3.0"\r\nCookie: vmware_soap_session="1f"\r\n'
    b"Content-Length: %d\r\n\r\n%b" % (len(_REQUEST_BODY), _REQUEST_BODY)
)
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(_REPLY_BODY), _REPLY_BODY)


@contextmanager
def listening(*words: str) -> Iterator[str]:
    """Start a verb that listens; gives its URL."""
    with subprocess.Popen((*COMMAND, *words), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        try:
            yield next(line for line in process.stdout if line.startswith("listening on ")).split()[-1]
        finally:
            process.terminate()
            process.stdout.read()


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Ran(msgspec.Struct, frozen=True):
    """What a run took: seconds, processor seconds of all processes, requests; and how it ended."""

    wall: float
    cpu: float
    requests: int
    verdict: str


@contextmanager
def served_both() -> Iterator[tuple[str, str]]:
    """Start a simulator and a gate before it; gives their URLs."""
    with listening("simulate", "--seed", "1") as behind, listening("inject", "--target", behind) as before:
        yield behind, before


def idle() -> float:
    """Give the processor seconds of a simulator and a gate that nobody calls."""
    began = _spent()
    with served_both():
        pass
    return _spent() - began


def conformed(max_calls: int, starting: float, *, gate: bool) -> Ran:
    """Run against the simulator, or through a gate before it; what both take to start is left out."""
    before = _spent()
    with tempfile.TemporaryDirectory() as place:
        with served_both() as urls:
            began = time.perf_counter()
            words = ("--target", urls[gate], "--seed", "1", "--report-dir", place)
            options = ("--method", "StartGuestNetwork_Task", "--max-calls", str(max_calls), "--lanes", "1")
            subprocess.run((*COMMAND, "run", *words, *options), capture_output=True, check=False)  # noqa: S603 - ours
            lasted = time.perf_counter() - began
        told = json.loads((Path(place) / "latest" / "run.json").read_bytes())
    verdict = f"{told['verdict']}, {len(told['findings'])} findings"
    return Ran(lasted, _spent() - before - starting, told["requests"], verdict)


MEASURES: dict[str, Callable[[Ran], float]] = {
    "time of a run": lambda run: run.wall,
    "processor time of a run": lambda run: run.cpu,
    "time of a run for each request": lambda run: run.wall / run.requests,
    "processor time of a run for each request": lambda run: run.cpu / run.requests,
}


def runs(rounds: int, max_calls: int) -> list[str]:
    """Compare runs in turn; gives the lines of the table."""
    starting = median(idle() for _ in range(3))
    pairs = [[conformed(max_calls, starting, gate=gate) for gate in (False, True)] for _ in range(rounds)]
    rows = []
    for name, of in MEASURES.items():
        without, through = (median(of(pair[side]) for pair in pairs) for side in (0, 1))
        ratio = median(of(pair[1]) / of(pair[0]) for pair in pairs)
        goal = f"at most {MOST}: {'met' if ratio <= MOST else '**missed**'}"
        rows.append(f"| {name} | {_time(through)} | {_time(without)} | {ratio:.2f} | {goal} |")
    told = "; ".join(sorted({each.verdict for pair in pairs for each in pair}))
    load = f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    said = (
        f"{rounds} pairs of runs, in turn ({load}); a ratio is the median of those of the pairs. All verdicts: {told}."
    )
    return [said, "", "| what | through the gate | without | ratio | goal |", "|---|---|---|---|---|", *rows]


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e6:,.0f} µs"


def _answer(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waits = len(REQUEST)
    while data := sock.recv(1 << 16):
        waits -= len(data)
        if waits <= 0:
            waits += len(REQUEST)
            sock.sendall(REPLY)


def processor_time(url: str) -> float:
    """Give this process's processor seconds for one exchange, client and server among them."""
    place = parse_url(url)
    with socket.create_connection((place.host, place.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.process_time()
        for _ in range(CALLS):
            sock.sendall(REQUEST)
            left = len(REPLY)
            while left:
                left -= len(sock.recv(1 << 16))
        return (time.process_time() - began) / CALLS


def exchanges() -> str:
    """Measure what the gate adds to one exchange; gives a row."""
    with closing(ByteListener(_answer)) as server, opened("127.0.0.1:0", parse_url(server.url), Rules()) as gate:
        pairs = [(processor_time(gate.url), processor_time(server.url)) for _ in range(5)]
    added = median(through - without for through, without in pairs)
    return f"| processor time that the gate adds to an exchange | {added * 1e6:,.0f} µs | | | |"


def fixtures(count: int = 20) -> str:
    """Measure how soon a simulator and a gate are there, and gone, after the first; gives a row."""
    times = []
    for _ in range(count + 1):
        began = time.perf_counter()
        with served():
            pass
        times.append(time.perf_counter() - began)
    later = max(times[1:])
    goal = f"< {SOON} s: {'met' if later < SOON else '**missed**'}"
    what = f"the fixture `vcenter`, the slowest of {count} after the first ({times[0]:.2f} s)"
    return f"| {what} | {later * 1e3:,.0f} ms | | | {goal} |"


def main() -> None:
    """Measure, and put the result between its markers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-calls", type=int, default=0)
    asked = parser.parse_args()
    small = [exchanges(), fixtures()]
    write_section("inject", ["## The gate of `inject`", "", *runs(asked.rounds, asked.max_calls), *small])


if __name__ == "__main__":
    main()
