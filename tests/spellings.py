"""Every spelling in which a server, a file or a library may give a text away."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from itertools import cycle
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

_QUOTES = {'"': "&quot;", "'": "&apos;"}


def _mixed(text: str) -> str:
    ways: tuple[Callable[[str], str], ...] = (
        lambda each: f"&#{ord(each)};",
        lambda each: escape(each, _QUOTES),
        lambda each: f"&#x{ord(each):X};",
        lambda each: f"&#00{ord(each)};",
    )
    return "".join(way(each) for way, each in zip(cycle(ways), text, strict=False))


def _aligned(before: bytes, *, safe: bool = False) -> Callable[[str], str]:
    code = base64.urlsafe_b64encode if safe else base64.b64encode
    return lambda text: code(before + text.encode() + b"~").decode()


def _bare(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


def _sections(text: str) -> str:
    half = len(text) // 2
    return f"{escape(text[:half])}<![CDATA[{text[half:].replace(']]>', ']]]]><![CDATA[>')}]]>"


def _cut_by(cut: str) -> Callable[[str], str]:
    return lambda text: escape(text[: len(text) // 2]) + cut + escape(text[len(text) // 2 :])


PLAIN: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "joined to a word": lambda text: f"word{text}7word",
    "joined to a name": lambda text: f"vm-{text}-disk_1",
    "in JSON": json.dumps,
    "in JSON, all by number": lambda text: re.sub("(..)(..)", r"\\u\1\2", text.encode("utf-16-be").hex()),
    "in JSON within JSON": lambda text: json.dumps(json.dumps({"password": text})),
    "as Python shows it": repr,
    "as Python shows its bytes": lambda text: repr(text.encode()),
    "by backslash and two digits": lambda text: "".join(f"\\x{each:02x}" for each in text.encode()),
    "by percent signs": lambda text: quote(text, safe=""),
    "by percent signs alone": lambda text: "".join(f"%{each:02X}" for each in text.encode()),
    "by percent signs, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "as a form sends it": quote_plus,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 without padding": _bare,
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "as Basic auth": _aligned(b"user:"),
    "as Basic auth of another user": _aligned(b"admin:"),
    "as Basic auth of a third": _aligned(b"root1:", safe=True),
    "in hexadecimal": lambda text: text.encode().hex(),
    "in upper hexadecimal": lambda text: text.encode().hex().upper(),
    "as XML within a text": lambda text: escape(text, _QUOTES),
    "by numbers within a text": _mixed,
    "in base64 by percent signs": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
}
"""Spellings in a text as a program has it."""

IN_XML: Mapping[str, Callable[[str], str]] = {
    **{f"{name}, escaped": lambda text, way=way: escape(way(text)) for name, way in PLAIN.items()},  # type: ignore[misc]
    "by decimal references": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "by hexadecimal references": lambda text: "".join(f"&#x{ord(each):x};" for each in text),
    "by mixed references": _mixed,
    "in two sections": _sections,
    "cut by a comment": _cut_by("<!-- - -->"),
    "cut by an instruction": _cut_by("<?x y?>"),
    "in a comment": lambda text: f"a<!--{text.replace('--', '- -') if '--' in text else text}-->b",
}
"""Spellings in the content of an element."""


def traces(stem: str) -> set[str]:
    """Give what shows a text of some bytes wherever it begins in what was encoded: itself, base64, digits, numbers, escapes."""
    data = stem.encode()
    coded = [base64.b64encode(bytes(before) + data).decode() for before in range(3)]
    sure = [each[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6] for before, each in enumerate(coded)]
    ways = [way(stem) for name, way in PLAIN.items() if "all by" in name or "alone" in name or "digits" in name]
    return {stem, *sure, data.hex(), data.hex().upper(), *ways, "".join(f"&#{each};" for each in data)}
