"""In what runs, an object sets its own attributes alone: what a step needs is passed to it, what it found is returned."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.running_half import PACKAGE, running_files

OTHERS = {
    "_learn/aalpy_learner.py": "AALpy's states are made bare, and get their transitions afterwards",
    "_stress/crowd.py": "Locust makes the users itself, of a class that carries what they need",
    "_stress/master.py": "Locust reads how long a silent worker counts as alive from its module",
    "_stress/worker.py": "Locust reads how often a worker tries to connect from its module",
    "conformance/_verdicts.py": "pytest has a hook change its report",
    "_cli/verbs.py": "Python asks a function of threading to say by what a thread ended",
    "_cli/requests.py": "Typer reads the options of a verb from its signature, which is made of the declarations",
}
"""The files that set attributes of objects of other projects, with the reason."""


def foreign_attributes(source: str) -> Iterator[str]:
    """Name each attribute of anything but `self` or `cls` that a source sets, with its line."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
            continue
        if not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}):
            yield f"{node.lineno}: {ast.unparse(node)}"


def test_nobody_sets_attributes_of_somebody_else() -> None:
    """No file of the running rooms does, but for those that must say so to another project's object."""
    found = {
        str(file.relative_to(PACKAGE)): set_there
        for file in running_files()
        if (set_there := list(foreign_attributes(file.read_text("utf-8"))))
    }
    assert {name: set_there for name, set_there in found.items() if name not in OTHERS} == {}
    assert set(OTHERS) == set(found)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("caller.facts = facts", ["1: caller.facts"]),
        ("def f(self):\n    self.driver.patience, x = 1, 2", ["2: self.driver.patience"]),
        ("block.cost += 1", ["1: block.cost"]),
        ("with opened() as self.target.file: pass", ["1: self.target.file"]),
        ("self.facts = facts\ncls.count += 1\nnames['x'] = 1\nx = self.driver.facts", []),
    ],
)
def test_what_is_set_is_seen(source: str, found: list[str]) -> None:
    """Plain, augmented and unpacking assignments are seen, an object's own attributes let pass."""
    assert list(foreign_attributes(source)) == found
