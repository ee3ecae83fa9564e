"""`vcontract compare`: how two saved runs, or two learned profiles, differ in what the targets answered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from vcontract._check import retell
from vcontract._check.compare import (
    Change,
    Sighting,
    Witness,
    by_circumstance,
    circumstance_changes,
    comparable,
    latency_changes,
    profile_changes,
    row_changes,
    rules,
    unsettled_rows,
)
from vcontract._check.compare.change import Kind
from vcontract._contract import load as load_contract
from vcontract._errors import RunFileError, UsageError
from vcontract._findings.distinguishing_calls import Witnessed, shortest
from vcontract._history import FACTS, read_history
from vcontract._json_file import read_document
from vcontract._profile import SCHEMA, load_profile
from vcontract._report.behaviour import BehaviourDifference
from vcontract._report.differences import DifferenceReport, Side
from vcontract._report.result import RunResult, load_run
from vcontract._report.run_directory import HISTORY
from vcontract._run.interrupted_run import facts_in
from vcontract._saved_file import held_by, understood
from vcontract._schema import SHIPPED, bases_of, load

_READ = "read"


class ComparedRun(msgspec.Struct, frozen=True):
    """What a saved run tells: its result, what its judged calls met and got, and the seconds of its reads."""

    place: Path
    result: RunResult
    histories: list[Witnessed]
    sightings: list[Sighting]
    reads: list[float]

    @property
    def object(self) -> str:
        """The managed object whose contract it judged."""
        return self.histories[0].facts.object

    @property
    def absent(self) -> str:
        """Why the target could not be tested at all; empty if it could."""
        return self.histories[0].facts.absent


def compare(old: Path, new: Path, fail_on: str, known: Mapping[str, str] | None = None) -> DifferenceReport:
    """Compare two run directories, or two profiles. Raises RunFileError, UsageError: they cannot be compared."""
    profiles = [_is_profile(side) for side in (old, new)]
    if all(profiles):
        differences, sides, notes = _profiles(old, new)
    elif any(profiles):
        raise UsageError(f"{old}, {new}: one is a profile and one a run; compare two of the same kind")
    else:
        differences, sides, notes = _runs(old, new)
    ordered = tuple(
        sorted(
            differences,
            key=lambda difference: (
                difference.impact.rank,
                difference.path,
                difference.kind,
                difference.new,
                difference.old,
            ),
        )
    )
    used = {
        name: why
        for name, why in (known or {}).items()
        if any(difference.fingerprint == name for difference in ordered)
    }
    return DifferenceReport("compare", *sides, ordered, fail_on, tuple(notes), used)


def _runs(old: Path, new: Path) -> tuple[list[BehaviourDifference], tuple[Side, Side], list[str]]:
    first, second = told_by(old), told_by(new)
    if first.object != second.object:
        raise UsageError(f"{old} judged {first.object}, {new} {second.object}; compare runs of one object")
    bases = bases_of(load(SHIPPED[-1]))  # the newest knows the faults of both
    grouped = by_circumstance(first.sightings), by_circumstance(second.sightings)
    changes = [
        *_absence(first, second),
        *row_changes(first.result.rows, second.result.rows),
        *circumstance_changes(*grouped, bases),
        *latency_changes(first.sightings, second.sightings, (first.reads, second.reads)),
    ]
    shared = len(grouped[0].keys() & grouped[1].keys())
    alone = [len(circumstances) - shared for circumstances in grouped]
    summary = (
        f"{shared} circumstances were met for certain by both runs; {alone[0]} by the old and {alone[1]} by the new one alone,"
        " which are not compared"
    )
    open_ = unsettled_rows(first.result.rows, second.result.rows)
    notes = [summary, f"{open_} rows were not settled by both runs, and are not compared"]
    differences = [_difference(change, first, second) for change in changes]
    return differences, (_side(first), _side(second)), notes


def told_by(directory: Path) -> ComparedRun:
    """Read a saved run and judge it again, keeping what each call met. Raises RunFileError."""
    result = load_run(directory)
    with understood(directory):
        return _told(result, directory)


def _told(result: RunResult, directory: Path) -> ComparedRun:
    place = directory if directory.is_dir() else directory.parent
    histories: list[Witnessed] = []
    sightings: list[Sighting] = []
    reads: list[float] = []
    for name in (HISTORY, *(worker.history for worker in result.workers)):
        history = read_history(held_by(place, name))
        if histories and not history.noted(FACTS):
            continue
        facts = facts_in(history, directory)
        bases = bases_of(load(facts.api_version)) if facts.api_version in SHIPPED else bases_of(load(SHIPPED[-1]))
        witness = Witness(facts, load_contract(facts.object), bases, len(histories))
        retell(witness, history)
        witness.close()
        histories.append(Witnessed(history, facts, witness.begun))
        sightings += witness.sightings
        reads += [operation.end - operation.start for operation in history.operations if operation.purpose == _READ]
    return ComparedRun(directory, result, histories, sightings, reads)


def _absence(old: ComparedRun, new: ComparedRun) -> list[Change]:
    """Say so if one target alone has the object."""
    if bool(old.absent) == bool(new.absent):
        return []
    kind = Kind.OBJECT_GONE if new.absent else Kind.OBJECT_NEW
    there = ("there", "") if new.absent else ("", "there")
    return [Change(kind, old.object, *there, seen=(old.absent or new.absent,))]


def _difference(change: Change, old: ComparedRun | None = None, new: ComparedRun | None = None) -> BehaviourDifference:
    rule = rules().rule[change.kind]
    shown = shortest(change, old.histories, new.histories) if old and new and change.aspect else None
    replay = ""
    if old and new and change.kind in {Kind.ROW_BROKEN, Kind.ROW_MENDED}:
        broken = new if change.kind is Kind.ROW_BROKEN else old
        replay = next((finding.replay for finding in broken.result.findings if finding.breaks(change.path)), "")
    return BehaviourDifference(
        change.fingerprint,
        rule.impact,
        change.kind.value,
        change.path,
        change.old,
        change.new,
        rule.reason,
        object=old.object if old else "",
        aspect=change.aspect,
        values=change.values,
        seen=change.seen,
        program=shown.program if shown else (),
        root=shown.root if shown else ("", ""),
        replay=replay,
    )


def _side(run: ComparedRun) -> Side:
    return Side(str(run.place), str(run.place / "run.json"), run.result.target.api_version)


def _is_profile(path: Path) -> bool:
    document = read_document(path, RunFileError) if path.is_file() else None
    return isinstance(document, dict) and document.get("schema") == SCHEMA


def _profiles(old: Path, new: Path) -> tuple[list[BehaviourDifference], tuple[Side, Side], list[str]]:
    first, second = load_profile(old), load_profile(new)
    if first.contract != second.contract:
        raise UsageError(f"{old} is of {first.contract}, {new} of {second.contract}; compare profiles of one object")
    changes = profile_changes(first, second, bases_of(load(SHIPPED[-1])))
    names = [{row.id for row in comparable(side)} for side in (first, second)]
    sides = Side(str(old), str(old), first.target.api_version), Side(str(new), str(new), second.target.api_version)
    alone = [len(names[0] - names[1]), len(names[1] - names[0])]
    note = f"{len(names[0] & names[1])} entries are in both profiles; {alone[0]} in the old and {alone[1]} in the new one alone"
    return [_difference(change) for change in changes], sides, [f"{note}, which are not compared"]
