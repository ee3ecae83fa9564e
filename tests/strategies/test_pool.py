"""Values drawn once with a seed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from vcontract._strategies.constants import Constants
from vcontract._strategies.pool import Pool, draw


def test_one_seed_draws_the_same_values() -> None:
    """And another seed others."""
    first, again, other = (draw(st.integers(0, 2**32), seed, 20) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(first) == 20


def test_a_pool_begins_again_at_its_end() -> None:
    """A strategy with few values gives those few, for ever."""
    pool = Pool(st.sampled_from("ab"), 1, 8)
    assert {pool.next() for _ in range(50)} == {"a", "b"}


def test_a_wanted_value_is_looked_for_once_round() -> None:
    """LookupError if no drawn value is wanted."""
    pool = Pool(st.integers(0, 9), 1, 20)
    assert pool.next(lambda each: each > 0) > 0
    with pytest.raises(LookupError, match="no drawn value fits"):
        pool.next(lambda each: each > 9)


DRAWING = """
from hypothesis import strategies as st
from vcontract._strategies.pool import draw
{literals}
print(draw(st.lists(st.text(max_size=20) | st.integers() | st.floats() | st.binary()), 7, 300))
"""


def test_literals_of_other_code_are_not_drawn(tmp_path: Path) -> None:
    """Whatever code is loaded beside it, a seed draws the same; Hypothesis by itself would draw the literals."""
    said = []
    for literals in (
        "",
        "WORDS = ['not.drawn.%d', " + ", ".join(f"'not.drawn.{number}'" for number in range(500)) + "]",
    ):
        script = tmp_path / "script.py"
        script.write_text(DRAWING.format(literals=literals))
        command = (sys.executable, str(script))
        said.append(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - ours
    assert said[0] == said[1]
    assert "not.drawn" not in said[1]


def test_constants_are_drawn_from_the_list() -> None:
    """So that this holds of the Hypothesis that is installed; and Hypothesis is left as it was."""
    before = providers._get_local_constants, providers.CONSTANTS_CACHE
    listed = set(Constants().set_for_type(str))
    assert len(listed) > 1000
    drawn = draw(st.text(min_size=6, max_size=20), 3, 500)
    assert len(listed.intersection(drawn)) > 5
    assert (providers._get_local_constants, providers.CONSTANTS_CACHE) == before
