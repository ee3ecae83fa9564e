"""The walls between the rooms: which room may import which, and who alone may import what from outside."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "harness" / "vcontract"
BASE = {
    "collector",
    "errors",
    "redaction",
    "terms",
    "shipped",
    "history",
    "history_lines",
    "profile",
    "exchanges",
    "toml_file",
    "json_file",
    "saved_file",
}
JUDGING = {"schema", "contract", "model", "strategies", "check", "report"}
TESTBED = BASE | JUDGING | {"client", "config", "server", "testbed", "simulator"}
RUN = TESTBED | {"findings", "run"}
MODES = RUN | {"disturbances", "explore", "proof", "learn", "races", "workers", "stress"}
MAY_IMPORT: dict[str, set[str]] = {
    "collector": set(),
    "errors": set(),
    "redaction": set(),
    "shipped": set(),
    "pytest_plugin": {"config"},
    "toml_file": {"errors"},
    "saved_file": {"errors"},
    "json_file": {"errors", "saved_file"},
    "terms": {"errors"},
    "history_lines": {"errors", "terms"},
    "history": {"errors", "history_lines", "saved_file", "terms"},
    "exchanges": {"errors", "saved_file"},
    "profile": {"errors", "json_file"},
    "schema": {"collector", "errors", "terms", "shipped", "toml_file"},
    "contract": {"errors", "terms", "shipped", "toml_file", "schema"},
    "model": BASE | {"schema", "contract"},
    "strategies": BASE | {"schema", "contract", "model"},
    "client": BASE | {"schema"},
    "disturbances": BASE | {"schema", "client"},
    "simulator": {"errors", "terms", "shipped"},
    "check": BASE | {"contract", "model"},
    "report": BASE | {"contract", "model", "check"},
    "config": BASE | {"contract", "model", "client", "check", "report"},
    "server": BASE | {"client", "config"},
    "testbed": TESTBED - {"testbed", "report"},
    "findings": TESTBED - {"simulator"},
    "run": RUN - {"run", "simulator"},
    "explore": RUN - {"simulator"},
    "proof": RUN - {"simulator"},
    "learn": (RUN | {"proof"}) - {"simulator"},
    "races": RUN,
    "workers": RUN - {"simulator"},
    "stress": RUN | {"disturbances"},
    "traffic": BASE | {"schema", "contract", "model", "check", "client", "report"},
    "inject": BASE | {"schema", "contract", "model", "report", "client", "config", "disturbances", "simulator"},
    "testing": BASE | {"contract", "client", "config", "inject", "simulator", "testbed"},
    "api": BASE | {"schema", "contract", "model", "strategies", "simulator"},
    "commands": (MODES | {"inject", "traffic", "api"}) - {"simulator"},
    "conformance": MODES - {"simulator"},
}
"""For each room the others that it may import; `cli` and `__main__` may import all."""
ALL = {*MAY_IMPORT, "cli"}
OUTSIDE = {
    "zeep": {"schema"},
    "pyVmomi": {"schema", "simulator"},
    "pyVim": set(),
    "httptools": {"client", "simulator", "disturbances"},
    "locust": {"stress"},
    "gevent": {"stress"},
    "aalpy": {"learn"},
}
"""Packages that only some rooms may import; every other package is open to all."""


def room_of(path: Path) -> str:
    """Name the room of a file given relative to `harness/vcontract/`; its folder is private by name."""
    return without_underscore(path.parts[0].removesuffix(".py"))


def without_underscore(name: str) -> str:
    """Give the name of a room by that of its module: `check` for `_check`."""
    return name if name.startswith("__") else name.removeprefix("_")


def imported(tree: ast.AST, path: Path) -> list[tuple[int, str]]:
    """List what a file imports, also below TYPE_CHECKING: line and full module name, relative ones made absolute."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, each.name) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ("vcontract", *path.parts[:-1])
            place = above[: len(above) - node.level + 1] if node.level else ()
            base = ".".join((*place, *(node.module or "").split("."))).rstrip(".")
            found += [(node.lineno, f"{base}.{each.name}") for each in node.names]
    return found


