"""Texts that a hostile server says in the place of a name, a product, a message, an id; and what none of them may become."""

from __future__ import annotations

import re

PYTHON = 'a"""; raise SystemExit(7); """'
TRIPLE = "a'''; raise SystemExit(8)\n'''"
COMMAND = "vCenter\n::error file=x,line=1::owned"
COMMANDS = (
    "::error::owned",
    " \u00a0\u2003::add-mask::x",
    "x\r\n::set-output name=a::b",
    "x\u2028::error::owned",
    "x\x85::warning::owned",
    "%0A::error::owned",
    "##[error]owned",
    "x ##vso[task.setvariable variable=a]b",
    "##teamcity[buildStop]",
    f"{'x' * 1000}::error::owned",
)
CONSOLE = (
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "exe\u202egpj.\u2066x\u2069\u200e\u200f\u061c",
    "a\u200bb\u2060c\ufeffd\xade",
    "a\u2028b\u2029c\x85d\x0be\x0cf\rg",
    "tag\U000e0041\U000e007f",
    "nul\x00\x7f\ufffe\uffff\ufdd0",
)
SURROGATE = "a\ud800b\udcff"
MARKUP = (
    "[bold red]x[/bold red] [link=https://evil.example]y[/link]",
    "<script>alert(1)</script><!-- --> &lt;b&gt; ]]> \"'",
    "| a | b |\n|---|\n# heading `code` ``two`` ~~x~~ $x$ \\",
    "[text](https://evil.example) ![i](https://evil.example/i.png) https://evil.example www.evil.example",
    "@somebody #1 me@evil.example `|` \\|\\\\|",
    'x"];evil[label="y\\',
)
SHELL = ("$(touch owned)", "`touch owned`", "a; touch owned", "a' 'b", "a\ntouch owned", "~root", "#x", "*", "-x y")
PATHS = (
    "../../owned",
    "/etc/owned",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "C:\\x",
    "x" * 5000,
    "a\x00b",
    "latest\n",
    ".hidden",
)
FORGED = "x\n\nconforms (99 calls judged, 99 requests, 0 findings)"
TEXTS = (PYTHON, TRIPLE, COMMAND, *COMMANDS, *CONSOLE, SURROGATE, *MARKUP, *SHELL, *PATHS, FORGED)
"""All of them: what each reporter must take in the place of any text that it shows."""

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]"
)
"""What a terminal, or who reads it, would be misled by."""
TO_BUILD_SERVERS = re.compile(r"^\s*::[A-Za-z]|##[A-Za-z]*\[", re.MULTILINE)
"""What a build server would take as a command."""


def misleading(output: str) -> list[str]:
    """List what in an output, split at line feeds alone, would be obeyed; empty if nothing."""
    lines = output.split("\n")
    return [line for line in lines if OBEYED.search(line) or TO_BUILD_SERVERS.search(line)]
