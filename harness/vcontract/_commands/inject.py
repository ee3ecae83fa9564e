"""`vcontract inject`: a gate before a server, until SIGINT or SIGTERM, and the report behind it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vcontract._client import Recorder, Trust
from vcontract._client.wire import parse_url
from vcontract._config.config import Config, address_of
from vcontract._config.own_simulator import is_our_simulator
from vcontract._config.request import RunRequest
from vcontract._errors import UsageError
from vcontract._inject.gate import check_reached
from vcontract._inject.lint import lint as mistakes_of
from vcontract._inject.lint import refuse
from vcontract._inject.report import check_place, text_of
from vcontract._inject.rules import Rules, read_rules
from vcontract._inject.serving import Opened, opened
from vcontract._run.preparation import Preparation
from vcontract._run.start import configured
from vcontract._run.start import opened as reached
from vcontract._testbed import log_in, look_round, marks_of

_LOOK = 0.2
"""Seconds between two looks at whether the process was told to end."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked of the verb: where to listen, the rules, a seed in the place of the file's, and the report's folder.

    `own`: the URL of the simulator that was started for it; empty where a server is named.
    """

    listen: str
    rules: Path | None = None
    report: Path | None = None
    seed: int | None = None
    own: str = ""


def inject(asked: Asked, request: RunRequest, preparation: Preparation, tell: Callable[[str], None]) -> int:
    """Open the gate, wait until the process is told to end, and report; gives the exit code. Raises HarnessError."""
    rules = Rules()
    if asked.rules is not None:
        if asked.own:
            refuse(asked.rules, own=True)
        rules = read_rules(asked.rules)
    if asked.seed is not None:
        rules = msgspec.structs.replace(rules, seed=asked.seed)
    if asked.report is not None:
        check_place(asked.report)
    url, trust, vms = asked.own, Trust(), None
    if not asked.own:
        config = configured(request, preparation)
        url, trust = address_of(request, config), config.trust(insecure=request.insecure)
        check_reached(parse_url(url), trust)
        own = bool(rules.rule) and is_our_simulator(url, trust)
        if asked.rules is not None:
            refuse(asked.rules, own=own)  # what is wrong with a file is said before anybody logs in
        if rules.rule and not own:
            vms = marked(request, preparation, config)
    with told_to_end() as ended, opened(asked.listen, parse_url(url), rules, trust=trust, vms=vms, tell=tell) as gate:
        _tell_rules(gate, vms, tell)
        tell(f"listening on {gate.url}")
        while not ended.wait(_LOOK):
            pass  # a signal that another thread took is heard of when this one wakes
        told = gate.report(asked.report)
    tell(text_of(told))
    if asked.report is not None:
        tell(f"report: {asked.report}")
    return told.exit_code


def lint(path: Path, *, own: bool, tell: Callable[[str], None], complain: Callable[[str], None]) -> int:
    """Say what is wrong with a file of rules, a line each; gives the exit code. Raises UsageError.

    `own`: the rules are for our own simulator.
    """
    told = mistakes_of(path, own=own)
    for line in told:
        complain(line)
    if not told:
        tell(f"{path}: the rules are sound")
    return UsageError.exit_code if told else 0


def marked(request: RunRequest, preparation: Preparation, config: Config) -> frozenset[str]:
    """Name the VMs of a server that carry the operator's mark; read in a session of its own, which is closed behind it.

    Raises HarnessError.
    """
    with reached(request, preparation, config, Recorder()) as target:
        log_in(target, config)
        marks = marks_of(target, config)
        return frozenset(each.ref.value for each in look_round(target, marks) if marks.owner in each.owners)


@contextmanager
def told_to_end() -> Iterator[threading.Event]:
    """Give an event that is set by SIGINT or SIGTERM; from the main thread alone."""
    ended = threading.Event()
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, lambda *_: ended.set()) for name in names}
    try:
        yield ended
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _tell_rules(gate: Opened, vms: frozenset[str] | None, tell: Callable[[str], None]) -> None:
    for number, rule in enumerate(gate.injector.chooser.rules, 1):
        tell(f"  rule {number}: {rule.title}{', illegal' if rule.illegal else ''}")
    if vms is not None:
        tell(f"  rules apply to {len(vms)} marked VMs: {', '.join(sorted(vms)) or 'none, so to no call'}")
