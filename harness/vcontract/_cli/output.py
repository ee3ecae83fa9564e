"""What a verb prints: here alone it leaves for the terminal, and what a server said in it is made safe."""

from __future__ import annotations

import typer

from vcontract._report.safe_text import one_line, printable


def say(text: str) -> None:
    """Print a text of one or more lines."""
    typer.echo(printable(text))


def say_line(text: str) -> None:
    """Print a text on one line, whatever it holds."""
    typer.echo(one_line(text))


def tell_line(text: str) -> None:
    """Print a text on one line of standard error."""
    typer.echo(one_line(text), err=True)
