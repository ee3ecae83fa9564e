"""`vcontract help`: the pages that ship, listed and printed."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command
from vcontract._shipped import page, topics


def test_without_a_topic_the_pages_are_listed(vcontract: Command) -> None:
    """Each with the words that its page begins with; what a user would do first stands first."""
    done = vcontract("help")
    assert (done.code, done.err) == (0, [])
    for name, file in topics().items():
        title = file.read_text("utf-8").partition("\n")[0].removeprefix("# ")
        assert sum(line.split() == [name, *title.split()] for line in done.out) == 1
    assert max(map(len, done.out)) <= 80
    assert next(line.split()[0] for line in done.out if line.startswith("  ")) == "conform-in-ci"


@pytest.mark.parametrize("topic", ["conform-in-ci", "config", "compare", "safety", "oracle", "verbs"])
def test_a_topic_is_printed_as_its_page_stands(topic: str, vcontract: Command) -> None:
    """To the letter, whatever is printed on."""
    done = vcontract("help", topic)
    assert (done.code, done.err) == (0, [])
    assert done.out == topics()[topic].read_text("utf-8").splitlines()


def test_every_page_of_the_package_is_a_topic() -> None:
    """Each once, under a name that one can type."""
    named = list(topics().values())
    assert len(set(named)) == len(named)
    assert set(page("README.md").parent.rglob("*.md")) - set(named) == set()
    assert all(name == name.lower() and name.isascii() and " " not in name for name in topics())


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("confg", "vcontract: there is no page confg; the nearest is config; `vcontract help` lists them"),
        (
            "\x1b[31mzzzzzzzz",
            "vcontract: there is no page \N{REPLACEMENT CHARACTER}[31mzzzzzzzz; `vcontract help` lists them",
        ),
        ("../config", "vcontract: there is no page ../config; the nearest is config; `vcontract help` lists them"),
    ],
)
def test_an_unknown_topic_is_one_line(topic: str, said: str, vcontract: Command) -> None:
    """With the nearest that there is; what was typed is printed harmlessly, and names no file."""
    assert vcontract("help", topic) == (2, [], [said])
