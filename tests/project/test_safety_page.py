"""The page of promises: each names the tests that hold it, and those exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "harness" / "vcontract" / "SAFETY.md"
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_every_promise_names_a_test_that_exists() -> None:
    """Each line of a table has one at least; README leads to the page."""
    rows = [
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "| promise |" not in line
    ]
    assert len(rows) > 60
    for row in rows:
        named = _NAMED.findall(row)
        assert named, row
        for file, name in named:
            tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
            assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (
                f"{file}::{name}"
            )
    assert "harness/vcontract/SAFETY.md" in (ROOT / "README.md").read_text("utf-8")
