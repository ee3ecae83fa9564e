"""A run that was cut, as its directory tells it: what was asked, what was known, which steps were taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract._check import Judge, retell
from vcontract._client import Target
from vcontract._client.wire import parse_url
from vcontract._config.config import address_of
from vcontract._config.request import RunRequest, record_of, request_of, with_whole_paths
from vcontract._contract import Contract
from vcontract._errors import HaltedError, RunFileError, UsageError
from vcontract._history import ASKED, CLEANED, FACTS, STEP, History, read_history
from vcontract._model import Facts, Lever, facts_of
from vcontract._report.result import RUN_FILE, load_run
from vcontract._report.run_directory import HISTORY, RUN_DIRECTORY
from vcontract._report.safe_text import one_line
from vcontract._saved_file import understood
from vcontract._terms import Json
from vcontract._testbed import Known, Site, Source, instance_of, survey_target


class RunNote(msgspec.Struct, frozen=True):
    """What a history says of its run as it begins; nothing of it is secret, and nothing of it is trusted with a password.

    `started` is UTC in ISO 8601, `replay` the command that repeats the run, `run` the mark of what it makes. `embedded` says
    that the simulator was started for it.
    """

    request: RunRequest
    started: str = ""
    replay: str = ""
    run: str = ""
    embedded: bool = False

    def noted(self) -> dict[str, Json]:
        """Give the note as the history keeps it: the fields of the request beside the others; its files by whole paths."""
        told = {"started": self.started, "replay": self.replay, "id": self.run, "embedded": self.embedded}
        return {**record_of(with_whole_paths(self.request)), **told}


def note_of(site: Site, started: datetime) -> RunNote:
    """Make the note of a run that begins."""
    embedded = not address_of(site.request, site.config)
    moment = started.isoformat(timespec="seconds")
    return RunNote(site.request, moment, site.context.replay, site.context.run, embedded)


class InterruptedRun(msgspec.Struct, frozen=True):
    """What was done before a run was cut; `workers` are the histories of several workers."""

    directory: Path
    history: History
    note: RunNote
    facts: Facts
    workers: tuple[History, ...] = ()

    @property
    def steps(self) -> list[dict[str, Json]]:
        """Give the notes of the steps that were taken."""
        return self.history.noted(STEP)

    def with_levers(self, levers: Sequence[Lever]) -> InterruptedRun:
        """Give the run without the levers that are not among these: what is run in guests, a configuration says alone."""
        return replace(self, facts=replace(self.facts, levers=tuple(one for one in self.facts.levers if one in levers)))

    def judge(self, contract: Contract, bases: dict[str, str]) -> Judge:
        """Give a judge that has heard everything so far."""
        with understood(self.directory):
            return self._judge(contract, bases)

    def _judge(self, contract: Contract, bases: dict[str, str]) -> Judge:
        judge = Judge(self.facts, contract, bases)
        retell(judge, self.history)
        for worker in self.workers:
            if worker.noted(FACTS):
                its = Judge(facts_in(worker, self.directory), contract, bases)
                retell(its, worker)
                for moid, vm in its.tracker.facts.vms.items():  # what it knew of its VMs is what is known of them
                    judge.tracker.add_vm(vm, its.tracker.states(moid))
        judge.resume()
        return judge

    @property
    def url(self) -> str:
        """The address of the run's target, as its directory has it; empty if the simulator was started for it."""
        return "" if self.note.embedded else self.note.request.target or self.facts.url

    @property
    def place(self) -> str:
        """The address for people: in its normal form, which holds no password."""
        return one_line(_normal(self.url)) or "a target whose address cannot be read"

    def is_on(self, url: str, instance: str) -> bool:
        """Whether the run was on the vCenter at this address: one instance UUID, or one address if either names none."""
        if self.facts.instance and instance:
            return self.facts.instance == instance
        return _normal(self.url) == _normal(url)

    def check_vcenter(self, target: Target) -> None:
        """Make sure, before anybody logs in, that the target is the vCenter of the run. Raises UsageError that names both."""
        instance = instance_of(target)
        if not self.note.embedded and not self.is_on(target.url, instance):
            there, here = self.facts.instance or "no UUID", instance or "no UUID"
            raise UsageError(
                f"{self.directory}: the run was on {self.place} ({one_line(there)}), this is {target.url} "
                f"({one_line(here)}): another vCenter"
            )

    def check(self, surveyed: Facts) -> None:
        """Make sure that the target is still what it was. Raises UsageError that says what is not."""
        if surveyed.levers != self.facts.levers:
            raise UsageError(
                f"{self.directory}: the levers of the configuration are not those of the run; it cannot go on"
            )
        if surveyed.manager != self.facts.manager or surveyed.api_version != self.facts.api_version:
            raise UsageError(
                f"{self.directory}: the run met {self.facts.manager.value} at API {self.facts.api_version}, this target "
                f"has {surveyed.manager.value} at API {surveyed.api_version}; it cannot go on here"
            )
        if gone := sorted(vm.name for moid, vm in self.facts.vms.items() if moid not in surveyed.vms):
            raise UsageError(f"{self.directory}: VMs of the run are gone or no longer marked: {', '.join(gone)}")


