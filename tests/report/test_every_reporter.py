"""Every reporter, and all else that a run writes for people, takes every hostile text wherever it shows one."""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import json
import pkgutil
import re
import tomllib
from datetime import date
from pathlib import Path

import msgspec
import pytest
from lxml import etree
from markdown_it import MarkdownIt
from msgspec.structs import replace

import vcontract._report
from tests.hostile_texts import OBEYED, TEXTS, misleading
from tests.report.awkward_results import CLEAN, WRITABLE, elements, events, program, said_everywhere
from tests.report.test_junit import SCHEMA
from vcontract._check.disorder import Disorder, Span
from vcontract._config.config import Account, Config, Guest
from vcontract._config.write_config import Sight, written
from vcontract._errors import UsageError
from vcontract._profile import Automaton
from vcontract._report.behaviour import BehaviourDifference
from vcontract._report.console import ConsoleReporter, JsonReporter
from vcontract._report.deviations import Listed, accepted, read_deviations
from vcontract._report.diagnosis import Check, Diagnosis, DiagnosisPrinter, Standing
from vcontract._report.differences import FORMATS, DifferenceReport, Side, render
from vcontract._report.drawing import dot, svg
from vcontract._report.events import RunEnded
from vcontract._report.junit import JunitReporter
from vcontract._report.mishap import mishap
from vcontract._report.outputs.chosen import OutputReporter, StepSummary
from vcontract._report.outputs.stream import EventStream
from vcontract._report.page.reporter import PageReporter
from vcontract._report.reproduction import ReproductionReporter
from vcontract._report.result import RunResult
from vcontract._report.run_directory import RunDirectory
from vcontract._report.timeline import draw_disorders
from vcontract._terms import Finding, Impact

REPORTERS = {
    *(ConsoleReporter, JsonReporter, JunitReporter, ReproductionReporter, RunDirectory),
    *(PageReporter, OutputReporter, StepSummary, EventStream),
}
"""All of them: each has a test here."""


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Claim it."""
        return True


def on_console(result: RunResult) -> tuple[str, str]:
    """Give what a console without a terminal is told, on out and on err."""
    out, err = io.StringIO(), io.StringIO()
    reporter = ConsoleReporter(Path("reports/latest"), out=out, err=err, cells=True)
    for event in events(result):
        reporter.on(event)
    return out.getvalue(), err.getvalue()


def test_no_reporter_is_left_out() -> None:
    """Whatever in the room hears the events of a run is tested below."""
    found = set()
    for module in pkgutil.walk_packages(vcontract._report.__path__, "vcontract._report."):
        classes = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found |= {kind for _, kind in classes if "on" in vars(kind) and kind.__module__ == module.name}
    assert {kind.__name__ for kind in found} - {"Reporter"} == {kind.__name__ for kind in REPORTERS}


@pytest.mark.parametrize("text", TEXTS)
def test_the_console_has_the_same_lines_whatever_is_said(text: str, filled: RunResult) -> None:
    """None more, none that a build server or a terminal obeys, and the last one is the verdict; a detail's are indented."""
    told, plain = on_console(said_everywhere(filled, text)), on_console(said_everywhere(filled, CLEAN))
    for stream, expected in zip(told, plain, strict=True):
        assert misleading(stream) == []
        if text.strip():  # what is empty has no line of its own
            lines, others = ([line for line in each.split("\n") if line[:4] != "    "] for each in (stream, expected))
            assert len(lines) == len(others)
    assert told[0].splitlines()[-1].startswith("violates (5 calls judged, 40 requests, 1 findings")


@pytest.mark.parametrize("text", TEXTS)
def test_a_terminal_is_sent_nothing_but_our_own_controls(text: str, filled: RunResult) -> None:
    """With colours and a bar that moves: no other escape sequence, nothing that hides or reverses."""
    out, err = Terminal(), Terminal()
    reporter = ConsoleReporter(Path("reports/latest"), out=out, err=err, cells=True)
    for event in events(said_everywhere(filled, text)):
        reporter.on(event)
    for stream in (out, err):
        ours = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).replace("\r", "")
        assert not OBEYED.search(ours)


@pytest.mark.parametrize("text", WRITABLE)
def test_json_says_the_same_and_is_safe_to_print(text: str, filled: RunResult) -> None:
    """The document reads back as the result; what a console would obey is escaped in it."""
    result, out = said_everywhere(filled, text), io.StringIO()
    JsonReporter(out).on(RunEnded(result))
    assert misleading(out.getvalue()) == []
    assert msgspec.json.decode(out.getvalue(), type=RunResult) == result


