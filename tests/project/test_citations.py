"""Citations: every rule, row and file that code, contracts and documents cite stands in the repository."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORACLE = Path("contracts") / "ORACLE.md"

ID = r"\b(?:[A-Z]\d+(?:\.[a-z]\w*)?|[A-Z]|d_pub|d)\b"
CITATION = re.compile(
    rf"\b[Oo]racle (rule|row|section|promise|term)s? ({ID}(?:(?:, (?:and |or )?| (?:and|or|to) ){ID})*)"
)
"""`oracle KIND ID`, also of several: `oracle rules A1 to A4`, `oracle rows P, H`."""
LOOSE = re.compile(
    r"(?<![Oo]racle )\b(?:(?i:rules?) [A-Z]?\d+|(?i:rows?|lines?|situations?|promises?) [A-Z]\d+|(?i:sections?) [A-Z]\b)"
)
"""A citation of another form."""
BARE = re.compile(r"(?<![\w.`\"'#/+-])[A-Z]\d{1,2}(?:\.[a-z]+)?(?![\w`\"'-])")
"""An id that stands alone, as the second in `K1 and K3`."""
OUTSIDE = re.compile(r"\.\./shared|/work/|\bdesign\.md|\bdomain\.md|\boracle\.md|\bfacts/\w|\bdomain rules?\b")
"""What is no part of the project."""
KINDS = {"rule": "AC", "promise": "F", "row": "WQOVPHIBXTLKEZSM"}
"""The letters that the ids of a kind begin with."""

PATH = re.compile(
    r"(?<![\w./{-])((?:harness|tests|contracts|wsdl|\.ci)/[\w./-]*[\w/]|[A-Z]+\.md|Makefile|pyproject\.toml)(?![\w*{/])"
)
ELSEWHERE = {Path("tests/recordings/SOURCES.md")}
"""Files that name those of other repositories."""
MADE = {"build", "dist", "reports"}
"""Folders of what is made."""
BUILT = "/_data/"
"""In the path of what only the wheel has."""
LINK = re.compile(r"\]\(([^)\s]+)\)")
TITLED = re.compile(r"\[[^\]]*\]\([^)\s]+\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@cache
def told(file: Path, source: str) -> str:
    """Give what a file tells its readers: of code the comments and docstrings, else all but blocks of code; on one line."""
    if file.suffix == ".md":
        source = FENCED.sub("", source)
    elif file.suffix == ".toml":
        source = source.replace("\n# ", "\n")
    else:
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        comments = [each.string.lstrip("# ") for each in tokens if each.type == tokenize.COMMENT]
        source = "\n".join([*_docstrings(source), *comments])
    return " ".join(source.split())


def _docstrings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def known_ids(oracle: str) -> frozenset[str]:
    """Collect the ids of the oracle: letters and numbers of its headings, the first cells of its tables."""
    headings = re.findall(r"^#+ ([A-Z]\d*)\. ", oracle, re.MULTILINE)
    return frozenset([*headings, *re.findall(rf"^\| ({ID}) \|", oracle, re.MULTILINE)])


def unknown_ids(text: str, known: frozenset[str], *, loose: bool = False) -> Iterator[str]:
    """Name each citation of the oracle that leads nowhere, and, unless `loose` ones are let pass, each of another form."""
    for kind, ids in CITATION.findall(text):
        yield from (f"oracle {kind} {each}" for each in re.findall(ID, ids) if not _is_known(kind, each, known))
    yield from (each for each in BARE.findall(text) if each not in known)
    if not loose:
        yield from (f"{each}: write `oracle KIND ID`" for each in LOOSE.findall(text))


def _is_known(kind: str, cited: str, known: frozenset[str]) -> bool:
    if kind == "section":
        return len(cited) == 1 and cited in known
    if kind == "term":
        return cited in {"d", "d_pub"} & known
    if cited[0] not in KINDS[kind]:
        return False
    return cited in known if len(cited) > 1 else any(each[0] == cited and len(each) > 1 for each in known)


def anchors(document: str) -> frozenset[str]:
    """Give the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", document), re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings)


