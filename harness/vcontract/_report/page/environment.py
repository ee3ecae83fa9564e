"""How pages are made: the templates, which escape and clean all that is put in, and the script and style that are ours."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from vcontract._report.bug_reports.words import unusual
from vcontract._report.safe_text import printable, shortened

BODY = 20_000
"""So many characters of a body are shown, at most."""
_HERE = Path(__file__).parent


def rendered(name: str, *, longest: int, **values: Any) -> str:
    """Fill a template; no line that is put in is shown with more characters than `longest`."""
    script, style = _file("page.js"), _file("page.css")
    text: str = (
        _environment()
        .get_template(name)
        .render(
            longest=longest,
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            policy=f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'",
            **values,
        )
    )
    return text


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cut": _cut,
        "body": lambda text: shortened(str(text), BODY),
        "unusual": unusual,
        "number": lambda value: f"{value:,}",
    }
    return environment


@pass_context
def _cut(context: Context, text: object) -> str:
    """Cut a line to what a page of so many findings has room for."""
    return shortened(str(text), context["longest"])


def _cleaned(value: Any) -> Any:
    """Make every text that is put in harmless to read; what is markup of ours stays."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
