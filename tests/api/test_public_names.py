"""The public names: each stands on the page, each example of the page runs, and nothing else is exported."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import vcontract
import vcontract.strategies
from vcontract._shipped import page

PAGE = page("docs/api.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HEADINGS = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)


@pytest.fixture
def _patient() -> Iterator[None]:
    """Let Hypothesis be slow: no test of ours depends on the machine."""
    before = settings.default
    settings.register_profile("patient", deadline=None, database=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("patient")
    yield
    settings.register_profile("former", parent=before)
    settings.load_profile("former")


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_each_example_of_the_page_runs(number: int) -> None:
    """As it stands, with nothing but what it imports itself."""
    code = EXAMPLES[number]
    assert "assert " in code
    exec(compile(code, f"api.md, example {number}", "exec"), {"__name__": "example"})  # noqa: S102 - our own page


def test_the_page_has_examples_of_each_function() -> None:
    """Each heading that is a name has one below it."""
    assert len(EXAMPLES) >= 6
    for name in ("check_spec", "Simulator", "strategies", "explain"):
        assert name in HEADINGS
        assert any(f"vcontract.{name}" in example for example in EXAMPLES)


@pytest.mark.parametrize("module", [vcontract, vcontract.strategies], ids=lambda module: module.__name__)
def test_every_exported_name_is_documented(module: object) -> None:
    """It stands on the page as code, it exists, and it says what it is."""
    for name in vars(module)["__all__"]:
        assert re.search(rf"`{name}\b", PAGE), name
        assert (getattr(module, name).__doc__ or "").strip(), name


def test_what_is_not_documented_is_private_by_name() -> None:
    """Every module of the package bears an underscore, itself or one that it is in, but those that the pages name."""
    package = Path(vcontract.__file__).parent
    files = [file.relative_to(package).with_suffix("").parts for file in package.rglob("*.py")]
    public = {".".join(parts) for parts in files if not any(part.startswith("_") for part in parts)}
    assert public == {"strategies", "pytest_plugin", "conformance.test_rows"}
    assert {parts[0] for parts in files if parts[-1] == "__init__" and not parts[0].startswith("_")} == {
        "conformance",
        "testing",
    }
    told = PAGE + "".join(page(each).read_text("utf-8") for each in ("conformance/README.md", "_inject/README.md"))
    assert not [
        each for each in ("strategies", "pytest_plugin", "conformance", "testing") if f"vcontract.{each}" not in told
    ]


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("vcontract", set(vcontract.__all__)),
        ("vcontract.strategies", set(vcontract.strategies.__all__)),
        ("vcontract.testing", {"vcenter", "fault", "ServedVCenter", "FaultCase"}),
        ("vcontract.pytest_plugin", set()),
        ("vcontract.conformance", set()),
        ("vcontract.conformance.test_rows", {"test_row"}),
    ],
)
def test_what_a_public_module_defines_is_documented_or_private(name: str, named: set[str]) -> None:
    """Hooks are pytest's names; what a module imports is not its own."""
    module = importlib.import_module(name)
    tree = ast.parse(inspect.getsource(module))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    own = {node.name for node in tree.body if isinstance(node, kinds)}
    own |= {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    assert {each for each in own if not each.startswith(("_", "pytest_"))} <= named
    assert set(getattr(module, "__all__", ())) <= named


def test_a_name_that_is_none_is_missed() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'vcontract' has no attribute 'check_everything'"):
        _ = vcontract.check_everything  # type: ignore[attr-defined] # that is what is tested


def test_the_names_cost_nothing_until_they_are_used() -> None:
    """`import vcontract` alone loads no other module of the package: the command line starts with it."""
    code = "import sys, vcontract; print([name for name in sys.modules if name.startswith('vcontract.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"  # not even vcontract._api


def test_a_check_opens_no_socket() -> None:
    """Whatever is checked: a process that may not open one comes to the same end."""
    code = (
        "import sys\n"
        "def watch(event, _):\n"
        "    assert event not in {'socket.connect', 'socket.bind', 'socket.getaddrinfo', 'socket.sendto'}, event\n"
        "sys.addaudithook(watch)\n"
        "import vcontract\n"
        "print(vcontract.check_spec({'globalIPSettings': {}, 'nicSettingMap': []})[0].path)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert (done.stdout.strip(), done.stderr) == ("spec.identity", "")
