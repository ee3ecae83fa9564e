"""Sizes: a file fits one sitting, a function fits one screen; and every test says what it proves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE, FUNCTION, TEST = 400, 50, 60
REASONED = 70
"""A function may have so many lines if a comment on its first line says why: `# long: REASON`."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def too_large(source: str, limit: int = FUNCTION) -> Iterator[str]:
    """Name a file that is too long, and each function in it that is; a function counts with its docstring."""
    lines = source.splitlines()
    if len(lines) > FILE:
        yield f"{len(lines)} lines; at most {FILE}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _FUNCTIONS):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > (REASONED if "# long: " in lines[node.lineno - 1] else limit):
                yield f"{node.name}: {length} lines; at most {limit}"


def mute_tests(source: str) -> Iterator[str]:
    """Name each test that has no docstring, asserts nothing, or whose docstring's first line is no sentence."""
    for node in ast.parse(source).body:
        if not isinstance(node, _FUNCTIONS) or not node.name.startswith("test_"):
            continue
        told = ast.get_docstring(node) or ""
        if not told.rstrip().endswith("."):
            yield f"{node.name}: its docstring is no sentence"
        if not any(_proves(each) for each in ast.walk(node)):
            yield f"{node.name}: asserts nothing"


def _proves(node: ast.AST) -> bool:
    """Whether a node is an assertion, a `pytest.raises`, or a call of a helper that asserts by its name."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in {"raises", "fails", "fail"} or name.startswith(("assert", "expect", "refused"))


def _files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def test_the_package_is_made_of_small_pieces() -> None:
    """No file and no function of the package is too long."""
    files = _files("harness/vcontract")
    assert len(files) > 100
    assert [f"{file.relative_to(ROOT)}: {each}" for file in files for each in too_large(file.read_text("utf-8"))] == []


def test_the_tests_are_made_of_small_pieces() -> None:
    """No file and no function of the tests is too long."""
    files = _files("tests")
    found = [f"{file.relative_to(ROOT)}: {each}" for file in files for each in too_large(file.read_text("utf-8"), TEST)]
    assert found == []


def test_every_test_says_what_it_proves_and_proves_it() -> None:
    """Each test function has a docstring and asserts something."""
    found = [f"{file.name}: {each}" for file in _files("tests") for each in mute_tests(file.read_text("utf-8"))]
    assert found == []


def test_no_two_test_files_share_a_name() -> None:
    """Test folders are no packages, so a name stands for one file."""
    names = [each.name for each in _files("tests") if each.name != "conftest.py"]
    assert len(names) == len(set(names))


def _function(lines: int, comment: str = "") -> str:
    return f"def f():{comment}\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (_function(51), "f: 51 lines"),
        ("class A:\n" + "".join(f"    {line}\n" for line in _function(51).splitlines()), "f: 51 lines"),
        (f"async {_function(51)}", "f: 51 lines"),
        (_function(71, "  # long: a table"), "f: 71 lines"),
        ("pass\n" * 401, "401 lines"),
    ],
)
def test_a_planted_giant_is_seen(source: str, said: str) -> None:
    """Functions, methods and files one line beyond the limit."""
    (found,) = too_large(source)
    assert said in found


def test_what_just_fits_is_let_pass() -> None:
    """Fifty lines, seventy with a reason, four hundred in a file."""
    for source in (_function(50), _function(70, "  # long: a table"), "pass\n" * 400):
        assert list(too_large(source)) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def test_a():\n    assert True", "no sentence"),
        ('def test_a():\n    """Says little"""\n    assert True', "no sentence"),
        ('def test_a():\n    """Runs it."""\n    run()', "asserts nothing"),
    ],
)
def test_a_planted_mute_test_is_seen(source: str, said: str) -> None:
    """No docstring, half a docstring, no assertion."""
    (found,) = mute_tests(source)
    assert said in found
