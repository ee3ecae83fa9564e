"""The end of a command that failed: one line with the reason and an exit code, but no traceback unless asked for."""

from __future__ import annotations

import os
import traceback

from vcontract._errors import HarnessError
from vcontract._redaction import redact_everywhere
from vcontract._report.safe_text import one_line, printable

_DEBUG = "VCONTRACT_DEBUG"
_LONGEST = 1500
"""Characters: what a hostile file or server says is cut in the middle, for the way out stands at the end."""


def mishap(error: BaseException) -> tuple[str, int]:
    """Give the line (empty if the pipe is closed) and the exit code; any unexpected exception is an internal error."""
    if isinstance(error, HarnessError):
        return one_line(f"vcontract: {_short(redact_everywhere(str(error)))}"), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "vcontract: interrupted", 130
    if isinstance(error, BrokenPipeError):
        return "", 1
    if os.environ.get(_DEBUG):
        return printable(redact_everywhere("".join(traceback.format_exception(error)))).rstrip(), 4
    said = _short(redact_everywhere(f"{type(error).__name__}: {error}"))
    return one_line(f"vcontract: internal error: {said} ({_DEBUG}=1 shows where)"), 4


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}…({len(text) - 2 * half:,} characters)…{text[-half:]}"
