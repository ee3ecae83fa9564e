"""`vcontract help`: prints the pages that ship with the package."""

from __future__ import annotations

from typing import Annotated

import typer

from vcontract._errors import UsageError
from vcontract._shipped import topics


def help_(
    topic: Annotated[str, typer.Argument(metavar="[TOPIC]", help="Which page; none: a list of them.")] = "",
) -> None:
    """Print a page; without a topic the list of the pages."""
    import difflib

    pages = topics()
    if not topic:
        titles = {name: file.read_text("utf-8").partition("\n")[0].removeprefix("# ") for name, file in pages.items()}
        width = max(map(len, pages))
        listed = "\n".join(f"  {name:{width}}  {title}" for name, title in titles.items())
        typer.echo(f"vcontract help TOPIC prints one of these pages:\n\n{listed}")
        return
    if topic not in pages:
        near = difflib.get_close_matches(topic, pages, n=1)
        nearest = "".join(f"; the nearest is {name}" for name in near)
        raise UsageError(f"there is no page {topic}{nearest}; `vcontract help` lists them")
    typer.echo(pages[topic].read_text("utf-8"), nl=False)
