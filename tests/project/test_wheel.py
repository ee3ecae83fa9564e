"""The wheel: what `pip install` of it gives, away from any checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wheel import ROOT, python, run, shared, wheel  # noqa: F401 - fixtures
from vcontract import __version__

PACKAGE = ROOT / "harness" / "vcontract"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811 - a fixture
    """Install it as pipx does: into an environment of its own, with what it declares and nothing else; gives the command."""
    place = tmp_path_factory.mktemp("pipx")
    venv.create(place, symlinks=True, with_pip=True)
    pip = (place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    done = run(*pip, "--constraint", ROOT / "requirements.lock", wheel, cwd=place)
    if re.search("No matching distribution|Connection|Temporary failure", done.stderr):
        pytest.skip(f"no package index is reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return place / "bin" / "vcontract"


@pytest.fixture(scope="module")
def installed(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:  # noqa: F811 - a fixture
    """Give a function that runs `vcontract` of the wheel, in a folder of its own."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    return lambda *arguments: run(python, "-m", "vcontract", *arguments, cwd=elsewhere)


def test_the_wheel_holds_its_data_and_nothing_else(wheel: Path) -> None:  # noqa: F811 - a fixture
    """Every contract and WSDL file, the inventory, the pages for users and the licence; no tests, no reports."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("wsdl", "contracts"):
        here = {each.relative_to(ROOT).as_posix() for each in (ROOT / kind).rglob("*") if each.is_file()}
        assert {f"vcontract/_data/{each}" for each in here} <= names
    own = {
        "_simulator/inventory.toml",
        "_schema/diff/rules.toml",
        "_strategies/constants.json",
        "vcontract.schema.json",
    }
    own |= {"py.typed"}
    own |= {each.relative_to(PACKAGE).as_posix() for each in PACKAGE.rglob("*.md")}
    assert {f"vcontract/{each}" for each in own} <= names
    assert any(each.endswith("licenses/LICENSE") for each in names)
    assert {each.partition("/")[0] for each in names} == {"vcontract", f"vcontract-{__version__}.dist-info"}


def test_the_wheel_has_one_version(wheel: Path, installed: Run) -> None:  # noqa: F811 - a fixture
    """What `pip` says, what the package says and what the command says are the same."""
    metadata = zipfile.ZipFile(wheel).read(f"vcontract-{__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in metadata
    said = installed("--version")
    assert (said.returncode, said.stdout) == (0, f"vcontract {__version__}\n"), said.stderr


def test_the_wheel_is_no_plugin_of_everybodys_pytest(wheel: Path) -> None:  # noqa: F811 - a fixture
    """It gives the command, and no entry point for pytest."""
    points = zipfile.ZipFile(wheel).read(f"vcontract-{__version__}.dist-info/entry_points.txt").decode()
    assert points.split() == ["[console_scripts]", "vcontract", "=", "vcontract._cli:main"]


USERS_TEST = """
import sys
from harness.mine import ANSWER

def test_of_mine():
    assert ANSWER == 42
    assert [name for name in sys.modules if name.partition(".")[0] == "vcontract"] == []
    import vcontract
    assert vcontract.__version__