def broken_walls(source: str, path: Path) -> list[str]:
    """Name every import of a file (path relative to `harness/vcontract/`) that goes through a wall."""
    tree, room, found = ast.parse(source), room_of(path), []
    allowed = MAY_IMPORT.get(room, ALL) | {"__version__"}  # of the package itself, which imports nothing
    for line, name in imported(tree, path):
        package, _, rest = name.partition(".")
        other = without_underscore(rest.partition(".")[0])
        if package == "vcontract" and other != room and other not in allowed:
            found.append(f"{path}:{line}: {room} imports {other or 'the whole package'}")
        if room not in OUTSIDE.get(package, {room}):
            found.append(f"{path}:{line}: {room} imports {package}")
    if room != "cli":
        inner = (each for function in ast.walk(tree) if isinstance(function, _FUNCTIONS) for each in ast.walk(function))
        lines = {each.lineno for each in inner if isinstance(each, ast.Import | ast.ImportFrom)}
        found += [f"{path}:{line}: imports inside a function" for line in sorted(lines)]
    if path.name == "utils.py":
        found.append(f"{path}: a room names what it holds")
    return found


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def test_no_file_breaks_a_wall() -> None:
    """Every file of the package keeps to its room's list."""
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    found = [each for file in files for each in broken_walls(file.read_text("utf-8"), file.relative_to(PACKAGE))]
    assert found == []


def test_one_file_alone_knows_aalpy() -> None:
    """It is an extra: what does not explore must run without it."""
    found = [
        file.name
        for file in PACKAGE.rglob("*.py")
        if any(name.partition(".")[0] == "aalpy" for _, name in imported(ast.parse(file.read_text("utf-8")), file))
    ]
    assert found == ["aalpy_learner.py"]


def test_every_room_has_a_rule() -> None:
    """A new room must say what it may import, and a rule must belong to a room."""
    rooms = {
        without_underscore(each.stem)
        for each in PACKAGE.iterdir()
        if each.suffix == ".py" or (each / "__init__.py").is_file()
    }
    assert rooms - {"__init__", "__main__", "cli"} == set(MAY_IMPORT)


def test_the_rules_have_no_loop() -> None:
    """No room may import itself by way of others: lower rooms never import higher ones."""
    done: set[str] = set()
    while ready := {room for room, others in MAY_IMPORT.items() if room not in done and others <= done}:
        done |= ready
    assert done == set(MAY_IMPORT)


@pytest.mark.parametrize(
    "judged", ["schema", "contract", "model", "strategies", "check", "client", "testbed", "run", "report"]
)
def test_the_simulator_shares_nothing_with_its_judge(judged: str) -> None:
    """The wall that matters most has a test of its own, which does not read the table above."""
    for file in (PACKAGE / "_simulator").rglob("*.py"):
        assert f"vcontract._{judged}" not in file.read_text("utf-8"), file


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("_simulator/tls.py", "from vcontract._schema import load", "simulator imports schema"),
        ("_simulator/tls.py", "import vcontract._model.state", "simulator imports model"),
        ("_simulator/guest/state.py", "from ..._check import Judge", "simulator imports check"),
        ("_simulator/tls.py", "from vcontract import _client", "simulator imports client"),
        ("_check/judge.py", "from vcontract._client import Target", "check imports client"),
        ("_check/judge.py", "if TYPE_CHECKING:\n    from vcontract._run.start import RunRequest", "check imports run"),
        ("_report/junit.py", "from vcontract._config.config import Config", "report imports config"),
        ("_schema/wsdl.py", "from vcontract._contract import rows", "schema imports contract"),
        ("_contract/rows.py", "from .._model import State", "contract imports model"),
        ("_errors.py", "from vcontract._terms import Call", "errors imports terms"),
        ("_run/start.py", "from vcontract._cli import main", "run imports cli"),
        ("_run/start.py", "from vcontract._workers.shared_run import SharedRun", "run imports workers"),
        ("conformance/_items.py", "from vcontract._cli import main", "conformance imports cli"),
        ("_client/soap.py", "import zeep", "client imports zeep"),
        ("_run/start.py", "from zeep.wsdl import Document", "run imports zeep"),
        ("_model/state.py", "from pyVmomi import vim", "model imports pyVmomi"),
        ("_run/start.py", "def f():\n    import json", "imports inside a function"),
        (
            "_run/start.py",
            "class A:\n    async def f(self):\n        from json import loads",
            "imports inside a function",
        ),
        ("_run/utils.py", "", "a room names what it holds"),
    ],
)
def test_a_planted_violation_is_seen(path: str, source: str, said: str) -> None:
    """Absolute, relative, type-only and whole-package imports are all seen, and nothing else is said."""
    found = broken_walls(source, Path(path))
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("_cli/verbs.py", "def f():\n    from vcontract._run.start import RunRequest"),
        ("_simulator/tls.py", "from vcontract._simulator.task import Task\nfrom vcontract._errors import UsageError"),
        ("_simulator/guest/state.py", "from .network import Network\nfrom ..task import Task"),
        ("_schema/source.py", "import zeep.exceptions"),
        ("_errors.py", "from vcontract import __version__"),
    ],
)
def test_what_is_allowed_is_let_pass(path: str, source: str) -> None:
    """A room's own files, the rooms below it, and the lazy imports of a verb."""
    assert broken_walls(source, Path(path)) == []
