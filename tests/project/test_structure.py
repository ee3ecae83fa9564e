"""The shape of the rooms: few modules in a folder, few methods in a class, no inheritance across files in the running half."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_half import PACKAGE, running_files

MODULES, SIMULATOR_MODULES, METHODS = 25, 40, 20
OF_THE_LANGUAGE = {"Protocol", "NamedTuple", "TypedDict", "Enum", "StrEnum", "IntEnum", "Exception", "ABC", "Struct"}
"""Bases that say what kind of thing a class is, and bring no behaviour of ours."""
REASON = "# inherits: "
"""How a class line says why it inherits all the same."""


def crowded(package: Path) -> Iterator[str]:
    """Name each folder that holds too many modules; `__init__` and `__main__` are no modules of their own."""
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        modules = [path for path in folder.glob("*.py") if not path.stem.startswith("__")]
        room = folder.relative_to(package).parts[:1]
        most = SIMULATOR_MODULES if room == ("_simulator",) else MODULES
        if len(modules) > most:
            yield f"{folder.relative_to(package)}: {len(modules)} modules; at most {most}"


def overgrown(source: str) -> Iterator[str]:
    """Name each class with too many methods, and each that inherits from a class of another file without a reason."""
    tree, lines = ast.parse(source), source.splitlines()
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        methods = [member for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)]
        if len(methods) > METHODS:
            yield f"{node.name}: {len(methods)} methods; at most {METHODS}"
        for base in node.bases:
            name = ast.unparse(base).partition("[")[0].rpartition(".")[2]
            foreign = name not in own | OF_THE_LANGUAGE and not name.endswith("Error")
            if foreign and REASON not in lines[node.lineno - 1]:
                yield f"{node.name} inherits from {name} of another file"


def test_no_folder_is_crowded() -> None:
    """A room has at most 25 modules in one folder, the simulator 40."""
    assert list(crowded(PACKAGE)) == []


def test_the_running_half_composes() -> None:
    """No class there has more than 20 methods, or inherits from a class of another file without saying why."""
    found = [
        f"{file.relative_to(PACKAGE)}: {trouble}"
        for file in running_files()
        for trouble in overgrown(file.read_text("utf-8"))
    ]
    assert found == []


def test_a_planted_crowd_is_seen(tmp_path: Path) -> None:
    """Twenty-six modules in a room; the simulator may have them."""
    for room in ("_run", "_simulator"):
        (tmp_path / room).mkdir()
        for number in range(MODULES + 1):
            (tmp_path / room / f"module_{number}.py").touch()
    assert list(crowded(tmp_path)) == ["_run: 26 modules; at most 25"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class A:\n" + "".join(f"    def m{number}(self): ...\n" for number in range(21)), "A: 21 methods"),
        ("class A(Other):\n    pass", "A inherits from Other"),
        ("class A(room.Other[int]):\n    pass", "A inherits from Other"),
    ],
)
def test_a_planted_class_is_seen(source: str, said: str) -> None:
    """Too many methods, and a base of another file, plain or with a parameter."""
    (found,) = overgrown(source)
    assert said in found


def test_what_is_allowed_is_let_pass() -> None:
    """A base of the same file, one of the language, an error, and one with its reason."""
    own = "class A: ...\nclass B(A): ...\nclass C(Protocol): ...\nclass D(UsageError): ...\n"
    source = f"{own}class E(User):  # inherits: Locust asks for it\n    pass"
    assert list(overgrown(source)) == []
