"""Where text that a server or a file chose becomes safe to show: one function for each form of output, and no other place.

What such a text could do is replaced or escaped, never obeyed: move a cursor, reverse or hide what is read, begin a line of its
own, command a build server, open a link, end a table's cell, a string or a quotation, leave a folder.
"""

from __future__ import annotations

import json
import re
import shlex
from html import escape

import msgspec

# Controls but tab and line feed, soft and zero-width characters, both line separators, what turns the direction of writing,
# tags, surrogates and noncharacters: invisible all of them, and obeyed by terminals or forbidden in XML.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
_INSTEAD = "\N{REPLACEMENT CHARACTER}"
_BREAKS = re.compile("\r\n|[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]")
# GitHub obeys `::name::` where a line begins, after any blanks; ##[name], ##vso[name] and the like are obeyed anywhere in it.
_COMMAND = re.compile(r"^([^\S\n]*):(?=:[A-Za-z])", re.MULTILINE)
_OLD_COMMAND = re.compile(r"#(?=#[A-Za-z]*\[)")
_MARKDOWN = re.compile(r"([\\`*_\[\]|<>~$]|&(?=#?\w+;))")
_BLOCK = re.compile(r"^([-+=#](?!\d)|\d+(?=[.)]))")
# What becomes a link by itself: an address of the web or of mail, a mention of somebody, a number of an issue.
_LINKED = re.compile(r"@|://|\bwww\.|\b(?:mailto|xmpp):|(?:#|\bGH-)\d", re.IGNORECASE)
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./-][A-Za-z0-9_@%+=:,./#-]*")
_UNFIT_FOR_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME, _LONGEST_CELL = 100, 2000


def printable(text: str) -> str:
    """Make a text of one or more lines safe for a console, a log, and XML that is escaped: only its line feeds begin lines.

    No line of it is a command to a build server.
    """
    shown = _UNPRINTABLE.sub(_INSTEAD, text)
    return _OLD_COMMAND.sub("# ", _COMMAND.sub(r"\1: ", shown))


def one_line(text: str) -> str:
    """Make a text safe for a console, on one line: breaks and tabs become blanks."""
    return printable(_BREAKS.sub(" ", text))


def table_cell(text: str) -> str:
    """Make a text safe for a cell of a table on a console, and so short that none is folded: a fold could begin a line."""
    line = one_line(text)
    return line if len(line) <= _LONGEST_CELL else f"{line[:_LONGEST_CELL]}…"


def console_json(text: str) -> str:
    """Escape in a JSON document what a console would obey; the values are the same."""
    escaped = _UNPRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return _OLD_COMMAND.sub(r"\\u0023", escaped)


def console_document(value: object) -> str:
    """Write a value as a JSON document, indented, that a console may be shown."""
    return console_json(msgspec.json.format(msgspec.json.encode(value)).decode())


def in_xml(text: str) -> str:
    """Escape a text for XML that is written by hand, as content and between quotation marks."""
    return escape(printable(text))


def in_markdown(text: str) -> str:
    """Escape a text for Markdown, on one line, also in a table; what would become a link by itself is shown as code."""
    line = " ".join(one_line(text).split())
    if not _LINKED.search(line):
        plain = _MARKDOWN.sub(r"\\\1", line)
        return _BLOCK.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", plain)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    # a table is cut at its bars first, so that they are escaped even in code
    cell = re.sub(r"(\\*)\|", lambda found: found[1] * 2 + r"\|", line)
    return f"{fence} {cell} {fence}" if "`" in line else f"{fence}{cell}{fence}"


def code_block(text: str, language: str = "") -> str:
    """Give a text as a block of code in Markdown, its lines kept; no run of backticks in it ends the block."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{printable(text)}\n{fence}"


def shortened(text: str, longest: int) -> str:
    """Cut a text that is longer than it may be shown, and say how long it was."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters in all)"


def in_sarif(text: str) -> str:
    """Make a text safe for a message of SARIF, where `[words](address)` is a link."""
    return one_line(text).replace("](", "] (")


def in_dot(text: str) -> str:
    """Quote a text for Graphviz; its lines are kept."""
    quoted = printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{quoted}"'


def in_toml(text: str) -> str:
    """Quote a text for TOML, on one line; it reads back as it was, but for surrogates, which TOML cannot hold."""

    def coded(found: re.Match[str]) -> str:
        point = ord(found[0])
        if 0xD800 <= point <= 0xDFFF:
            return _INSTEAD
        return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"

    return _OLD_COMMAND.sub(r"\\u0023", _UNPRINTABLE.sub(coded, json.dumps(text, ensure_ascii=False)))


def file_name(text: str) -> str:
    """Make a file's name of a text: one that stays in its folder, is not hidden and is not longer than a name may be."""
    return _UNFIT_FOR_NAMES.sub("_", text).lstrip(".")[:_LONGEST_NAME] or "unnamed"


def shell_word(text: str) -> str:
    """Quote a text where a shell needs that; what is not printable is written as Bash and Zsh read it back."""
    if one_line(text) == text:
        return text if _PLAIN_WORD.fullmatch(text) else shlex.quote(text)
    coded = (
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\'#:" else f"\\x{byte:02x}"
        for byte in text.encode("utf-8", "replace")
    )
    return f"$'{''.join(coded)}'"