@pytest.mark.parametrize("text", TEXTS)
def test_junit_is_a_valid_document_of_as_many_cases(text: str, filled: RunResult, tmp_path: Path) -> None:
    """By the schemas of Ant and Jenkins, with the same elements as of any result, and none of the text's."""
    documents = []
    for each in (text, CLEAN):
        JunitReporter(tmp_path).on(RunEnded(said_everywhere(filled, each)))
        documents.append((tmp_path / "junit.xml").read_bytes())
    etree.RelaxNG(etree.fromstring(SCHEMA)).assertValid(etree.fromstring(documents[0]).getroottree())
    assert elements(documents[0]) == elements(documents[1])
    assert misleading(documents[0].decode()) == []


@pytest.mark.parametrize("text", TEXTS)
def test_a_reproduction_is_one_text_but_for_one_constant(text: str, filled: RunResult, tmp_path: Path) -> None:
    """`json.loads` of a string of ASCII; its file is in the folder, whatever the finding calls itself."""
    trees = []
    for number, each in enumerate((text, CLEAN)):
        folder = tmp_path / str(number)
        folder.mkdir()
        shown = replace(said_everywhere(filled, each).findings[0], program=program(each), root=(each, each))
        ReproductionReporter(folder, each, [each]).on(
            RunEnded(replace(said_everywhere(filled, each), findings=[shown]))
        )
        (file,) = (path for path in tmp_path.rglob("*") if path.is_file() and path.is_relative_to(folder))
        assert file.parent == folder / "reproductions"
        trees.append(ast.parse(file.read_text("utf-8")))
    pairs = list(zip(*map(ast.walk, trees), strict=True))
    assert all(type(one) is type(other) for one, other in pairs)
    values = [
        (one.value, other.value)
        for one, other in pairs
        if isinstance(one, ast.Constant) and isinstance(other, ast.Constant)
    ]
    ((plan, _),) = ((str(one), other) for one, other in values if one != other)
    assert plan.isascii()
    assert json.loads(plan)["machine"] == text
    loads = [
        node
        for node in ast.walk(trees[0])
        if isinstance(node, ast.Call) and node.args[:1] == [_constant(trees[0], plan)]
    ]
    assert [ast.unparse(node.func) for node in loads] == ["json.loads"]
    assert {path.parent for path in tmp_path.rglob("*.py")} == {tmp_path / n / "reproductions" for n in ("0", "1")}


def _constant(tree: ast.AST, value: str) -> ast.Constant:
    return next(node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == value)


@pytest.mark.parametrize("text", WRITABLE)
def test_the_files_of_a_run_stay_in_its_directory(text: str, filled: RunResult, tmp_path: Path) -> None:
    """And hold, for who judges again, what was said, unchanged."""
    directory = RunDirectory(tmp_path / "reports", 7)
    result = said_everywhere(filled, text)
    for event in events(result):
        directory.on(event)
    made = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in made} == {"run.json", "findings.jsonl", "cells.jsonl"}
    assert {path.resolve().parent for path in made} == {directory.path}
    assert msgspec.json.decode((directory.path / "run.json").read_bytes(), type=RunResult) == result


def difference(text: str) -> DifferenceReport:
    """Give a comparison in which a text stands wherever a server or a file can have said it."""
    one = BehaviourDifference(
        text, Impact.BREAKING, text, text, text, text, text, text, object=text, aspect=text, values=(text, text),
        seen=(text, text, text, text), program=program(text), root=(text, text), replay=text,
    )  # fmt: skip
    return DifferenceReport(
        "compare", Side(text, "a", text), Side(text, "b", text), (one, one), notes=(text,), known={text: text}
    )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", WRITABLE)
def test_a_comparison_is_safe_in_every_format(text: str, form: str) -> None:
    """Nothing is obeyed; text and Markdown have the same lines, JUnit the same elements, whatever is said."""
    told, plain = (render(difference(each), form).decode() for each in (text, CLEAN))
    assert misleading(told) == []
    if form in {"text", "markdown"} and text:  # what is empty has no line of its own
        assert told.count("\n") == plain.count("\n")
    if form == "junit":
        assert elements(told.encode()) == elements(plain.encode())
    if form == "sarif":
        (message,) = {each["message"]["text"] for each in json.loads(told)["runs"][0]["results"]}
        assert not re.search(r"\[[^\]]*\]\(", message)


