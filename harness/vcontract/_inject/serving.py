"""Opens a gate with its rules before a server, and ends it with a report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from vcontract._client import Trust
from vcontract._client.wire import Endpoint
from vcontract._inject.choosing import Chooser
from vcontract._inject.followed import broken, table
from vcontract._inject.gate import Ask, Gate, Line
from vcontract._inject.injector import Injector
from vcontract._inject.journal import Journal
from vcontract._inject.other_actor import OtherActor
from vcontract._inject.report import Told, told_of, write_report
from vcontract._inject.rules import Rules
from vcontract._simulator.standing_in import StandIn


class Opened:
    """An open gate: its URL, the injector behind it, and what it has to tell."""

    def __init__(self, gate: Gate, injector: Injector, rules: Rules, target: str) -> None:
        self.url, self.injector, self._rules, self._target = gate.url, injector, rules, target

    def told(self) -> Told:
        """Tell what was met so far, and what followed."""
        journal = self.injector.journal
        lines = table(journal)
        return told_of(journal, self.injector.chooser, lines, broken(self._rules.expect, lines), self._target)

    def report(self, folder: Path | None) -> Told:
        """Tell it, and write it to a folder if one is given. Raises ReportError."""
        told = self.told()
        if folder is not None:
            write_report(folder, told)
        return told


@contextlib.contextmanager
def opened(
    listen: str,
    server: Endpoint,
    rules: Rules,
    *,
    trust: Trust | None = None,
    vms: frozenset[str] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Opened]:
    """Open a gate at `listen` before a server.

    `vms` are those that rules may apply to (None: all, where the server is our own simulator). `tell` gets lines for people.
    UsageError: a rule can never apply, or it cannot listen there.
    """
    stand_in = StandIn()
    trust = trust or Trust()

    lines: list[Line] = []

    def dial() -> Ask:
        line = Line(server, trust)
        lines.append(line)

        def ask(raw: bytes) -> bytes:
            try:
                return line.ask(raw, "POST")
            finally:
                line.close()
                lines.remove(line)

        return ask

    injector = Injector(Chooser(rules.seed, rules.rule, vms), stand_in, Journal(), dial, OtherActor(server.url, trust))
    gate = Gate(listen, server, trust, injector, tell)
    try:
        yield Opened(gate, injector, rules, server.url)
    finally:
        injector.close()
        gate.close()
        for each in tuple(lines):
            each.cut()
