"""`vcontract replay REPORT#id` of a comparison: sends the calls of a difference again, and says which side answers so."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract._check.compare import TIMED, Sighting, Witness, side, told
from vcontract._config.request import RunRequest
from vcontract._errors import HaltedError, UsageError
from vcontract._report.behaviour import BehaviourDifference, load_differences
from vcontract._run.active_run import ActiveRun
from vcontract._run.conformance import replay_finding
from vcontract._run.phases import ReplayFinding
from vcontract._run.preparation import Preparation
from vcontract._run.start import underway
from vcontract._terms import Finding, Grade

TRIES = 5
"""How often the calls are sent, at most: work that must run meanwhile may have ended too soon."""
_CODES = {"old": 0, "new": 1, "": 5}


class Answered(msgspec.Struct, frozen=True):
    """How a target answered the calls of a difference: as the `old` side, as the `new` one, or (empty) otherwise."""

    difference: BehaviourDifference
    as_side: str
    value: str
    halted: bool = False

    @property
    def text(self) -> str:
        """The answer in one line."""
        aspect = self.difference.aspect
        value = f"{1000 * float(self.value):.0f} ms" if aspect.split()[0] in TIMED and self.value else self.value
        if not value:
            return f"{self.difference.fingerprint}: the circumstance did not come about again"
        who = f"as the {self.as_side} side" if self.as_side else "as neither side"
        return f"{self.difference.fingerprint} answers {who}: {aspect}: {value}"

    @property
    def exit_code(self) -> int:
        """0 as the old side, 1 as the new one, 5 otherwise, 3 if the run was halted."""
        return HaltedError.exit_code if self.halted else _CODES[self.as_side]


def is_report(text: str) -> bool:
    """Whether `FILE#id` names a file rather than a run's directory."""
    place = Path(text.rpartition("#")[0])
    return place.is_file() and place.name != "run.json"


def find_difference(text: str) -> BehaviourDifference:
    """Find `REPORT#id`. Raises UsageError if it is not there or nothing can be sent, RunFileError for another file."""
    place, _, id_ = text.rpartition("#")
    found = next((each for each in load_differences(Path(place)) if each.fingerprint == id_), None)
    if found is None:
        raise UsageError(f"{place} has no difference {id_}")
    if not found.program:
        way = found.replay or "nothing recorded shows it by a call"
        raise UsageError(f"{place}: the difference {id_} has no calls of its own to send; {way}")
    return found


class ReplayDifference:
    """The phase that sends the calls of a difference until the last one meets the circumstance in which it was seen."""

    def __init__(self, difference: BehaviourDifference, finding: Finding) -> None:
        self._replay = ReplayFinding(finding)
        self._aspect = difference.aspect
        self._seen = {_known(circumstance) for circumstance in difference.seen}
        self.last: Sighting | None = None

    def run(self, run: ActiveRun) -> None:
        """Send them, at most `TRIES` times."""
        site, judge = run.site, run.testbed.judge
        for _ in range(TRIES):
            begun, facts = len(site.target.recorder.operations), run.testbed.driver.facts
            self._replay.run(run)
            witness = Witness(facts, site.contract, judge.bases)
            for operation in site.target.recorder.operations[begun:]:
                witness.feed(operation)
            witness.close()
            self.last = witness.sightings[-1] if witness.sightings else None
            if self.last is not None and self._meets(self.last):
                return
            self.last = None

    def _meets(self, seen: Sighting) -> bool:
        """Whether a call met the circumstance, and gave an answer of which the aspect can be told."""
        return bool(told(self._aspect, seen)) and (not self._seen or _known(seen.circumstance) in self._seen)


def _known(circumstance: str) -> str:
    """Give a circumstance without what is known of the lock: a fresh VM has a free one, whoever knows it."""
    return circumstance.replace("lock unknown+", "").replace("lock unknown", "valid")


def retry(difference: BehaviourDifference, request: RunRequest, preparation: Preparation) -> Answered:
    """Send the calls of a difference, as a replay of a finding is sent. Raises HarnessError as a run does."""
    last = difference.program[-1].call
    finding = Finding(
        difference.fingerprint, "", difference.object, last.method, Grade.CONFORMS, difference.old, difference.new,
        preparation.replay, program=difference.program, root=difference.root,
    )  # fmt: skip
    with underway(request, replace(preparation, finding=finding)) as started:
        phase = ReplayDifference(difference, finding)
        halted = replay_finding(started, finding, phase).exit_code == HaltedError.exit_code
    if phase.last is None:
        return Answered(difference, "", "", halted=halted)
    side_ = side(difference.aspect, difference.values, phase.last)
    return Answered(difference, side_, told(difference.aspect, phase.last), halted=halted)
