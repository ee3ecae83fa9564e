"""Follows a page as a reader does: writes the files that it shows, types its commands into a shell, and compares what comes.

A page shows commands in blocks of code, fenced as `console` or indented by four blanks:

- `$ command` begins one, `>`-less lines that end in a backslash go on, and what follows up to the next is what it prints;
- in an indented block without a `$`, each line that begins with a command of PLAIN is one, and its output is not shown;
- a comment `# exit N` says how a command ends; without it, it ends with 0;
- `…` stands for what no seed fixes: in a line for any text, by itself for any lines;
- a fenced block of another language whose first line is `# NAME` is a file;
  in one of YAML, lines `- run: command` are commands too.

Ports of 127.0.0.1 that a page names are replaced by free ones, and shown again under their own names.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PLAIN = ("vcontract", "make", "pip", "pytest", "python", "python3", "printf", "kill", ".", ".venv/bin/python", "export")
"""What begins a line that is a command, where no prompt says so."""
PATIENCE = 600.0
"""Seconds after which a command that says nothing is given up; none takes as long."""
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.MULTILINE)
_PROMPT = re.compile(r"^(?:\w+)?\$ +")
_NAMED = re.compile(r"^(?:# )([\w./-]+\.\w+)\b.*\n")
_CODE = re.compile(r"\s# exit (\d+)")
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d{4,5}|(?<=--port )\d{4,5}")
_SLOW = re.compile(r"^(?:reaching .*, for \d+ s|\d+ s: .*)\n", re.MULTILINE)
"""What is told only where a machine, or a server, is slow."""
_TOOLS = {"vcontract": "-m vcontract", "python": "", "python3": "", "pytest": "-m pytest -p no:cacheprovider"}
_MARK, _ENDED = "=== that was", "=== what was started has ended"


class File(NamedTuple):
    """A file that a page shows, by its name."""

    name: str
    text: str


class Command(NamedTuple):
    """A line that a page has its reader type; `shown` is what the page says that it prints, empty where it does not say."""

    line: str
    code: int
    shown: str

    @property
    def background(self) -> bool:
        """Whether it stays while the next ones are typed."""
        return self.line.partition(" #")[0].rstrip().endswith("&")


Step = File | Command


def steps(text: str) -> list[Step]:
    """List what a reader of a page does, in its order.

    Raises AssertionError for a block that is fenced as `console` and does not begin with a prompt.
    """
    found: list[tuple[int, Step]] = []
    for block in _FENCE.finditer(text):
        language, inside = block.groups()
        if language == "console":
            assert _PROMPT.match(inside), f"no prompt: {inside.splitlines()[0]}"
            found += [(block.start(), each) for each in _prompted(inside.splitlines())]
            continue
        if named := _NAMED.match(inside):
            found.append((block.start(), File(named[1], inside)))
        if language == "yaml":
            runs = re.findall(r"^ *- run: (.+)$", inside, re.MULTILINE)
            found += [(block.start(), Command(line, 0, "")) for line in runs]
    without = _FENCE.sub(lambda block: re.sub(r"[^\n]", "x", block[0]), text)
    for block in _INDENTED.finditer(without):
        lines = [line[4:] for line in block[0].splitlines()]
        read = _prompted(lines) if any(_PROMPT.match(line) for line in lines) else _plain(lines)
        found += [(block.start(), each) for each in read]
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _prompted(lines: Sequence[str]) -> Iterator[Command]:
    """Read a block in which prompts begin the commands, and all else is what they print."""
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        if not _PROMPT.match(line):
            continue  # what stands before the first prompt
        line = _PROMPT.sub("", line)
        while line.endswith("\\") and rest:
            line += "\n" + rest.pop(0)
        shown: list[str] = []
        while rest and not _PROMPT.match(rest[0]):
            shown.append(rest.pop(0))
        yield _command(line, "\n".join(shown).strip("\n"))


def _plain(lines: Sequence[str]) -> Iterator[Command]:
    """Read a block in which commands are known by their first words."""
    joined = "\n".join(lines).replace("\\\n", "").splitlines()
    for line in joined:
        if line.split(" ")[0] in PLAIN:
            yield _command(line, "")


def _command(line: str, shown: str) -> Command:
    code = _CODE.search(line)
    return Command(line.rstrip(), int(code[1]) if code else 0, shown)


def matches(shown: str, told: str) -> bool:
    """Whether what was printed is what a page shows, `…` being any lines or any part of one."""
    wanted = ""
    for line in shown.splitlines():
        if line.strip() == "…":
            wanted += r"(?:.*\n)*?"
        else:
            wanted += ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ ]*\n"
    return re.fullmatch(wanted, told.strip("\n") + "\n") is not None


class Ports:
    """Free ports in the place of those that a page names."""

    def __init__(self, text: str) -> None:
        named = sorted(set(_PORT.findall(text)))
        held = [socket.create_server(("127.0.0.1", 0)) for _ in named]
        self._free = {name: str(each.getsockname()[1]) for name, each in zip(named, held, strict=True)}
        for each in held:
            each.close()

    def put_in(self, text: str) -> str:
        """Replace the page's ports."""
        return _PORT.sub(lambda found: self._free.get(found[0], found[0]), text)

    def taken_out(self, text: str) -> str:
        """Replace them back, in what was printed."""
        for name, free in self._free.items():
            text = re.sub(rf"\b{free}\b", name, text)
        return text


