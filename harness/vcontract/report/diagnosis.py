"""What `vcontract doctor` found: one line a check, as text while it looks, or as JSON at the end."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TextIO

import msgspec

from vcontract import __version__
from vcontract.report.events import printable

_PRECEDENCE = (2, 3, 5)
_LONGEST = 1500


class Standing(StrEnum):
    """How a check stands: fine; to be mended, else something cannot be tested; not looked at, or nothing to be mended."""

    OK = "ok"
    BAD = "!!"
    NONE = "--"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at: what was seen, and what to do.

    `code` is the exit code of what must be mended: 2 configuration, 3 no target to be tested, 5 something stays untested.
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
        return printable(" ".join(line.split()))[:_LONGEST]


class Diagnosis(msgspec.Struct, frozen=True):
    """All checks, in their order."""

    target: str
    checks: list[Check]

    @property
    def exit_code(self) -> int:
        """0: testable; else the gravest of the checks' codes: 2 before 3 before 5."""
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
        return msgspec.json.format(msgspec.json.encode(whole)).decode()


class DiagnosisPrinter:
    """Prints each check as it comes, or with `as_json` all of them at the end."""

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None) -> None:
        self._as_json, self._out = as_json, out or sys.stdout

    def check(self, check: Check) -> None:
        """Hear of a check."""
        if not self._as_json:
            print(check.text, file=self._out, flush=True)

    def end(self, diagnosis: Diagnosis) -> None:
        """Hear of the end."""
        text = diagnosis.json() if self._as_json else f"\n{diagnosis.text} (vcontract {__version__})"
        print(text, file=self._out, flush=True)
