"""Hands mutated runs, recordings, profiles and configurations to the verbs that read them, in one process with an audit hook.

`python -m tests.cli.mutated_files FOLDER COUNT SEED`: makes the files in FOLDER, then tries COUNT mutations. Prints one line
and exits with 0 if every command ended in one line with an exit code of its own, opened no socket, started no process, and
opened no file but those of the directory and those that it was given.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from vcontract._cli import main
from vcontract._errors import UsageError
from vcontract._report.result import load_run
from vcontract._simulator import Settings, SimulatorServer

FORMER = Path(__file__).parents[1] / "former" / "0.1.0"
SECONDS = 2.0
"""The CPU time that a command may take at most: what the machine does beside does not count."""
LONGEST = 2000
"""The characters of the line of an error at most."""
CODES = {0, 1, 2, 3, 5, 100}
_CANARY = Path("/etc/hostname")
_SOCKETS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname")
_PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
_HOSTILE: tuple[Any, ...] = (
    *(
        "",
        "../../../../etc/hostname",
        "/etc/hostname",
        "http://192.0.2.1/x",
        "https://u:p@192.0.2.1/sdk",
        "replay:/etc/hostname",
    ),
    *("a\0b", "\ud800", "\u202e\u2028", "::error::", "x" * 100_000, "secret:account.full", "latest", ".", "-rf"),
    *(None, True, -1, 0, 10**30, 1e308, -1e308, [], {}, [[]], {"a": 1}, "2026-01-01", "NaN", "8.0.3.0"),
)
CONFIG = b"""
hosts = ["esx-2"]
account = [
  {role = "full", username = "administrator@vsphere.local", password = "p"},
  {role = "unprivileged", username = "operator@vsphere.local", password = "p"},
  {role = "readonly", username = "viewer@vsphere.local", password = "p"},
]
[[guest]]
username = "root"
may_customize = true
password = "p"
[[guest]]
username = "user"
may_customize = false
password = "p"
[[vm]]
name = "*-noengine"
engine = "absent"
[[lever]]
does = "stopTools"
program = "/usr/bin/systemctl"
arguments = "stop vmtoolsd"
[limits]
total_calls = 900
"""

Files = dict[str, bytes]


class Watch:
    """What a command did that the audit hook saw; off outside of `on`."""

    def __init__(self, inside: Path) -> None:
        self.seen: list[str] = []
        self._on = False
        # what the program itself consists of, and what every process reads
        places = {sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]), tempfile.gettempdir()}
        self._allowed = tuple(str(Path(place).resolve()) for place in places)
        self._elsewhere = str(inside.parent.resolve())
        self._inside = str(inside.resolve())
        sys.addaudithook(self._hear)

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Watch for a while."""
        self.seen.clear()
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event in _SOCKETS or event in _PROCESSES:
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            named = Path(os.fsdecode(arguments[0]))
            follows = not arguments[2] & os.O_NOFOLLOW  # else it is told of a link, and nothing is opened
            place = os.path.realpath(named) if follows else str(Path(os.path.realpath(named.parent)) / named.name)
            if place.startswith(self._elsewhere) and not place.startswith(self._inside):
                self.seen.append(f"open {place}: a file beside those that were given")
            elif not place.startswith(self._allowed) and not place.startswith(
                ("/dev/", "/proc/", "/usr/share/zoneinfo")
            ):
                self.seen.append(f"open {place}")