def dead_links(file: Path, source: str, root: Path) -> Iterator[str]:
    """Name each link of a document that leads to no file, or to no heading of one."""
    for link in LINK.findall(FENCED.sub("", source)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (root / file).parent / path if path else root / file
        text = source if not path else target.read_text("utf-8") if anchor and target.is_file() else ""
        if (path and not target.exists()) or (anchor and anchor not in anchors(text)):
            yield link


def dead_paths(file: Path, text: str, root: Path) -> Iterator[str]:
    """Name each path in a text that leads nowhere, from the root or from beside the file."""
    for path in PATH.findall(TITLED.sub("", text)):
        if BUILT not in path and not any((each / path).exists() for each in (root, (root / file).parent)):
            yield path


def _files(*kinds: str) -> dict[Path, str]:
    """Give the texts of the repository's files of these kinds, by path from the root; not of what is made there."""
    rooms = [each for each in ROOT.iterdir() if each.is_dir() and each.name[0] != "." and each.name not in MADE]
    found = [ROOT / "reports" / "README.md"]
    for kind in kinds:
        found += [*ROOT.glob(f"*.{kind}"), *(file for room in rooms for file in room.rglob(f"*.{kind}"))]
    return {each.relative_to(ROOT): each.read_text("utf-8") for each in sorted(found)}


def _known() -> frozenset[str]:
    return known_ids((ROOT / ORACLE).read_text("utf-8"))


def test_every_citation_of_the_oracle_leads_to_it() -> None:
    """Rules, rows, sections, promises and terms that are cited have a heading or a row, and all are cited in one form."""
    known, files = _known(), _files("py", "toml", "md")
    assert len(known) > 80
    assert len(files) > 300
    found = [
        f"{file}: {each}"
        for file, source in files.items()
        for each in unknown_ids(told(file, source), known, loose=file == ORACLE)
    ]
    assert found == []


def test_every_file_that_is_named_is_there() -> None:
    """Links of documents, with their anchors, and paths in documents, comments and docstrings."""
    found = [
        f"{file}: {each}"
        for file, source in _files("py", "toml", "md").items()
        for each in (
            *(() if file in ELSEWHERE else dead_paths(file, told(file, source), ROOT)),
            *(dead_links(file, source, ROOT) if file.suffix == ".md" else ()),
        )
    ]
    assert found == []


def test_nothing_outside_the_repository_is_cited() -> None:
    """What a reader of the repository cannot open explains nothing."""
    found = [
        f"{file}: {each}"
        for file, source in _files("py", "toml", "md").items()
        for each in OUTSIDE.findall(told(file, source))
    ]
    assert found == []


OF_SAMPLE = known_ids(
    "## A. Rules\n### A1. One\n## E. Events\n| id | x |\n|---|---|\n| K1 | y |\n| F1 | z |\n| d | z |\n"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(oracle rule A77)", "oracle rule A77"),
        ("(oracle rules A1 to A4)", "oracle rule A4"),
        ("oracle rows K, P", "oracle row P"),
        ("oracle rule K1", "oracle rule K1"),
        ("oracle section B", "oracle section B"),
        ("oracle term d_pub", "oracle term d_pub"),
        ("oracle rule A1, as K2 says", "K2"),
        ("(rule A1)", "rule A1: write"),
        ("Line K1 asks", "Line K1: write"),
        ("rule 6 of the specification", "rule 6: write"),
        ("as section E has it", "section E: write"),
    ],
)
def test_a_made_up_citation_is_seen(text: str, said: str) -> None:
    """An id that is not there, one of another kind, one that stands alone, another form."""
    assert any(each.startswith(said) for each in unknown_ids(text, OF_SAMPLE))


def test_citations_that_lead_somewhere_are_let_pass() -> None:
    """One, several, all rows of a letter, a section, a term; and what only looks like an id."""
    text = "(oracle rule A1) (oracle rows K) oracle sections A and E, oracle promise F1, oracle term d; K1. utf-8, `X1`"
    assert list(unknown_ids(text, OF_SAMPLE)) == []


def test_only_what_is_told_is_looked_at() -> None:
    """Comments and docstrings over several lines, not the strings and names of code."""
    source = '"""See oracle\nrule A77."""\nX = "oracle rule A78"  # oracle row K9\nK = 1\n"""Of K."""\n'
    assert told(Path("a.py"), source) == "See oracle rule A77. Of K. oracle row K9"


def test_dead_links_and_paths_are_seen(tmp_path: Path) -> None:
    """A file, an anchor, a path in backticks that are not there; what is there is let pass."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "here.py").touch()
    text = "# A b\n\n[x](#a-b) [y](#c) [z](gone.md) [w](tests/here.py) [v](https://x.example/y) `tests/here.py` `tests/gone.py`"
    assert list(dead_links(Path("a.md"), text, tmp_path)) == ["#c", "gone.md"]
    assert list(dead_paths(Path("a.md"), text, tmp_path)) == ["tests/gone.py"]


@pytest.mark.parametrize("text", ["see ../shared/x", "domain.md 3.1", "facts/x.md", "of oracle.md", "(design.md)"])
def test_a_planted_citation_of_what_is_outside_is_seen(text: str) -> None:
    """Names of what never was in the repository."""
    assert OUTSIDE.search(text)
