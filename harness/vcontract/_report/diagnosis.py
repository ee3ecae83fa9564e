"""The diagnosis of `vcontract doctor`: one line a check, as text while it checks, or as JSON at the end."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TextIO

import msgspec

from vcontract import __version__
from vcontract._report.safe_text import console_document, one_line

_PRECEDENCE = (2, 3, 5)
_LONGEST = 1500


class Standing(StrEnum):
    """The result of a check: fine; to be mended before all can be tested; not checked, or nothing to be mended."""

    OK = "ok"
    BAD = "!!"
    NONE = "--"


class Check(msgspec.Struct, frozen=True):
    """One check: what was seen, and what to do.

    `code` is the exit code if it must be mended: 2 configuration, 3 no target to be tested, 5 something stays untested.
    """

    name: str
    standing: Standing
    seen: str
    to_do: str = ""
    code: int = 0

    @property
    def text(self) -> str:
        """The check in one line."""
        line = f"{self.standing.value} {self.name}: {self.seen}" + (f"; {self.to_do}" if self.to_do else "")
        return " ".join(one_line(line).split())[:_LONGEST]


class Diagnosis(msgspec.Struct, frozen=True):
    """All checks, in their order."""

    target: str
    checks: list[Check]

    @property
    def exit_code(self) -> int:
        """0 if all is testable, else the first of the codes 2, 3, 5 that a check has."""
        codes = {check.code for check in self.checks}
        return next((code for code in _PRECEDENCE if code in codes), 0)

    @property
    def text(self) -> str:
        """The last line."""
        left = sum(check.standing is Standing.BAD for check in self.checks)
        conclusions = {0: "testable", 5: "testable in part", 3: "not testable", 2: "the configuration cannot be used"}
        return conclusions[self.exit_code] + (f": {left} to mend" if left else "")

    def json(self) -> str:
        """Give the diagnosis as JSON (schema `vcontract.doctor/1`)."""
        whole = {
            "schema": "vcontract.doctor/1",
            "version": __version__,
            "target": self.target,
            "exit_code": self.exit_code,
            "verdict": self.text,
            "checks": self.checks,
        }
        return console_document(whole)


class DiagnosisPrinter:
    """Prints each check when it is made, or with `as_json` all of them at the end."""

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None) -> None:
        self._as_json, self._out = as_json, out or sys.stdout

    def check(self, check: Check) -> None:
        """Print a check, unless the output is JSON."""
        if not self._as_json:
            print(check.text, file=self._out, flush=True)

    def end(self, diagnosis: Diagnosis) -> None:
        """Print the diagnosis."""
        text = diagnosis.json() if self._as_json else f"\n{diagnosis.text} (vcontract {__version__})"
        print(text, file=self._out, flush=True)