@pytest.mark.parametrize("text", WRITABLE)
def test_markdown_has_no_link_no_html_and_the_same_cells(text: str) -> None:
    """Read by a parser: headings, cells and list items as of any comparison."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    told, plain = (parser.parse(render(difference(each), "markdown").decode()) for each in (text, CLEAN))
    assert not text or [token.type for token in told] == [token.type for token in plain]
    inner = {child.type for token in told for child in token.children or ()}
    assert inner <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}


@pytest.mark.parametrize("text", TEXTS)
def test_drawings_have_no_element_but_ours(text: str, tmp_path: Path) -> None:
    """The timeline of a disorder, and a machine of hidden states as SVG and as DOT."""
    spans = (Span(1, text, 0.0, None), Span(2, text, 0.1, 0.2))
    (file,) = draw_disorders(tmp_path, {text: Disorder(text, 1, text, 1, (text,), (text,), spans)})
    assert file.resolve().parent == tmp_path.resolve()
    (other,) = draw_disorders(tmp_path, {CLEAN: Disorder(CLEAN, 1, CLEAN, 1, (CLEAN,), (CLEAN,), spans)})
    assert elements(file.read_bytes()) == elements(other.read_bytes())
    assert misleading(file.read_text("utf-8")) == []
    machine = Automaton(({text: (text, 1), "a": (text, 0)}, {text: (text, 0), "a": (text, 1)}))
    drawn, source = svg(machine), dot(machine)
    assert {etree.QName(name).localname for name in elements(drawn.encode())} <= {
        *("svg", "defs", "marker", "path", "rect", "g", "title", "circle", "text"),
    }
    assert misleading(drawn) == misleading(source) == []
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', "", source)
    assert '"' not in bare
    assert "evil" not in bare


@pytest.mark.parametrize("text", WRITABLE)
def test_the_doctor_says_a_line_a_check(text: str) -> None:
    """As text, and as JSON that reads back."""
    check = Check(text, Standing.BAD, text, text, 3)
    for as_json in (False, True):
        out = io.StringIO()
        printer = DiagnosisPrinter(as_json=as_json, out=out)
        printer.check(check)
        assert out.getvalue().count("\n") == int(not as_json)
        printer.end(Diagnosis(text, [check]))
        assert misleading(out.getvalue()) == []
        if as_json:
            assert json.loads(out.getvalue())["checks"][0]["seen"] == text


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", [UsageError, RuntimeError])
def test_a_mishap_is_one_line(text: str, kind: type[Exception], debug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an error of the user's and of ours; a traceback, if asked for, has lines, and none of them is obeyed."""
    monkeypatch.setenv("VCONTRACT_DEBUG", debug)
    line, _ = mishap(kind(text))
    assert misleading(line) == []
    assert "\n" not in line or (debug and kind is RuntimeError)


@pytest.mark.parametrize("text", WRITABLE)
def test_an_accepted_deviation_is_read_as_it_was_written(text: str, tmp_path: Path, result: RunResult) -> None:
    """Row and reason come back exactly, and no line of the file is a text's own."""
    file = tmp_path / "deviations.toml"
    finding: Finding = replace(result.findings[0], row=text or "r", observed=text)
    accepted(Listed(str(file), accept=(text.strip() and text) or "why"), [finding], date(2026, 11, 30))
    (entry,) = read_deviations(file)
    assert entry.row == (text or "r")
    assert misleading(file.read_text("utf-8")) == []


@pytest.mark.parametrize("text", TEXTS)
def test_a_configuration_that_is_begun_holds_names_as_texts(text: str, tmp_path: Path) -> None:
    """Of machines and hosts in comments, of accounts and marks as values: they set nothing else."""
    file = tmp_path / "vcontract.toml"
    named = re.sub("[\ud800-\udfff]", "\ufffd", text)
    config = Config(
        owner=text, hosts=(text,), account=(Account("full", text),), guest=(Guest(text, may_customize=True),)
    )
    written(file, "https://vc.example/sdk", config, text, Sight({"linux": [text]}, [text], [text]))
    content = file.read_text("utf-8")
    assert misleading(content) == []
    read = tomllib.loads(content)
    assert set(read) <= {"target", "owner", "hosts", "account", "guest", "limits"}
    assert (read["owner"], read["hosts"], read["account"][0]["username"]) == (named, [named], named)
