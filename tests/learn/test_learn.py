"""A profile says of a server what it does, as the simulator's own lists of checks show; a run then judges exactly by it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._check import Judgement
from vcontract._check.compare import profile_changes
from vcontract._check.pinned import pinned
from vcontract._client import Recorder, Target
from vcontract._config.config import LOOPBACK
from vcontract._config.context import RunContext
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._learn.table import TableLesson
from vcontract._model import Cell, Pinned
from vcontract._profile import SUCCESS, Profile, encode_profile, load_profile
from vcontract._report.result import RunResult
from vcontract._run.active_run import begin, begin_run
from vcontract._run.announcer import Announcer
from vcontract._run.phases import ReadObject, ShrinkFindings, TakeSteps
from vcontract._run.planning import plan_whole_run
from vcontract._run.profile_source import pinned_by
from vcontract._run.start import StartedRun
from vcontract._run.summarize import summarize
from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator.variants import VARIANTS, checks
from vcontract._simulator.vcenter import VCenter
from vcontract._terms import Grade, Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site, surveyed

MANAGER = "VirtualMachineGuestCustomizationManager"
CUSTOMIZE, ABORT = "CustomizeGuest_Task", "AbortCustomization_Task"
CHECKED = {
    "hostLost": "host",
    "poweredOff": "power",
    "suspended": "power",
    "template": "power",
    "toolsStopped": "tools",
    "toolsNever": "tools",
    "busy": "busy",
    "customizing": "beside",
    "networkStarting": "beside",
    "aborting": "beside",
    "loginRejected": "login",
    "loginMayNot": "permission",
    "nicCount": "spec",
    "engineAbsent": "engine",
    "engineBroken": "engine",
    "orphanedLock": "lock",
}
"""Which check of the simulator each condition fails."""
ORDERS = sorted(name for name, each in VARIANTS.known.items() if each.change.__module__ == checks.__name__)
"""The variants of precedence and channel."""
SAMPLE = ("login-comes-before-busy",)


def sampled(cell: Cell) -> bool:
    """Whether a cell is about what the simulator's checks are about."""
    return set(cell.deviations) <= {*CHECKED}


def single(cell: Cell) -> bool:
    """Whether a cell shows what one condition is answered."""
    return sampled(cell) and len(cell.deviations) < 2


