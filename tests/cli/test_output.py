"""What verbs print leaves by one module, which lets nothing through that a terminal or a build server would obey."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile_texts import TEXTS, misleading
from vcontract._cli.output import say, say_line, tell_line

PACKAGE = Path(__file__).parents[2] / "harness" / "vcontract"
PRINTING = {"cli/output.py", "cli/options.py", "cli/verbs.py", "cli/upgrade_verbs.py", "cli/schema_verbs.py"}
"""Files with a call of `typer.echo`."""
OURS = {
    "typer.echo(f'vcontract {__version__}')",
    "typer.echo(config_schema(), nl=False)",
    "typer.echo(rules_schema(), nl=False)",
    "typer.echo(file_schema(name) if name else f'{listed()}\\n', nl=False)",
    "typer.echo(lint_sarif(located(faults, folder)), nl=False)",
    "typer.echo(diff.deliver(found, output, out), nl=False)",
    "typer.echo(pages[topic].read_text('utf-8'), nl=False)",
    "typer.echo(f'vcontract help TOPIC prints one of these pages:\\n\\n{listed}')",
    "typer.echo(as_json(told))",
    "typer.echo(console_document(found))",
    "typer.echo(deliver(found, output, out), nl=False)",
    "typer.echo('nothing was changed' if dry_run else 'clean')",
    "typer.echo('the contract files are sound')",
    "typer.echo(line, err=True)",
    "typer.echo(mishap(ended.exc_value)[0], err=True)",
    "typer.echo(f'listening on {url}')",
    "typer.echo(f'vcontract: what was printed is not whole: {out.lost}', err=True)",
}
"""What is printed past that module: texts of our own, reports that are safe in their format, the line of a mishap."""


@pytest.mark.parametrize("text", TEXTS)
def test_what_verbs_print_is_safe(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each way in which the command line prints; on one line where that is promised."""
    ways: dict[Callable[[str], None], int] = {say: text.count("\n") + 1, say_line: 1, tell_line: 1}
    for way, most in ways.items():
        way(text)
        told = "".join(capsys.readouterr())
        assert misleading(told) == []
        assert told.count("\n") == most


def test_no_verb_prints_a_text_of_a_server_past_it() -> None:
    """Every other call of `typer.echo` is one of those that are listed here, and nothing else prints."""
    found = set()
    for file in (PACKAGE / "_cli").glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        names = {ast.unparse(call) for call in calls if ast.unparse(call.func) in {"typer.echo", "print"}}
        found |= names if file.name != "output.py" else set()
    listing = next(each for each in found if "listed_defects" in each or "for asked" in each)
    assert found - {listing} <= OURS
