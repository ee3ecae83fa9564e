"""Runs all that takes long, the kill matrix and the long tests, and keeps what they print in LONG.md."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = (  # what has a limit of time comes first, so that the machine can be left alone for that long
    ("tests/defects/kill_matrix.py",),
    ("-m", "pytest", "-q", "-n", "2", "-m", "long", "--durations=20", "tests"),
)
LAST = 60
"""How many lines of each command are kept: its closing words, and what failed."""


def main() -> int:
    """Run every command to its end; gives 1 if one of them failed."""
    kept, failed = [f"# What `make long` printed last, {datetime.now(UTC):%Y-%m-%d}", ""], False
    for command in COMMANDS:
        lines = []
        with subprocess.Popen(  # noqa: S603 - our own tests
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HERE.parent
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)  # noqa: T201 - a script talks
                lines.append(line.rstrip())
        failed = failed or process.returncode != 0
        told = [each for each in lines if each.startswith("! ")] + lines[-LAST:]
        kept += [
            f"## {' '.join(command)}",
            "",
            "```",
            *dict.fromkeys(told),
            f"exit code {process.returncode}",
            "```",
            "",
        ]
    (HERE / "LONG.md").write_text("\n".join(kept), "utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