def learned(
    *variants: str, methods: tuple[str, ...] = (CUSTOMIZE,), seed: int = 1, wanted: Callable[[Cell], bool] = sampled
) -> Profile:
    """Learn the profile of a simulator with some variants."""
    with SimulatorServer(fitted(variants=frozenset(variants), task_retention_count=32)) as server:
        target = Target.open(server.url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
        with closing(target):
            site = Site(target, load(MANAGER), EMBEDDED, RunRequest(seed=seed, methods=methods))
            return TableLesson(wanted).learn(StartedRun(site)).profile


def judged(pins: Pinned | None, *variants: str, calls: int = 150) -> tuple[RunResult, list[Judgement]]:
    """Run against a simulator with some variants, by a profile; the plan's beginning is every condition alone."""
    with SimulatorServer(fitted(variants=frozenset(variants), task_retention_count=32)) as server:
        target = Target.open(server.url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
        options = RunRequest(seed=2, methods=(CUSTOMIZE,), max_calls=calls, stop_at_first=True)
        with closing(target):
            site = Site(target, load(MANAGER), EMBEDDED, options, RunContext(pinned=pins))
            beginning = begin(site)
            run = begin_run(site, surveyed(beginning.asked(site)), plan_whole_run, beginning, Announcer([]))
            part = run.conduct([ReadObject(), TakeSteps(), ShrinkFindings()])
            return summarize(site, beginning, [part], run.testbed.caller), part.judgements


def assert_learned_as_declared(profile: Profile, *variants: str) -> None:
    """Compare what was learned with the variant's own lists of checks: who comes first wins, by the channel of its list."""
    decide = VCenter(Settings(variants=frozenset(variants))).decisions
    order = [*decide.at_call, *decide.at_start]
    answers = {each.id: each for each in profile.answers}
    alone = {each.id: each.sole for each in profile.answers if len(each.conditions) == 1}
    failing = {name: sole for name, sole in alone.items() if sole is not None and sole.fault != SUCCESS}
    for id_, sole in failing.items():
        check = CHECKED[id_.partition(":")[2]]
        assert sole.channel == ("call" if check in decide.at_call else "task"), id_
    wins = {(each.method, each.winner, each.loser): each.channel for each in profile.precedence}
    expected = {}
    for each in answers.values():
        both = [failing.get(f"{each.method}:{name}") for name in each.conditions]
        if len(each.conditions) == 2 and None not in both and both[0].text() != both[1].text():  # type: ignore[union-attr]  # None is not in it
            winner, loser = sorted(each.conditions, key=lambda name: order.index(CHECKED[name]))
            expected[each.method, winner, loser] = "call" if CHECKED[winner] in decide.at_call else "task"
    assert expected
    assert wins == expected


@pytest.mark.parametrize("variant", SAMPLE)
def test_a_variant_is_learned_as_what_it_declares(variant: str) -> None:
    """Which condition wins and which channel its fault takes: exactly the order of the checks."""
    assert_learned_as_declared(learned(variant), variant)


@pytest.mark.long
@pytest.mark.parametrize("variant", ["", *ORDERS])
def test_every_order_of_checks_is_learned(variant: str) -> None:
    """All variants of precedence and channel, all methods."""
    named = (variant,) if variant else ()
    assert_learned_as_declared(learned(*named, methods=()), *named)


@pytest.mark.parametrize(
    ("variant", "id_", "answer"),
    [
        ("nothing-to-abort-is-invalid-state", f"{ABORT}:valid", "InvalidState (task)"),
        ("orphaned-lock-is-invalid-state", f"{CUSTOMIZE}:orphanedLock", "InvalidState (task)"),
        pytest.param("busy-is-invalid-state", f"{CUSTOMIZE}:busy", "InvalidState (call)", marks=pytest.mark.long),
        pytest.param("calls-wait-in-a-queue", f"{CUSTOMIZE}:customizing", "Success (task)", marks=pytest.mark.long),
        pytest.param(
            "held-lock-is-customization-pending",
            f"{CUSTOMIZE}:customizing",
            "CustomizationPending (call)",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "missing-tools-is-uncustomizable-guest",
            f"{CUSTOMIZE}:toolsNever",
            "UncustomizableGuest (call)",
            marks=pytest.mark.long,
        ),
    ],
)
def test_an_open_question_is_settled(variant: str, id_: str, answer: str) -> None:
    """What the documents leave open stands in the profile with this server's answer, and the latency of it too."""
    profile = learned(variant, methods=(id_.partition(":")[0],), wanted=single)
    assert [each.answers for each in profile.open if each.id == id_] == [(answer,)]
    timed = [each for each in profile.latency if f"{each.outcome} ({each.channel})" == answer]
    assert timed
    assert all(0 <= each.median <= each.p95 for each in timed)


@pytest.fixture(scope="module")
def usual() -> Profile:
    """Give the profile of the simulator as it is."""
    return learned()


def test_what_is_judged_by_its_own_profile_conforms(usual: Profile) -> None:
    """Another seed, the same server: nothing departs from the profile, and hundreds of answers are pinned."""
    pins = pinned(usual, "usual.json")
    assert len(pins.pins) > 50
    result, judgements = judged(pins)
    assert [each.why for each in judgements if each.grade is Grade.UNPROFILED] == []
    assert [each.id for each in result.findings] == []
    assert result.profile == "usual.json"


def test_two_profiles_of_one_server_do_not_differ(usual: Profile) -> None:
    """Another seed: the same answers, and times that a rank test does not tell apart."""
    assert all(each.seconds for each in usual.latency)
    assert profile_changes(usual, learned(seed=2), {}) == []


def test_another_permitted_outcome_is_a_violation(usual: Profile) -> None:
    """A busy VM that says InvalidState conforms by the documents, and not by the profile, which says so in a sentence."""
    documented, _ = judged(None, "off-is-invalid-state", calls=40)
    assert documented.findings == []
    exact, _ = judged(pinned(usual, "usual.json"), "off-is-invalid-state")
    assert exact.verdict is Verdict.VIOLATES
    assert {each.grade for each in exact.findings} == {Grade.UNPROFILED}
    assert "the profile usual.json says" in exact.findings[0].detail
    assert "InvalidPowerState (call), not InvalidState (call)" in exact.findings[0].detail


def test_a_precedence_is_told_in_words(usual: Profile) -> None:
    """The pin of a pair names winner and loser."""
    says = pinned(usual, "p").pins[f"{CUSTOMIZE}:busy+loginRejected"].says
    assert says == "the profile p says busy wins over loginRejected: TaskInProgress (call)"


def test_an_answer_that_varies_pins_nothing(usual: Profile) -> None:
    """Two answers to the same, or one that was seen once."""
    answer = next(each for each in usual.answers if each.conditions == ("busy",))
    (sole,) = answer.observed
    once = replace(answer, observed=(replace(sole, count=1),))
    varied = replace(answer, observed=(sole, replace(sole, fault="InvalidState")))
    for each in (once, varied):
        assert pinned(replace(usual, answers=(each,)), "p").pins == {}


def _no_schema(text: str) -> str:
    return text.replace("vcontract.profile/1", "vcontract.profile/9")


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (lambda text: text[:-9], "truncated or not JSON"),
        (_no_schema, "its schema is 'vcontract.profile/9', expected 'vcontract.profile/1'"),
        (lambda text: text.replace('"answers"', '"replies"'), "unknown field `replies`"),
        (lambda text: text.replace('"count": 2', '"count": "2"', 1), "Expected `int`, got `str`"),
    ],
)
def test_a_file_that_is_no_profile_is_one_line(
    usual: Profile, tmp_path: Path, spoilt: Callable[[str], str], says: str
) -> None:
    """The line names the file and what is wrong with it."""
    file = tmp_path / "profile.json"
    file.write_bytes(encode_profile(usual))
    assert load_profile(file) == usual
    file.write_text(spoilt(file.read_text("utf-8")), "utf-8")
    with pytest.raises(UsageError, match=says) as told:
        load_profile(file)
    assert str(told.value).startswith(str(file))
    assert "\n" not in str(told.value)


def test_a_profile_of_another_object_is_refused(usual: Profile, tmp_path: Path) -> None:
    """A profile is about one contract."""
    file = tmp_path / "profile.json"
    file.write_bytes(encode_profile(usual))
    assert pinned_by(file, MANAGER) is not None
    with pytest.raises(UsageError, match="a profile of VirtualMachineGuestCustomizationManager, and the run is about"):
        pinned_by(file, "VirtualMachine")
