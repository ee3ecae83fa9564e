"""`vcontract cleanup`: puts back what runs that were cut left on a target, found by its marks and by the runs' histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from vcontract._check import Judge
from vcontract._client import Recorder
from vcontract._client.properties import read
from vcontract._config.config import target_named
from vcontract._config.context import RunContext
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import HaltedError, HarnessError, UsageError
from vcontract._history import CLEANED
from vcontract._model import VmFacts
from vcontract._report.run_directory import HISTORY
from vcontract._report.safe_text import one_line
from vcontract._run.former_runs import going_on
from vcontract._run.interrupted_run import InterruptedRun, cut_runs, whole_interrupted_run_of
from vcontract._run.planning import look_at_vms
from vcontract._run.preparation import Preparation
from vcontract._run.start import configured, opened
from vcontract._terms import Ended, Json, Ref, Returned, as_ref
from vcontract._testbed import (
    CLONE,
    FULL,
    MADE_BY,
    SNAPSHOT_NAME,
    Known,
    NotArrangedError,
    Seen,
    Site,
    Source,
    adopted,
    audit,
    claimant_of,
    instance_of,
    look_round,
    make_call,
    open_testbed,
    survey_target,
)

Say = Callable[[str], None]


class Cleaner:
    """Cleans one target: after the run that `interrupted` tells of, or, without one, of whatever carries a run's mark.

    `spared` are the marks of runs that are under way.
    """

    def __init__(self, site: Site, interrupted: InterruptedRun | None, spared: frozenset[str]) -> None:
        self.interrupted, self.spared = interrupted, spared
        self.testbed = open_testbed(site, cut_run(interrupted) if interrupted is not None else looked_round)
        look_at_vms(self.testbed)

    @property
    def run_id(self) -> str:
        """The mark of what the run made; empty if it is cleaned after whatever run."""
        return self.testbed.site.context.run

    def clean(self, say: Say, *, dry: bool) -> bool:
        """Say what is left and put it back (`dry`: only say it); whether all of it is as it was. Raises TargetError."""
        claims = self.testbed.claims
        if dry:
            return self._clean(say, dry=True)
        if self.testbed.limit is not None:  # what changed no VM claimed none
            return self._clean(say, dry=False)
        names = {moid: vm.name for moid, vm in self.testbed.driver.facts.vms.items()}
        claims.take(names | {clone.ref.value: clone.name for clone in self._clones()}, self.spared)
        try:
            for note in claims.notes:
                say(note)
            return self._clean(say, dry=False)
        finally:
            for line in claims.release():
                say(line)

    def _clean(self, say: Say, *, dry: bool) -> bool:
        lane = self.testbed.lane
        tracker = lane.driver.tracker
        if not dry and not self.spared:  # a run that is under way may have lost a host on purpose
            before = self.interrupted.facts.vms if self.interrupted is not None else lane.driver.facts.vms
            with suppress(NotArrangedError):  # restoring says of which VM
                lane.restorer.take_over(frozenset(before))
        clones, snapshots = self._clones(), list(self._snapshots())
        for clone in clones:
            say(f"destroys {clone.name} ({clone.ref.value}), which run {clone.run} made")
        for vm, ref, about in snapshots:
            say(f"removes the snapshot {ref.value} of {vm.name}, {about}")
        for vm in lane.driver.facts.vms.values():
            if lane.restorer.touched(vm) and vm.ref not in {clone.ref for clone in clones}:
                was = tracker.was_power.get(vm.ref.value, "as it is")
                template = tracker.was_template.get(vm.ref.value)
                say(f"puts back {vm.name} ({vm.ref.value}): {'a template' if template else was}, its guest's lock free")
        return True if dry else self._put_back(clones, snapshots, say)

    def _put_back(self, clones: list[Seen], snapshots: list[tuple[VmFacts, Ref, str]], say: Say) -> bool:
        lane, guard = self.testbed.lane, self.testbed.guard
        failed: list[str] = []
        guard.add_runs({clone.run for clone in clones})
        for clone in clones:
            if clone.ref not in lane.cloner.clones:
                adopted(lane, clone)
        for vm, ref, _ in snapshots:
            guard.vouch_for(ref, {vm.ref.value})
            try:
                make_call(lane.driver, "removeSnapshot", ref, {"removeChildren": False})
            except (NotArrangedError, HaltedError) as error:
                failed.append(f"{vm.name}: {error}")
        failed += lane.restorer.restore(hosts=not self.spared)
        left, told = audit(lane, guard, self.run_id)
        for line in [*(Ended.NOT_RESTORED.note(reason) for reason in failed), *told]:
            say(line)
        return not failed and not left

    def _clones(self) -> list[Seen]:
        """List what runs made and left: by mark and by name, for what others clone of a clone has its marks too."""
        listed = look_round(self.testbed.target, self.testbed.guard.marks)
        return [
            vm
            for vm in listed
            if vm.run and not vm.refusal and CLONE in vm.name and vm.run not in self.spared
            and self.run_id in {"", vm.run}
        ]  # fmt: skip

    def _snapshots(self) -> Iterator[tuple[VmFacts, Ref, str]]:
        """Give the snapshots that runs made of VMs that they did not make: the VM, the snapshot, what is said of it."""
        lane, named = self.testbed.lane, self.testbed.target.secrets.redact(SNAPSHOT_NAME)
        for vm in lane.driver.facts.vms.values():
            if vm.ref in lane.cloner.clones:
                continue
            done = read(self.testbed.target, FULL, vm.ref, ["snapshot"])
            values = done.outcome.value if isinstance(done.outcome, Returned) else None
            tree = values.get("snapshot") if isinstance(values, Mapping) else None
            for snapshot in _branches((tree or {}).get("rootSnapshotList")):
                about, ref = str(snapshot.get("description", "")), as_ref(snapshot.get("snapshot"))
                run = about.removeprefix(MADE_BY)
                ours = snapshot.get("name") == named and about.startswith(MADE_BY) and run not in self.spared
                if ref is not None and ours and self.run_id in {"", run}:
                    yield vm, ref, about


def looked_round(site: Site) -> Known:
    """Survey the target, whatever it holds; nothing of it is kept."""
    facts = survey_target(site.target, site.config, site.contract)
    return Known(site.heard_by(Judge(facts, site.contract, site.bases)))


def cut_run(interrupted: InterruptedRun) -> Source:
    """Take what a run that was cut, and each of its workers, knew and did; sessions are opened anew."""

    def source(site: Site) -> Known:
        interrupted.check_vcenter(site.target)
        known = interrupted.with_levers(site.config.levers)
        judge = site.heard_by(known.judge(site.contract, site.bases))
        others = survey_target(site.target, site.config, site.contract, run=site.context.run).others
        histories = (interrupted.history, *interrupted.workers)
        return Known(judge, [operation for history in histories for operation in history.operations], others=others)

    return source


def clean_up(directory: Path | None, request: RunRequest, preparation: Preparation, say: Say, *, dry: bool) -> str:
    """Clean after one run, or after every run below the report directory that left something, and what marks tell of others.

    Gives the closing word; none if not all is as it was, or something could not be looked at, which is told. Only the target
    that this command line or its configuration names is logged in at. Raises HarnessError.
    """
    closing = "nothing was changed" if dry else "clean"
    if directory is not None:
        whole = _after_run(whole_interrupted_run_of(directory), request, preparation, say, dry=dry)
        return closing if whole else ""
    place = target_named(request)
    cut, unread = cut_runs(request.report_dir)
    for why in unread:
        say(f"{why}; what that run left is not known: look at its VMs, then move its directory away")
    cut = [interrupted for interrupted in cut if interrupted.url]
    if not place:
        if cut:
            urls = ", ".join(sorted({interrupted.place for interrupted in cut}))
            raise UsageError(
                f"{request.report_dir}: holds runs that were cut on {urls}: name the target, with --target or --config"
            )
        return (
            ""
            if unread
            else "no run below is known to have left anything; no target is named, so no server was looked at"
        )
    whole = _clean_target(cut, place, request, preparation, say, dry=dry)
    return closing if whole and not unread else ""


def _clean_target(
    cut: Sequence[InterruptedRun], place: str, request: RunRequest, preparation: Preparation, say: Say, *, dry: bool
) -> bool:
    """Clean the target after those of the runs that were on it, then after whatever carries a mark there."""
    whole, spared = True, set()
    config = configured(request, preparation)
    with opened(request, preparation, config, Recorder()) as target:
        for interrupted in cut:
            if not interrupted.is_on(place, instance_of(target)):
                say(f"{interrupted.directory}: its run was on {interrupted.place}, which was not looked at: name it")
                whole = False
                continue
            try:
                whole = _after_run(interrupted, request, preparation, say, dry=dry) and whole
            except HarnessError as error:
                say(f"{interrupted.directory}: {error}")
                whole = False
                spared.add(interrupted.note.run)
        asked = RunRequest(break_claim=request.break_claim)
        site = Site(target, load(request.contract), config, asked, RunContext(claimant=claimant_of("cleanup")))
        return Cleaner(site, None, frozenset(spared)).clean(say, dry=dry) and whole


def _after_run(
    interrupted: InterruptedRun, request: RunRequest, preparation: Preparation, say: Say, *, dry: bool
) -> bool:
    if not interrupted.url:
        say(f"{interrupted.directory}: the simulator that was started for this run ended with it; nothing is left")
        return True
    request = replace(request, risk=interrupted.note.request.risk)  # what was not changed is not put back
    goes_on, prepared = going_on(interrupted, request, preparation)
    config = configured(goes_on, prepared)
    history = interrupted.directory / HISTORY
    recorder = Recorder() if dry else Recorder.continued(history, interrupted.history, lenient=True)
    with opened(goes_on, prepared, config, recorder) as target:
        interrupted.check_vcenter(target)
        say(f"{interrupted.directory}: run {one_line(interrupted.note.run)} on {target.url}")
        asked = RunRequest(break_claim=request.break_claim, risk=request.risk)
        site = Site(target, load(goes_on.contract), config, asked, RunContext(run=interrupted.note.run))
        whole = Cleaner(site, interrupted, frozenset()).clean(say, dry=dry)
        if whole and not dry:
            recorder.observed(CLEANED, {})
        if recorder.lost:
            say(f"{recorder.lost}; that it was cleaned up after is not noted there")
        return whole and not recorder.lost


def _branches(tree: Json) -> Iterator[Mapping[str, Json]]:
    for each in tree or ():
        yield each
        yield from _branches(each.get("childSnapshotList"))
