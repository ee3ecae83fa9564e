"""The pages: README stays short, what users need is in the package, and each verb's --help leads there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from vcontract import __version__
from vcontract._cli.verbs import app
from vcontract._shipped import page

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "harness" / "vcontract"
LINK = re.compile(r"\]\(([^)#\s]+)[^)\s]*\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^    (?:\w*\$ +)?vcontract ([^#\n]*(?:#[0-9a-f]{12}[^#\n]*)?)", re.MULTILINE)
NAMED = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|toml))`")
NAME = re.compile(r"`@?([A-Za-z_]\w+)`")
WITHIN = re.compile(r"`((?:\w+/)*\w+\.py)` \(`@?([A-Za-z_]\w+)`")
DRAWN = re.compile(r"▶ (\w+)|\b([A-Z][a-z]+[A-Z]\w+|[a-z]+_\w+)\b(?!\.py)")
MORE = re.compile(r"^ *More: (.+)$", re.MULTILINE)


def pages() -> list[Path]:
    """List the documents of the repository."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - nothing from outside
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """Give each verb, as the words that call it, with the names of its options; `vcontract` itself has no word."""
    yield path, frozenset(name for parameter in group.params for name in parameter.opts)  # type: ignore[attr-defined] # click's
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


VERBS = dict(commands(typer.main.get_command(app)))


def unknown_words(command: str) -> list[str]:
    """Name what a shown command has that `vcontract` has not: a verb, or an option of one."""
    words = shlex.split(command.partition(" &")[0])
    verb = max((path for path in VERBS if tuple(words[: len(path)]) == path), key=len)
    if not verb or any(path[: len(verb)] == verb for path in VERBS if len(path) > len(verb)):
        return [" ".join(words[: len(verb) + 1])]
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    return sorted(options - VERBS[verb] - {"--help"})


def test_readme_is_short() -> None:
    """What describes a part in detail stands beside that part."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 180


def test_readme_names_the_wheel_of_this_version() -> None:
    """Whoever copies the line that installs it finds the file."""
    named = re.findall(r"vcontract-(\S+?)-py3-none-any\.whl", (ROOT / "README.md").read_text("utf-8"))
    assert set(named) == {__version__}


@pytest.mark.parametrize("verb", sorted(VERBS), ids=" ".join)
def test_the_help_of_each_verb_names_a_page_that_ships(verb: tuple[str, ...]) -> None:
    """On one line, by the path of a file that is there, in a folder that the wheel takes along."""
    shown = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "40", "TERMINAL_WIDTH": "40"}).output
    (named,) = MORE.findall(shown)
    assert Path(named).is_file()
    assert any(place in Path(named).parents for place in (PACKAGE, ROOT / "wsdl", ROOT / "contracts"))


def test_every_page_of_the_package_is_reached_from_its_first() -> None:
    """Who reads `vcontract --help` can come to every page by links."""
    reached: set[Path] = set()
    ahead = [page("README.md")]
    while ahead:
        file = ahead.pop()
        if file not in reached:
            reached.add(file)
            ahead += [(file.parent / link).resolve() for link in links(file) if link.endswith(".md")]
    assert {file for file in pages() if PACKAGE in file.parents} == reached


def links(file: Path) -> list[str]:
    """List the links of a document to files."""
    return [link for link in LINK.findall(FENCED.sub("", file.read_text("utf-8"))) if not re.match(r"\w+:", link)]


def test_every_link_of_a_document_leads_to_a_file() -> None:
    """From beside the document; of a page of the package to what is in the package, so that it leads there in the wheel too."""
    dead = [
        f"{file.relative_to(ROOT)}: {link}"
        for file in pages()
        for link in links(file)
        for target in [(file.parent / link).resolve()]
        if not target.exists() or (PACKAGE in file.parents and PACKAGE not in target.parents)
    ]
    assert dead == []


def test_every_command_that_is_shown_exists() -> None:
    """Its verb, and the options that are given to it; a line that goes on is taken with the next."""
    shown = [
        (file, command)
        for file in pages()
        for command in COMMAND.findall(FENCED.sub("", file.read_text("utf-8")).replace("\\\n", ""))
    ]
    assert len(shown) > 40
    assert [f"{file.relative_to(ROOT)}: {word}" for file, command in shown for word in unknown_words(command)] == []


def drawn_files(file: Path) -> list[str]:
    """List the files of the package that the pictures of the architecture page name."""
    drawn = "\n".join(FENCED.findall(file.read_text("utf-8"))) if file == ROOT / "harness" / "README.md" else ""
    return re.findall(r"(?:[a-z_]+/)+[a-z_]+\.py", drawn)


def test_every_file_of_the_package_that_is_named_exists() -> None:
    """A path of two parts or more, from beside the document, from the root or from the package, as documents write them."""
    lost = [
        f"{file.relative_to(ROOT)}: {named}"
        for file in pages()
        for named in [*NAMED.findall(FENCED.sub("", file.read_text("utf-8"))), *drawn_files(file)]
        if not any((place / named).exists() for place in (file.parent, ROOT, PACKAGE))
    ]
    assert lost == []


def test_every_name_of_code_in_the_recipes_occurs_in_the_code() -> None:
    """Whoever renames what a recipe or the table of decisions names must change that too."""
    page_text = (ROOT / "harness" / "README.md").read_text("utf-8")
    told, drawn = FENCED.sub("", page_text), "\n".join(FENCED.findall(page_text))
    code = "\n".join(file.read_text("utf-8") for kind in ("*.py", "*.toml") for file in PACKAGE.rglob(kind))
    code += "\n".join(file.read_text("utf-8") for file in (ROOT / "contracts").glob("*.toml"))
    words = set(re.findall(r"\w+", code)) | {file.name.removeprefix("_") for file in PACKAGE.iterdir()}
    names = set(NAME.findall(told))
    assert len(names) > 30
    names |= {arrow or name for arrow, name in DRAWN.findall(drawn)}
    assert {"RunRequest", "underway", "open_testbed", "summarize"} <= names
    assert sorted(names - words) == []
    within = WITHIN.findall(told)
    assert len(within) > 5
    assert [each for each in within if each[1] not in re.findall(r"\w+", (PACKAGE / each[0]).read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run --target https://x/sdk --no-such-option", ["--no-such-option"]),
        ("learn --dry-run", ["--dry-run"]),
        ("stroll --target x", ["stroll"]),
        ("wsdl stroll", ["wsdl stroll"]),
        ("wsdl diff 7.0 8.0 --fail-on=none &", []),
    ],
)
def test_a_command_that_does_not_exist_is_seen(command: str, said: list[str]) -> None:
    """A verb, a verb of a group, an option of another verb; an option of its own is let pass."""
    assert unknown_words(command) == said