class Shell:
    """A shell in a folder, in which `vcontract`, `python` and `pytest` are those of this test."""

    def __init__(self, folder: Path, more: Mapping[str, str]) -> None:
        tools = folder.parent / f"{folder.name}-tools"
        tools.mkdir()
        for name, words in _TOOLS.items():
            (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            (tools / name).chmod(0o755)
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "VCONTRACT_"))}
        path = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "harness")}
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],  # noqa: S607 - whichever is on the path
            cwd=folder, env=kept | path | dict(more), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._said, self._started = b"", 0

    def run(self, command: Command) -> tuple[str, int]:
        """Type a command; gives what came until it ended, or until what it started in the background listens, and the code."""
        self._type(f"{command.line}\n")
        told = ""
        if command.background:  # one that ends says so, lest it be waited for
            self._started += 1
            ended = f"{_ENDED} {self._started}"
            self._type(f"(while kill -0 $! 2>&-; do sleep 0.2; done; echo '{ended}') & disown\n")
            told = self._until(rf"^(?:listening on .*|{ended})\n".encode())
        self._type(f"printf '{_MARK} %s\\n' $?\n")
        told += self._until(rf"^{_MARK} \d+\n".encode())
        told, _, code = re.sub(rf"^{_ENDED} \d+\n", "", told, flags=re.MULTILINE).rstrip("\n").rpartition(f"{_MARK} ")
        return told, int(code)

    def end(self) -> None:
        """Close the shell, after what still runs in the background."""
        if self._process.poll() is None:
            self._type("jobs -p | xargs -r kill; wait; exit\n")
            self._process.communicate(timeout=PATIENCE)

    def _type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()

    def _until(self, wanted: bytes) -> str:
        """Read until a line is there."""
        assert self._process.stdout is not None
        pattern = re.compile(wanted, re.MULTILINE)
        while not (found := pattern.search(self._said)):
            ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
            part = os.read(self._process.stdout.fileno(), 1 << 16) if ready else b""
            assert part, f"nothing more came after {self._said.decode()!r}"
            self._said += part
        told, self._said = self._said[: found.end()], self._said[found.end() :]
        return told.decode("utf-8", "replace")


def follow(
    text: str,
    folder: Path,
    instead: Mapping[str, str] | None = None,
    heard: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Do in a folder what a page says; gives a text for each command that did something else.

    `instead` has patterns of what is typed otherwise here, with what is typed: an address, a limit that a reader would not set.
    Of such a command the output is not compared, and it may end with 5, too: what a limit cuts is not certain. What every
    command printed is added to `heard`. `environment` are variables that the reader has set.
    """
    ports, shell, wrong = Ports(text), Shell(folder, environment or {}), list[str]()
    try:
        for step in steps(text):
            if isinstance(step, File):
                file = folder / step.name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(ports.put_in(step.text), "utf-8")
                continue
            line = ports.put_in(step.line)
            for pattern, typed in (instead or {}).items():
                line = re.sub(pattern, typed, line)
            changed = line != ports.put_in(step.line)
            told, code = shell.run(step._replace(line=line))
            told = _SLOW.sub("", ports.taken_out(told))
            if heard is not None:
                heard.append(told)
            if code not in ({step.code, 5} if instead else {step.code}):
                wrong.append(f"$ {line}\nended with {code}, not {step.code}:\n{told}")
            elif step.shown and not changed and not matches(step.shown, told):
                wrong.append(f"$ {line}\nprinted\n{told}\nand not\n{step.shown}")
    finally:
        shell.end()
    return wrong
