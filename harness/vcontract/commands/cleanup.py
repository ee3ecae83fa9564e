"""`vcontract cleanup`: puts back what runs that were cut left on a target, found by its marks and by the runs' histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from vcontract.check import Judge
from vcontract.client import Recorder, Target
from vcontract.client.properties import read
from vcontract.client.wire import parse_url
from vcontract.config.config import Config, config_for
from vcontract.config.options import Options
from vcontract.contract import Contract, load
from vcontract.errors import HaltedError, HarnessError, RunFileError, UsageError
from vcontract.history import CLEANED
from vcontract.model import Facts, VmFacts
from vcontract.report.result import RUN_FILE
from vcontract.report.run_directory import HISTORY
from vcontract.run.conformance import Conformance
from vcontract.run.interrupted_run import Past, whole_past_of
from vcontract.run.job import Job, configured, going_on, opened
from vcontract.run.plan import Plan
from vcontract.terms import Json, Ref, Returned, as_ref
from vcontract.testbed import (
    CLONE,
    FULL,
    MADE_BY,
    SNAPSHOT_NAME,
    Lane,
    NotArrangedError,
    Seen,
    adopted,
    audit,
    log_in,
    look_round,
    secrets_of,
    survey_target,
)

Say = Callable[[str], None]


class Cleaning(Conformance):
    """Cleans one target: after the run that `past` tells of, or, without one, of whatever carries a run's mark.

    `spared` are the marks of runs that are under way.
    """

    def __init__(
        self, target: Target, contract: Contract, config: Config, past: Past | None, spared: frozenset[str]
    ) -> None:
        run = past.asked.id if past is not None else ""
        super().__init__(target, contract, config, Options(id=run), (), past=past)
        self.run_id, self.spared = run, spared

    def clean(self, say: Say, *, dry: bool) -> bool:
        """Say what is left and put it back (`dry`: only say it); whether all of it is as it was. Raises TargetError."""
        lane = self._set_out()
        if not dry and not self.spared:  # a run that is under way may have lost a host on purpose
            before = self.past.facts.vms if self.past is not None else lane.driver.facts.vms
            with suppress(NotArrangedError):  # restoring says of which VM
                lane.restorer.take_over(frozenset(before))
        clones, snapshots = self._clones(), list(self._snapshots(lane))
        for each in clones:
            say(f"destroys {each.name} ({each.ref.value}), which run {each.run} made")
        for vm, ref, about in snapshots:
            say(f"removes the snapshot {ref.value} of {vm.name}, {about}")
        for vm in lane.driver.facts.vms.values():
            if lane.restorer.touched(vm) and vm.ref not in {each.ref for each in clones}:
                was = lane.driver.tracker.was_power.get(vm.ref.value, "as it is")
                template = lane.driver.tracker.was_template.get(vm.ref.value)
                say(f"puts back {vm.name} ({vm.ref.value}): {'a template' if template else was}, its guest's lock free")
        return True if dry else self._put_back(lane, clones, snapshots, say)

    def _put_back(self, lane: Lane, clones: list[Seen], snapshots: list[tuple[VmFacts, Ref, str]], say: Say) -> bool:
        failed: list[str] = []
        self.guard.runs |= {each.run for each in clones}
        for each in clones:
            if each.ref not in lane.cloner.clones:
                adopted(lane, each)
        for vm, ref, _ in snapshots:
            self.guard.made[ref] = frozenset({vm.ref.value})
            try:
                lane.driver.complete(ref, "RemoveSnapshot_Task", {"removeChildren": False})
            except (NotArrangedError, HaltedError) as error:
                failed.append(f"{vm.name}: {error}")
        failed += lane.restorer.restore(hosts=not self.spared)
        left, told = audit(lane, self.guard, self.run_id)
        for line in [*(f"not restored: {each}" for each in failed), *told]:
            say(line)
        return not failed and not left

    def _clones(self) -> list[Seen]:
        """List what runs made and left: by mark and by name, for what others clone of a clone has its marks too."""
        listed = look_round(self.target, self.guard.marks)
        return [
            each
            for each in listed
            if each.run and not each.refusal and CLONE in each.name and each.run not in self.spared
            and self.run_id in {"", each.run}
        ]  # fmt: skip

    def _snapshots(self, lane: Lane) -> Iterator[tuple[VmFacts, Ref, str]]:
        """Give the snapshots that runs made of VMs that they did not make: the VM, the snapshot, what is said of it."""
        for vm in lane.driver.facts.vms.values():
            if vm.ref in lane.cloner.clones:
                continue
            done = read(self.target, FULL, vm.ref, ["snapshot"])
            values = done.outcome.value if isinstance(done.outcome, Returned) else None
            tree = values.get("snapshot") if isinstance(values, Mapping) else None
            for each in _branches((tree or {}).get("rootSnapshotList")):
                about, ref = str(each.get("description", "")), as_ref(each.get("snapshot"))
                run = about.removeprefix(MADE_BY)
                ours = each.get("name") == SNAPSHOT_NAME and about.startswith(MADE_BY) and run not in self.spared
                if ref is not None and ours and self.run_id in {"", run}:
                    yield vm, ref, about

    def _judge(self) -> Judge:
        recorder = self.target.recorder
        if self.past is None:
            judge = Judge(survey_target(self.target, self.config, self.contract), self.contract, self.bases)
            recorder.listeners.append(judge.feed)
            return judge
        judge = self.past.judge(self.contract, self.bases)
        recorder.listeners.append(judge.feed)
        log_in(self.target, self.config)
        return judge

    def _guard(self, facts: Facts) -> None:
        super()._guard(facts)
        for history in self.past.workers if self.past is not None else ():
            for each in history.operations:
                self.guard.past(each)

    def _plan(self, lane: Lane) -> Plan:
        for vm in lane.driver.facts.vms.values():
            lane.driver.read_vm(vm.ref)
        return Plan([])


def clean_up(directory: Path | None, given: Job, contract: str, say: Say, *, dry: bool) -> bool:
    """Clean after one run, or after every run below the report directory that was cut, and what marks tell of others.

    Whether all is as it was. Raises HarnessError.
    """
    if directory is not None:
        return _after_run(whole_past_of(directory), given, say, dry=dry)
    whole, spared = True, set()
    config = configured(given)
    place = given.target or config.target
    for past in _cut(given.report_dir):
        if place and _where(past) != parse_url(place).url:
            continue
        try:
            whole = _after_run(past, given, say, dry=dry) and whole
        except HarnessError as error:
            say(f"{past.directory}: {error}")
            spared.add(past.asked.id)
    if place:
        recorder = Recorder()
        with opened(given, config, secrets_of(config), recorder, 1) as target:
            cleaning = Cleaning(target, load(contract), config, None, frozenset(spared))
            whole = cleaning.clean(say, dry=dry) and whole
    return whole


def _after_run(past: Past, given: Job, say: Say, *, dry: bool) -> bool:
    place = _where(past)
    if not place:
        say(f"{past.directory}: the simulator that was started for this run ended with it; nothing is left")
        return True
    if given.target and parse_url(given.target).url != place:
        raise UsageError(f"{past.directory}: the run was on {place}; leave --target out")
    job = replace(going_on(past, given), past=None)
    config = configured(job)
    history = past.directory / HISTORY
    recorder = Recorder() if dry else Recorder.continued(history, past.history)
    with opened(job, config, secrets_of(config), recorder, 1) as target:
        say(f"{past.directory}: run {past.asked.id} on {target.url}")
        whole = Cleaning(target, load(past.asked.contract), config, past, frozenset()).clean(say, dry=dry)
        if whole and not dry:
            recorder.observed(CLEANED, {})
        return whole


def _where(past: Past) -> str:
    """Give the URL of the target of a run, in its normal form; empty if a simulator was started for it."""
    asked = past.asked
    url = asked.target or (config_for("", Path(asked.config)).target if asked.config else "")
    return parse_url(url).url if url else ""


def _cut(report_dir: Path) -> Iterator[Past]:
    """Give the runs below a report directory that never ended and were not cleaned up after."""
    for each in sorted(report_dir.glob(f"*/{HISTORY}")):
        if each.parent.is_symlink() or (each.parent / RUN_FILE).exists():
            continue
        try:
            past = whole_past_of(each.parent)
        except RunFileError:
            continue  # it ended before it did anything
        if not past.history.noted(CLEANED):
            yield past


def _branches(tree: Json) -> Iterator[Mapping[str, Json]]:
    for each in tree or ():
        yield each
        yield from _branches(each.get("childSnapshotList"))