"""
"""In a project that has a package `harness` itself, as the source root of this one is called."""


@pytest.mark.parametrize(
    "words", [("-m", "pytest"), (f"{sysconfig.get_path('scripts')}/pytest",)], ids=["module", "command"]
)
def test_a_project_with_a_package_harness_runs_its_own_tests(
    python: Path,  # noqa: F811 - a fixture
    tmp_path: Path,
    words: tuple[str, ...],
) -> None:
    """`python -m pytest` and `pytest` (which leaves the folder off the path) run its test, and load nothing of ours."""
    package = tmp_path / "harness"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mine.py").write_text("ANSWER = 42\n")
    (package / "test_mine.py").write_text(USERS_TEST)
    ended = run(python, *words, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout
    assert "vcontract" not in ended.stdout
    options = run(python, *words, "--help", cwd=tmp_path)
    assert (options.returncode, "--vcontract-" in options.stdout) == (0, False)


def test_the_rows_are_tests_of_the_wheel(python: Path, tmp_path: Path) -> None:  # noqa: F811 - a fixture
    """A short run of them, with the plugin that is named and the package that is found by its name."""
    chosen = ("-p", "vcontract.pytest_plugin", "--pyargs", "vcontract.conformance", "--vcontract-seed=1")
    short = ("--vcontract-max-calls=12", "--vcontract-method=AbortCustomization_Task")
    ended = run(python, "-m", "pytest", *chosen, *short, cwd=tmp_path)
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    result = json.loads((tmp_path / "reports" / "latest" / "run.json").read_bytes())
    assert (result["calls"], result["findings"], result["version"]) == (12, [], __version__)
    assert f"vcontract {__version__}" in ended.stdout
    without = run(python, "-m", "pytest", "-q", "--vcontract-seed=1", cwd=tmp_path)
    assert (without.returncode, "unrecognized arguments: --vcontract-seed" in without.stderr) == (4, True)


def test_the_wheel_runs_from_any_directory(installed: Run) -> None:
    """A short run against the simulator that it starts itself, and `judge` of what it wrote."""
    done = installed("run", "--seed", "1", "--max-calls", "12", "--report-dir", "mine", "--format", "json")
    assert done.returncode == 5, done.stderr
    result = json.loads(done.stdout)
    assert result["schema"] == "vcontract.run/1"
    assert result["findings"] == []
    assert result["calls"] >= 12
    assert installed("judge", "mine/latest").returncode == 5


def test_the_wheel_brings_its_contracts(installed: Run) -> None:
    """`contract lint` reads the contracts and the WSDL from inside the wheel."""
    done = installed("contract", "lint")
    assert (done.returncode, done.stdout) == (0, "the contract files are sound\n"), done.stderr
    wrong = installed("contract", "list", "--contract", "Nope")
    assert wrong.returncode == 2
    assert str(ROOT) not in wrong.stderr


def test_the_wheel_works_in_an_environment_of_its_own(command: Path, tmp_path: Path) -> None:
    """Its own dependencies suffice for the version, a small run, its page and the pages; an extra that lacks is named."""
    said = run(command, "--version", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (0, f"vcontract {__version__}\n"), said.stderr
    small = ("--seed", "1", "--max-calls", "5", "--quiet")
    done = run(command, "run", *small, cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    result = json.loads((tmp_path / "reports" / "latest" / "run.json").read_bytes())
    assert (result["calls"], result["findings"], result["version"]) == (5, [], __version__)
    assert "</h1>" in (tmp_path / "reports" / "latest" / "report.html").read_text("utf-8")
    listed = run(command, "help", cwd=tmp_path)
    topics = re.findall(r"^  (\S+)  ", listed.stdout, re.MULTILINE)
    assert {"drill-your-client", "config", "oracle", "wsdl"} <= set(topics)
    assert all(
        run(command, "help", topic, cwd=tmp_path).stdout.startswith("# ") for topic in ("oracle", "wsdl", "lanes")
    )
    without = run(command, "stress", "--time-limit", "1", cwd=tmp_path)
    assert (without.returncode, without.stderr.count("\n"), "vcontract[stress]" in without.stderr) == (2, 1, True)


@pytest.mark.parametrize("verb", ["run", "wsdl build", "contract"])
def test_the_help_of_the_wheel_names_pages_of_the_wheel(installed: Run, verb: str) -> None:
    """The path is that of a file where the wheel was installed."""
    done = installed(*verb.split(), "--help")
    place = done.stdout.strip().rpartition("More: ")[2]
    assert done.returncode == 0
    assert str(ROOT) not in place
    assert Path(place).is_file()


USES_THE_API = """\
from pathlib import Path

import vcontract
from hypothesis import given
from hypothesis.strategies import SearchStrategy


def refused(file: Path) -> list[str]:
    facts = vcontract.SpecFacts(api="8.0.3.0", guest="linux", nics=1)
    problems: tuple[vcontract.Problem, ...] = vcontract.check_spec(file, facts)
    return [problem.path for problem in problems if problem.certainty == "will"]


def url() -> str:
    with vcontract.Simulator(vms=2) as vcenter:
        account: vcontract.Account = vcenter.accounts[0]
        return f"{account.username}@{vcenter.url}"


requests: SearchStrategy[vcontract.strategies.BrokenRequest] = vcontract.strategies.broken_requests("CustomizeGuest_Task")


@given(vcontract.strategies.customization_specs(valid=False))
def test_specs(spec: dict[str, object]) -> None:
    assert vcontract.check_spec(spec)


told: vcontract.Explanation = vcontract.explain("CustomizeGuest_Task", {"power": "poweredOff"})
grades: list[str] = [each.grade for each in told.permitted]
"""


MISTAKES = {
    "field": ("told.weather\n", '"Explanation" has no attribute "weather"'),
    "type": ("vcontract.check_spec(3)\n", 'Argument 1 to "check_spec" has incompatible type "int"'),
    "name": ("vcontract.testbed_of(3)\n", "testbed_of"),
}


def test_typed_modules_of_a_user_are_checked_by_the_installed_wheel(
    python: Path,  # noqa: F811 - a fixture
    tmp_path: Path,
) -> None:
    """`mypy --strict` finds the types in the wheel: nothing to say of what is right, and what is wrong is seen."""
    for name, (added, _) in {"clean": ("", ""), **MISTAKES}.items():
        (tmp_path / f"{name}.py").write_text(USES_THE_API + added)
    files = [f"{name}.py" for name in ("clean", *MISTAKES)]
    command = ("-m", "mypy", "--strict", "--no-incremental", "--config-file=", "--python-executable", python, *files)
    told = run(sys.executable, *command, cwd=tmp_path).stdout
    assert "clean.py" not in told
    for name, (_, said) in MISTAKES.items():
        assert sum(line.startswith(f"{name}.py:") and said in line for line in told.splitlines()) == 1, told
