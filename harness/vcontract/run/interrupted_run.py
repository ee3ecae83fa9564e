"""A run that was cut, as its directory tells it: what was asked, what was known, which steps were taken."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract.check import Judge, retell
from vcontract.config.request import RunRequest, record_of, request_of
from vcontract.contract import Contract
from vcontract.errors import RunFileError, UsageError
from vcontract.history import ASKED, FACTS, STEP, History, read_history
from vcontract.model import Facts, facts_of
from vcontract.report.run_directory import HISTORY
from vcontract.terms import Json
from vcontract.testbed import Known, Site, Source, survey_target


class RunNote(msgspec.Struct, frozen=True):
    """What a history says of its run as it begins; nothing of it is secret.

    `started` is UTC in ISO 8601, `replay` the command that repeats the run, `run` the mark of what it makes. The target of
    the request is empty if the simulator was started.
    """

    request: RunRequest
    started: str = ""
    replay: str = ""
    run: str = ""

    def noted(self) -> dict[str, Json]:
        """Give the note as the history keeps it: the fields of the request beside the others; its files by whole paths."""
        config = self.request.config
        request = replace(self.request, config=config.resolve() if config else None)
        return {**record_of(request), "started": self.started, "replay": self.replay, "id": self.run}


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

    def judge(self, contract: Contract, bases: dict[str, str]) -> Judge:
        """Give a judge that has heard everything so far."""
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

    def check(self, surveyed: Facts) -> None:
        """Make sure that the target is still what it was. Raises UsageError that says what is not."""
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
        judge = site.heard_by(interrupted.judge(site.contract, site.bases))
        interrupted.check(survey_target(site.target, site.config, site.contract, run=site.context.run))
        return Known(judge, interrupted.history.operations)

    return source


def interrupted_run_of(directory: Path) -> InterruptedRun:
    """Read what a run did; `latest` stands for where it points. Raises RunFileError if no run there could go on."""
    interrupted = whole_interrupted_run_of(directory)
    if interrupted.workers:
        raise RunFileError(f"{interrupted.directory}: the run was one of several workers; it cannot go on")
    if interrupted.note.request.complete is not None:
        raise UsageError(
            f"{interrupted.directory}: a bounded proof cannot go on, its words must be run on one server; run it again"
        )
    return interrupted


def whole_interrupted_run_of(directory: Path) -> InterruptedRun:
    """Read what a run did, also one that could not go on. Raises RunFileError if its history does not tell."""
    directory = directory.resolve()
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


def _note_of(kept: dict[str, Json]) -> RunNote:
    """Read a history's note of its run. Raises msgspec.ValidationError."""
    named = msgspec.convert(kept, _Named)
    return RunNote(request_of(kept), named.started, named.replay, named.id)


class _Named(msgspec.Struct, frozen=True):
    """The part of the note that is no request; without contract and seed it is no note of a run."""

    contract: str
    seed: int
    started: str
    replay: str = ""
    id: str = ""


def facts_in(history: History, directory: Path) -> Facts:
    """Give the facts that a history carries. Raises RunFileError, with the run's directory, if it carries none."""
    noted = history.noted(FACTS)
    if not noted:
        raise RunFileError(f"{directory}: the history holds no facts; the run ended before it began")
    try:
        return facts_of(noted[0])
    except msgspec.ValidationError as error:
        raise RunFileError(f"{directory}: the history holds no facts of a run: {error}") from error
