"""`vcontract compare`: each change of an upgrade is named, classified and shown by calls; equal servers do not differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.windows import stretch
from vcontract._commands.compare import compare
from vcontract._commands.replay_difference import find_difference, retry
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._errors import RunFileError, UsageError
from vcontract._profile import Answer, Observed, Profile, encode_profile
from vcontract._profile import Target as About
from vcontract._report.behaviour import BehaviourDifference
from vcontract._report.differences import FORMATS, DifferenceReport, render
from vcontract._run.preparation import Preparation
from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator.upgrades import UPGRADES
from vcontract._terms import Impact
from vcontract._testbed.embedded_simulator import fitting

MANAGER = "VirtualMachineGuestCustomizationManager"
CALLS = 190
TRIES = 3
"""Of a replay: on a busy machine the moment within a task may pass before the call is made."""
ALONE = {"precedence-changed": ("AbortCustomization_Task",)}
"""What shows only late in a run of all methods is shown by a run of one."""
NAMED = {
    "precedence-changed": ("precedenceChanged", Impact.RISKY, ("TaskInProgress", "InvalidGuestLogin")),
    "channel-moved": ("movedToTask", Impact.BREAKING, ("InvalidGuestLogin (call)", "InvalidGuestLogin (task)")),
    "field-dropped": ("fieldDropped", Impact.RISKY, ("set", "not set")),
    "fault-subtype-newer": ("faultRefined", Impact.RISKY, ("CustomizationFault", "UncustomizableGuest")),
    "task-error-flattened": ("faultFlattened", Impact.BREAKING, ("GuestPermissionDenied", "SystemError")),
    "latency-tripled": ("slower", Impact.RISKY, (" ms", " ms")),
}
"""Of each change: how it must be called, its class, and what stands in it."""


@cache
def as_long_as_the_first() -> float:
    """Give one stretch for all servers of this file: how long tasks last is compared."""
    return stretch()


@contextmanager
def simulated(*upgrades: str, **settings: object) -> Iterator[str]:
    """Give the URL of a simulator that an upgrade has changed so."""
    told = Settings(upgrades=frozenset(upgrades), **settings)  # type: ignore[arg-type] # any of them
    server = SimulatorServer(fitting(told, as_long_as_the_first()))
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def saved(folder: Path, seed: int, *upgrades: str, calls: int = CALLS, methods: tuple[str, ...] = ()) -> Path:
    """Run against a simulator, and give the run's directory."""
    with simulated(*upgrades) as url:
        options = RunRequest(seed=seed, methods=methods, max_calls=calls, shrink=Budget(0, 0.0))
        execute(replace(options, target=url, report_dir=folder, output="none"))
    return (folder / "latest").resolve()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run against a simulator as it is."""
    return saved(tmp_path_factory.mktemp("plain"), 1)


Shown = Callable[[str], tuple[DifferenceReport, Path]]


@pytest.fixture(scope="module")
def shown(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Give a function that compares a plain run with one after an upgrade; each is run once."""
    known: dict[str, tuple[DifferenceReport, Path]] = {}

    def compared(name: str) -> tuple[DifferenceReport, Path]:
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            methods = ALONE.get(name, ())
            old = saved(folder / "old", 1, methods=methods) if methods else plain
            report = compare(old, saved(folder / "new", 2, name, methods=methods), "breaking")
            file = folder / "report.json"
            file.write_bytes(render(report, "json"))
            known[name] = report, file
        return known[name]

    return compared


def test_every_change_of_an_upgrade_is_expected_here() -> None:
    """The list of this test is the simulator's."""
    assert NAMED.keys() == UPGRADES.known.keys()


@pytest.mark.parametrize("name", NAMED)
def test_a_change_is_named_and_classified(name: str, shown: Shown) -> None:
    """The change is told by its kind and class, and nothing of another kind is told but rows that break with it."""
    report, _ = shown(name)
    kind, impact, (old, new) = NAMED[name]
    told = [each for each in report.differences if each.kind == kind]
    assert told
    assert {each.impact for each in told} == {impact}
    assert any(old in each.old and new in each.new for each in told)
    assert {each.kind for each in report.differences} <= {kind, "rowBroken"}
    assert report.exit_code == (100 if impact is Impact.BREAKING else 0)


@pytest.mark.parametrize("name", NAMED)
def test_its_calls_tell_the_old_server_from_the_new_one(name: str, shown: Shown, tmp_path: Path) -> None:
    """The sequence that a report gives, sent to either server, is answered as on that side."""
    report, file = shown(name)
    told = next(each for each in report.differences if each.kind == NAMED[name][0])
    found = find_difference(f"{file}#{told.fingerprint}")
    assert found == told
    options = RunRequest(seed=0, methods=(found.program[-1].call.method,))
    answers = []
    for upgrades in ((), (name,)):
        with simulated(*upgrades) as url:
            request = replace(options, contract=found.object, target=url, report_dir=tmp_path, output="none")
            for _ in range(TRIES):
                if (answer := retry(found, request, Preparation(replay="vcontract replay"))).as_side:
                    break
            answers.append(answer)
    assert [each.as_side for each in answers] == ["old", "new"], [each.text for each in answers]
    assert [each.exit_code for each in answers] == [0, 1]