def resumed(interrupted: InterruptedRun) -> Source:
    """Go on with what a run that was cut knew of its target, once the target was found to be the same."""

    def source(site: Site) -> Known:
        interrupted.check_vcenter(site.target)
        judge = site.heard_by(interrupted.judge(site.contract, site.bases))
        facts = survey_target(site.target, site.config, site.contract, run=site.context.run)
        interrupted.check(facts)
        histories = (interrupted.history, *interrupted.workers)
        before = [operation for history in histories for operation in history.operations]
        return Known(judge, before, claims=True, others=facts.others)

    return source


def interrupted_run_of(directory: Path) -> InterruptedRun:
    """Read what a run did; `latest` stands for where it points. Raises RunFileError if no run there could go on."""
    interrupted = whole_interrupted_run_of(directory)
    if interrupted.workers and interrupted.note.request.lanes < 2:
        raise RunFileError(f"{interrupted.directory}: the run was one of several workers; it cannot go on")
    if interrupted.note.request.complete is not None:
        raise UsageError(
            f"{interrupted.directory}: a bounded proof cannot go on, its words must be run on one server; run it again"
        )
    return interrupted


def whole_interrupted_run_of(directory: Path) -> InterruptedRun:
    """Read what a run did, also one that could not go on. Raises RunFileError if its history does not tell."""
    directory = directory.resolve()
    with understood(directory):
        return _whole_interrupted_run_of(directory)


def _whole_interrupted_run_of(directory: Path) -> InterruptedRun:
    history = read_history(directory / HISTORY)
    notes = history.noted(ASKED)
    if not notes:
        raise RunFileError(f"{directory}: the history does not say what was asked of the run; it cannot go on")
    try:
        note = _note_of(notes[0])
    except msgspec.ValidationError as error:
        raise RunFileError(f"{directory}: the history does not say what was asked of the run: {error}") from error
    workers = tuple(read_history(file) for file in sorted(directory.glob("history-*.jsonl")))
    return InterruptedRun(directory, history, note, facts_in(history, directory), workers)


def cut_runs(report_dir: Path) -> tuple[list[InterruptedRun], list[str]]:
    """Read the runs below a report directory that may have left something; says also of which runs that cannot be read.

    Those are the runs that never ended, and those that ended with exit 3, unless they were cleaned up after. Of a run whose
    history ends before the survey nothing is left.
    """
    found, unread = list[InterruptedRun](), list[str]()
    for directory in sorted(each for each in report_dir.glob("*") if each.is_dir() and not each.is_symlink()):
        try:
            if _is_over(directory):
                continue
            history = read_history(directory / HISTORY)
            if not history.noted(CLEANED) and history.noted(FACTS):
                found.append(whole_interrupted_run_of(directory))
        except RunFileError as error:
            unread.append(str(error))
    return found, unread


def _is_over(directory: Path) -> bool:
    """Whether a directory is that of a run that ended and put everything back, or of no run at all. Raises RunFileError."""
    if (directory / RUN_FILE).exists():
        return load_run(directory).exit_code != HaltedError.exit_code
    return not RUN_DIRECTORY.fullmatch(directory.name) and not (directory / HISTORY).exists()


def _note_of(kept: dict[str, Json]) -> RunNote:
    """Read a history's note of its run. Raises msgspec.ValidationError."""
    named = msgspec.convert(kept, _Named)
    try:
        datetime.fromisoformat(named.started)
    except ValueError as error:
        raise msgspec.ValidationError(f"`started` is no time: {named.started[:40]!r}") from error
    request = request_of(kept)
    former = not request.target and request.config is None  # how a run of 0.1.0 tells of the simulator
    return RunNote(request, named.started, named.replay, named.id, former if named.embedded is None else named.embedded)


class _Named(msgspec.Struct, frozen=True):
    """The part of the note that is no request; without contract and seed it is no note of a run."""

    contract: str
    seed: int
    started: str
    replay: str = ""
    id: str = ""
    embedded: bool | None = None


def _normal(url: str) -> str:
    """Give an address in its normal form; empty for what is none."""
    try:
        return parse_url(url).url
    except UsageError:
        return ""


def facts_in(history: History, directory: Path) -> Facts:
    """Give the facts that a history carries. Raises RunFileError, with the run's directory, if it carries none."""
    noted = history.noted(FACTS)
    if not noted:
        raise RunFileError(f"{directory}: the history holds no facts; the run ended before it began")
    try:
        return facts_of(noted[0])
    except msgspec.ValidationError as error:
        raise RunFileError(f"{directory}: the history holds no facts of a run: {error}") from error
