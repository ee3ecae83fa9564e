"""Values drawn once with a seed."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from vcontract.strategies import Pool, draw


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


def test_a_seed_draws_the_same_whatever_else_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants of a user's own module do not get into the draws, and Hypothesis itself goes on mixing them in for others."""
    before = draw(st.integers(), 7, 400)
    (tmp_path / "users_own_module.py").write_text(f"VALUES = {list(range(70_001, 70_201))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("users_own_module")
    assert draw(st.integers(), 7, 400) == before
    assert 70_101 in providers._get_local_constants().integers