def test_two_runs_of_one_server_are_equal(plain: Path, tmp_path: Path) -> None:
    """Other seeds, other calls, other order: no difference, and enough was compared."""
    report = compare(plain, saved(tmp_path, 77), "addition")
    assert report.differences == ()
    assert report.exit_code == 0
    assert int(report.notes[0].split()[0]) > 80


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_twenty_pairs_of_runs_are_equal(seed: int, tmp_path: Path) -> None:
    """Twenty pairs of whole runs, each with seeds of its own."""
    old, new = (saved(tmp_path / str(number), 1000 + 2 * seed + number, calls=0) for number in range(2))
    report = compare(old, new, "addition")
    assert [str(each) for each in report.differences] == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_names_every_difference(form: str, shown: Shown) -> None:
    """Each fingerprint stands in each format."""
    report, _ = shown("channel-moved")
    told = render(report, form).decode()
    assert [each.fingerprint for each in report.differences if each.fingerprint not in told] == []


def test_a_fingerprint_is_the_same_whatever_the_runs(plain: Path, shown: Shown, tmp_path: Path) -> None:
    """Another run of a changed server gives the fingerprints again, also of what is measured."""
    names = ("field-dropped", "latency-tripled")
    again = compare(plain, saved(tmp_path, 5, *names), "breaking")
    for name in names:
        first = {each.fingerprint for each in shown(name)[0].differences}
        assert first & {each.fingerprint for each in again.differences}, name


def test_the_other_way_round_is_told_too(shown: Shown, plain: Path) -> None:
    """From the changed server back to the plain one, the field is added and not dropped."""
    report, _ = shown("field-dropped")
    back = compare(Path(report.new.name), plain, "breaking")
    assert {each.kind for each in back.differences} == {"fieldAdded"}


def test_profiles_are_compared_by_their_entries(tmp_path: Path) -> None:
    """Those that both know: neither order nor count matters, nor what passes by itself; what one alone has is counted."""
    tables = (
        {"a": "XY", "b": "X", "c": "Z", "toolsStarting": "X"},
        {"a": "YX", "b": "Y", "d": "Z", "toolsStarting": "Y"},
    )
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for number, (file, table) in enumerate(zip(files, tables, strict=True), 1):
        answers = [
            Answer(name, "M", (name,), tuple(Observed(each, "call", number + place) for place, each in enumerate(seen)))
            for name, seen in table.items()
        ]
        file.write_bytes(encode_profile(Profile("O", About("url"), number, tuple(answers))))
    report = compare(files[0], files[1], "risky")
    told = {(each.kind, each.path, each.old, each.new) for each in report.differences}
    assert told == {("entryChanged", "b", "X (call)", "Y (call)")}
    assert report.notes == (
        "2 entries are in both profiles; 1 in the old and 1 in the new one alone, which are not compared",
    )
    assert report.exit_code == 100


def test_what_cannot_be_compared_is_one_line(plain: Path, tmp_path: Path) -> None:
    """A profile and a run, and a file that is neither."""
    profile, other = tmp_path / "profile.json", tmp_path / "other.json"
    profile.write_text('{"schema": "vcontract.profile/1", "answers": []}')
    other.write_text('{"schema": "something/1"}')
    with pytest.raises(UsageError, match="one is a profile and one a run"):
        compare(plain, profile, "breaking")
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    for file in (one, two):
        file.write_bytes(encode_profile(Profile(file.stem, About("url"), 1)))
    with pytest.raises(UsageError, match="compare profiles of one object"):
        compare(one, two, "breaking")
    with pytest.raises(RunFileError, match="its schema is"):
        compare(plain, other, "breaking")
    with pytest.raises(RunFileError, match="no saved run"):
        compare(plain, tmp_path / "nothing", "breaking")


def test_a_report_holds_no_secret_and_reads_back(shown: Shown) -> None:
    """The passwords stand by name in the calls of a report; what is read back is what was written."""
    report, file = shown("channel-moved")
    content = file.read_text()
    assert "secret:" in content
    for word in ('"vcontract"', '"guest"'):
        assert f'"password":{word}' not in content.replace(" ", "")
    read = msgspec.json.decode(content)["differences"]
    assert msgspec.convert(read, list[BehaviourDifference]) == list(report.differences)