def corpus(folder: Path) -> Files:
    """Make the files that are mutated: a run that found something, its recording, and what a former version wrote."""
    defects = frozenset({"no-session-says-invalid-login"})
    with SimulatorServer(Settings(defects=defects, inventory=FORMER / "inventory.toml")) as server:
        options = ("--target", server.url, "--seed", "1", "--max-calls", "15", "--method", "AbortCustomization_Task")
        command("run", *options, "--report-dir", str(folder / "made"), "--record", str(folder / "recording.jsonl"))
    run = next(path for path in (folder / "made").iterdir() if not path.is_symlink())
    files = {f"run/{name.name}": name.read_bytes() for name in run.iterdir() if name.is_file()}
    lines = files["run/history.jsonl"].splitlines(keepends=True)
    files["cut/history.jsonl"] = b"".join(lines[: 2 * len(lines) // 3])
    files["recording.jsonl"] = (folder / "recording.jsonl").read_bytes()
    for name in ("run", "stress"):
        for kept in (FORMER / name).iterdir():
            content = kept.read_bytes()
            plain = gzip.decompress(content) if kept.suffix == ".gz" else content
            files[f"former-{name}/{kept.name.removesuffix('.gz')}"] = plain
    files["profile.json"] = (FORMER / "profile.json").read_bytes()
    files["differences.json"] = (FORMER / "differences.json").read_bytes()
    files["deviations.toml"] = b'[[deviation]]\nfingerprint = "0123456789ab"\nrow = "a/b/c"\nreason = "known"\n'
    files["vcontract.toml"] = CONFIG
    return files


def command(*arguments: str) -> tuple[int, str]:
    """Run a command as a shell would; gives its exit code, and what it wrote to stderr."""
    err = io.StringIO()
    with (
        patch.object(sys, "argv", ["vcontract", *arguments]),
        contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return code, err.getvalue()


def verbs(files: Files) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Give for each file the commands that read it."""
    found = json.loads(files["run/findings.jsonl"].splitlines()[0])["id"]
    saved = (
        ("judge", "run"), ("report", "run"), ("replay", f"run#{found}"), ("compare", "run", "former-run"),
    )  # fmt: skip
    cut = (("run", "--resume", "cut"), ("cleanup", "cut"), ("cleanup", "--report-dir", "."), ("judge", "cut"))
    recorded = (
        "run",
        "--target",
        "replay:recording.jsonl",
        "--format",
        "json",
        "--report-dir",
        "again",
        "--max-calls",
        "2",
    )
    return {
        "run": saved,
        "cut": cut,
        "former-run": (("judge", "former-run"), ("report", "former-run"), ("compare", "former-run", "run")),
        "former-stress": (("judge", "former-stress"), ("report", "former-stress"), ("cleanup", "former-stress")),
        "recording.jsonl": (recorded,),
        "profile.json": ((*recorded, "--profile", "profile.json"), ("compare", "profile.json", "profile.json")),
        "differences.json": (("replay", "differences.json#bc8a25865f5f"),),
        "deviations.toml": (("judge", "run", "--deviations", "deviations.toml"),),
        "vcontract.toml": (
            (*recorded, "--config", "vcontract.toml"),
            ("run", "--resume", "cut", "--config", "vcontract.toml"),
        ),
    }


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the way to every value in a JSON document."""
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*way, key))


def put(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    """Give a JSON document with another value at the end of a way."""
    if not way:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[way[0]] = put(value[way[0]], way[1:], new)
    return changed


def bytes_changed(draw: Callable[[st.SearchStrategy[Any]], Any], content: bytes) -> bytes:
    """Cut, lengthen, or change some bytes of a file."""
    at: int = draw(st.integers(0, max(len(content) - 1, 0)))
    way = draw(st.sampled_from(("cut", "flip", "insert", "double", "deep", "empty")))
    if way == "cut":
        return content[:at]
    if way == "flip":
        return content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]
    if way == "insert":
        inserted: bytes = draw(st.binary(max_size=20))
        return content[:at] + inserted + content[at:]
    if way == "deep":
        return content[:at] + b"[" * 100_000 + content[at:]
    return content + content if way == "double" else b""


def value_changed(draw: Callable[[st.SearchStrategy[Any]], Any], content: bytes) -> bytes:
    """Put a hostile value into one place of a JSON document, or of one line of a file of them; or change the lines."""
    lines = [content] if content.startswith(b"{\n") else content.splitlines()
    if not lines:
        return b"null\n"
    number = draw(st.integers(0, len(lines) - 1))
    way = draw(st.sampled_from(("value", "value", "value", "drop", "again", "swap")))
    if way == "drop":
        del lines[number]
    elif way == "again":
        lines.insert(number, lines[number])
    elif way == "swap":
        lines[0], lines[number] = lines[number], lines[0]
    else:
        try:
            document = json.loads(lines[number])
        except ValueError:
            return content
        where = draw(st.sampled_from(list(places(document))))
        value = draw(st.sampled_from(_HOSTILE))
        note(f"line {number + 1}: {'.'.join(map(str, where))} is {value!r:.100}")
        lines[number] = json.dumps(put(document, where, value)).encode()
    return b"\n".join(lines) + b"\n"


def toml_changed(draw: Callable[[st.SearchStrategy[Any]], Any], content: bytes) -> bytes:
    """Put a hostile value in the place of one value of a TOML file."""
    lines = content.decode().splitlines()
    number = draw(st.integers(0, len(lines) - 1))
    key = lines[number].partition("=")[0]
    value = json.dumps(draw(st.sampled_from(_HOSTILE)))
    lines[number] = f"{key}= {value}"
    return "\n".join(lines).encode()


def laid_out(folder: Path, files: Files) -> None:
    """Write the files into an empty folder, which is the working directory then."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.chdir(folder)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def led_elsewhere(draw: Callable[[st.SearchStrategy[Any]], Any], file: Path) -> None:
    """Put something else in the place of a file: a link, a folder, a pipe."""
    file.unlink()
    way = draw(st.sampled_from(("link", "loop", "folder", "pipe", "none")))
    if way in {"link", "loop"}:
        file.symlink_to(_CANARY if way == "link" else file.name)
    elif way == "folder":
        file.mkdir()
    elif way == "pipe":
        os.mkfifo(file)


def tried(draw: Callable[[st.SearchStrategy[Any]], Any], folder: Path, files: Files, watch: Watch) -> None:
    """Mutate one file, hand it to one command, and expect a decent end."""
    commands = verbs(files)
    kind = draw(st.sampled_from(sorted(commands)))
    names = [name for name in files if name == kind or name.startswith(f"{kind}/")]
    name = draw(st.sampled_from(names))
    laid_out(folder, files)
    file = folder / name
    if "/" in name and draw(st.integers(0, 9)) == 0:
        led_elsewhere(draw, file)
    else:
        changes = (bytes_changed, toml_changed if name.endswith(".toml") else value_changed)
        file.write_bytes(draw(st.sampled_from(changes))(draw, files[name]))
    asked = draw(st.sampled_from(commands[kind]))
    began = time.process_time()
    with watch.on():
        code, err = command(*asked)
    spent = time.process_time() - began
    told = f"{name}: {' '.join(asked)}: exit code {code}, {err[-900:]!r}"
    assert code in CODES, told
    assert watch.seen == [], f"{told}: {watch.seen}"
    assert "Traceback" not in err, told
    if code == 2:
        last = err.splitlines()[-1]
        assert last.startswith("vcontract: "), told
        assert len(last) <= LONGEST, f"{told}: {len(last)} characters"
    assert spent <= SECONDS, f"{told}: {spent:.1f} s of CPU time"


def no_simulator(*_: Any) -> SimulatorServer:
    """Refuse to start the simulator: a command that is given no target would."""
    raise UsageError("the simulator would be started")


def run(folder: Path, count: int, first: int) -> None:
    """Try so many mutations."""
    folder.mkdir(parents=True, exist_ok=True)
    files = corpus(folder)
    assert load_run(folder / "made" / "latest").findings, "the run that is mutated found nothing"
    inside = folder / "given"
    laid_out(inside, files)
    with patch("vcontract._run.start.simulator_for", no_simulator):
        for commands in verbs(files).values():  # all is loaded before anybody listens
            for asked in commands:
                command(*asked)
    watch = Watch(inside)

    @seed(first)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def mutated(data: Any) -> None:
        tried(data.draw, inside, files, watch)

    with patch("vcontract._run.start.simulator_for", no_simulator):
        mutated()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(f"{sys.argv[2]} mutations, each refused in one line or read")  # noqa: T201 - a script talks
