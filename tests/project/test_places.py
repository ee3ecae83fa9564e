"""Where tests stand: each in the folder of the room whose piece it tests, as `tests/README.md` says."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Container, Iterator, Mapping
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "harness" / "vcontract"
LISTED = re.compile(r"^\| `tests/(\w+)` \|", re.MULTILINE)
BESIDE = frozenset(LISTED.findall((TESTS / "README.md").read_text("utf-8")))
"""The folders that are named as no room, from the table of `tests/README.md`; `cli` is a room, with tests of whole verbs."""


def modules(package: Path) -> dict[str, set[str]]:
    """Give for each room the names of its modules, those of its inner folders too."""
    rooms = [folder for folder in package.iterdir() if (folder / "__init__.py").is_file()]
    return {
        room.name.removeprefix("_"): {
            path.stem.removeprefix("_") for path in room.rglob("*.py") if path.stem != "__init__"
        }
        for room in rooms
    }


ROOMS = modules(PACKAGE)
OF_ITS_OWN = frozenset({"model/test_table"})  # the table of the contract, in words; that of learn is another
"""Tests that bear the name of another room's module by chance."""


def strangers(tests: Path, rooms: Container[str], beside: Container[str]) -> Iterator[str]:
    """Name each folder with files that is neither a room nor listed as one beside the rooms."""
    for folder in sorted(path for path in tests.iterdir() if path.name != "__pycache__"):
        files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        if any(files) and folder.name not in rooms and folder.name not in beside:
            yield folder.name


def misplaced(room: str, name: str, source: str, rooms: Mapping[str, Collection[str]] = ROOMS) -> Iterator[str]:
    """Name what is wrong with a test file of a room's folder; `source` holds what it shares with others, too.

    It bears the name of a module that only other rooms have, or it does not reach its own: by an import, by the word of the
    command line that the room or the piece answers to, or by the option of that name.
    """
    piece = name.removeprefix("test_")
    owners = {owner for owner, names in rooms.items() if piece in names}
    if owners and room not in owners and f"{room}/{name}" not in OF_ITS_OWN:
        yield f"{room}/{name}: named after a module of {', '.join(sorted(owners))}"
    words = re.search(rf'"(?:--)?(?:{room}|{piece})\b', source)
    if not words and not re.search(rf"\bvcontract\._?{room}\b", source) and not imports_by_name(source, room):
        yield f"{room}/{name}: reaches nothing of {room}"


def imports_by_name(source: str, room: str) -> bool:
    """Whether a file takes a room from the package itself: `from vcontract import room`."""
    froms = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return any(
        node.module == "vcontract" and room in {alias.name.removeprefix("_") for alias in node.names} for node in froms
    )


def with_helpers(file: Path) -> str:
    """Give the text of a file, and of the modules without `test_` of `tests/` that it imports or loads by name."""
    text = file.read_text("utf-8") if file.exists() else ""
    named = re.findall(r"^from tests\.([\w.]+) import", text, re.MULTILINE)
    loaded = re.findall(r'import_module\("(\w+)"\)', text)
    helpers = [
        *(TESTS / f"{name.replace('.', '/')}.py" for name in named),
        *(file.parent / f"{name}.py" for name in loaded),
    ]
    return "\n".join([text, *(helper.read_text("utf-8") for helper in helpers if helper.exists())])


def test_every_folder_is_a_room_or_listed() -> None:
    """What is no room stands in the table of the page, and what stands there is a folder."""
    assert list(strangers(TESTS, ROOMS, BESIDE)) == []
    assert {name for name in BESIDE if not (TESTS / name).is_dir()} == set()


@pytest.mark.parametrize("room", sorted(ROOMS.keys() - BESIDE))
def test_every_room_has_tests_of_its_own(room: str) -> None:
    """Each file among them bears no other room's name, and reaches the room."""
    files = sorted((TESTS / room).glob("test_*.py"))
    assert files != []
    fixtures = with_helpers(TESTS / room / "conftest.py")
    assert [line for file in files for line in misplaced(room, file.stem, with_helpers(file) + fixtures)] == []


def test_base_names_are_unique() -> None:
    """Over all folders, for pytest imports test files by them."""
    names = [file.name for file in TESTS.rglob("test_*.py")]
    assert len(names) > 100
    assert {name for name in names if names.count(name) > 1} == set()


def test_no_test_stands_beside_the_folders() -> None:
    """There are helpers alone, which tests of several folders import."""
    assert [file.name for file in TESTS.glob("test_*.py")] == []


def test_a_planted_folder_is_seen(tmp_path: Path) -> None:
    """One with files that is no room and not listed; what an interpreter left behind is none."""
    for name in ("run", "project", "target/__pycache__", "leftover/deeper"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").touch()
    assert list(strangers(tmp_path, {"run"}, {"project"})) == ["leftover"]


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        (
            "test_health",
            "from vcontract._run.start import StartedRun",
            "run/test_health: named after a module of testbed",
        ),
        ("test_plan", "from vcontract._testbed.health import HealthCheck", "run/test_plan: reaches nothing of run"),
        ("test_walks", "from vcontract.running import walk", "run/test_walks: reaches nothing of run"),
    ],
)
def test_a_planted_file_is_seen(name: str, source: str, said: str) -> None:
    """In the folder of run: one of a module of another room, one that reaches another room, one of no room at all."""
    rooms = {"run": {"plan", "start"}, "testbed": {"health"}}
    assert list(misplaced("run", name, source, rooms)) == [said]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("test_plan", "from vcontract._run.plan import plan"),
        ("test_whole", "from vcontract import _run"),
        ("test_whole", 'vcontract("run", "--seed=1")'),
        ("test_whole", 'vcontract("complete", f"--run={number}")'),
        ("test_start", 'vcontract("start")'),
    ],
)
def test_what_is_in_its_place_is_let_pass(name: str, source: str) -> None:
    """Each way to reach a room, and a name that two rooms have a module of."""
    assert list(misplaced("run", name, source, {"run": {"plan", "start"}, "testbed": {"plan"}})) == []
