"""The pages for users can be followed: each command that they show runs, and prints what they show of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.followed import Command, File, follow, matches, steps
from vcontract._model.moves import MOVES
from vcontract._shipped import page

GUIDES = page("docs")
LONGEST = 120
TUTORIALS = ("conform-in-ci", "before-an-upgrade", "parallel-stress", "drill-your-client")


@pytest.mark.parametrize("name", [*TUTORIALS, "prepare-a-test-bed"])
def test_a_guide_can_be_followed(name: str, tmp_path: Path) -> None:
    """Line by line, in an empty folder: the exit codes that it names, and the output that it shows."""
    text = (GUIDES / f"{name}.md").read_text("utf-8")
    assert sum(isinstance(step, Command) and bool(step.shown) for step in steps(text)) >= 2
    folder = tmp_path / "empty"
    folder.mkdir()
    assert follow(text, folder) == []


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_is_short(name: str) -> None:
    """Whoever learns one job reads one page."""
    assert len((GUIDES / f"{name}.md").read_text("utf-8").splitlines()) <= LONGEST


def test_the_page_on_test_beds_names_every_privilege() -> None:
    """Those of every move of the catalogue; `.NAME` goes on with the group of the name before it."""
    told: set[str] = set()
    for line in (GUIDES / "prepare-a-test-bed.md").read_text("utf-8").splitlines():
        group = ""
        for name in re.findall(r"`((?:[A-Z]\w+)?(?:\.[A-Z]\w+)+)`", line):
            group = name.rpartition(".")[0] or group
            told.add(name if not name.startswith(".") else f"{group}{name}")
    assert {privilege for move in MOVES.values() for privilege in move.privileges} - told == set()


PAGE = """# A page

```toml
# a/b.toml
x = 1
```

```console
$ echo one \\
    two
one two
$ false # exit 1
$ cat a/b.toml; echo http://127.0.0.1:8989/sdk
…
x = …
http://127.0.0.1:8989/sdk
```

    printf 'three\\n' > three
    what is no command
    kill -0 $$

- a list

    $ cat three
    three

```yaml
steps:
  - run: vcontract --version
```
"""


def test_a_page_is_read_as_a_reader_does() -> None:
    """Files, commands with and without prompts, their output and their exit codes, in the order of the page."""
    assert steps(PAGE) == [
        File("a/b.toml", "# a/b.toml\nx = 1\n"),
        Command("echo one \\\n    two", 0, "one two"),
        Command("false # exit 1", 1, ""),
        Command("cat a/b.toml; echo http://127.0.0.1:8989/sdk", 0, "…\nx = …\nhttp://127.0.0.1:8989/sdk"),
        Command("printf 'three\\n' > three", 0, ""),
        Command("kill -0 $$", 0, ""),
        Command("cat three", 0, "three"),
        Command("vcontract --version", 0, ""),
    ]


def test_what_a_page_gets_wrong_is_told(tmp_path: Path) -> None:
    """A line that does not come, another exit code, a program in the background that ends; what is right is not."""
    folder = tmp_path / "empty"
    folder.mkdir()
    assert follow(PAGE, folder) == []
    wrong = PAGE.replace("one two\n", "one three\n").replace("# exit 1", "# exit 2")
    told = follow(f"{wrong}\n    $ false &\n    listening on …\n", tmp_path)
    assert [each.partition("\n")[0] for each in told] == ["$ echo one \\", "$ false # exit 2", "$ false &"]


@pytest.mark.parametrize(
    ("shown", "told", "like"),
    [
        ("a…c", "abc", True),
        ("a…c", "a\nc", False),
        ("…\nb", "b", True),
        ("a\n…\nb\n…", "a\nx\ny\nb", True),
        ("a\nb", "a\nx\nb", False),
        ("a.c", "abc", False),
        ("a", "a   ", True),
    ],
)
def test_what_a_page_leaves_out_may_be_anything(shown: str, told: str, like: bool) -> None:  # noqa: FBT001 - a case
    """Within a line a text, by itself lines; all else must be there to the letter."""
    assert matches(shown, told) is like
