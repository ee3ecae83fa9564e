"""The wheel: what `pip install` of it gives, away from any checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vcontract import __version__

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "harness" / "vcontract"
Run = Callable[..., subprocess.CompletedProcess[str]]


def _run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP"))}
    words = [str(each) for each in command]
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    out = tmp_path_factory.mktemp("wheel")
    done = _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it where the dependencies are seen but the checkout is not; gives the interpreter."""
    place = tmp_path_factory.mktemp("fresh")
    venv.create(place / "env", symlinks=True)
    python = place / "env" / "bin" / "python"
    # pip comes from here too; a .pth line adds packages but does not read the .pth files beside them, so the editable
    # install of the checkout stays unseen
    packages = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).stdout.strip()
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ("--no-deps", "--no-index", "--force-reinstall", "--ignore-installed", "--disable-pip-version-check")
    done = _run(python, "-m", "pip", "install", "--quiet", *options, wheel, cwd=place)
    assert done.returncode == 0, done.stderr
    where = _run(python, "-c", "import vcontract; print(vcontract.__file__)", cwd=place).stdout
    assert where.startswith(packages)
    return python


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it as pipx does: into an environment of its own, with what it declares and nothing else; gives the command."""
    place = tmp_path_factory.mktemp("pipx")
    venv.create(place, symlinks=True, with_pip=True)
    pip = (place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    done = _run(*pip, "--constraint", ROOT / "requirements.lock", wheel, cwd=place)
    if re.search("No matching distribution|Connection|Temporary failure", done.stderr):
        pytest.skip(f"no package index is reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return place / "bin" / "vcontract"


@pytest.fixture(scope="module")
def installed(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give a function that runs `vcontract` of the wheel, in a folder of its own."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    return lambda *arguments: _run(python, "-m", "vcontract", *arguments, cwd=elsewhere)


def test_the_wheel_holds_its_data_and_nothing_else(wheel: Path) -> None:
    """Every contract and WSDL file, the inventory, the pages for users and the licence; no tests, no reports."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("wsdl", "contracts"):
        here = {each.relative_to(ROOT).as_posix() for each in (ROOT / kind).rglob("*") if each.is_file()}
        assert {f"vcontract/_data/{each}" for each in here} <= names
    own = {"simulator/inventory.toml", "schema/diff/rules.toml", "strategies/constants.json", "vcontract.schema.json"}
    own |= {each.relative_to(PACKAGE).as_posix() for each in PACKAGE.rglob("*.md")}
    assert {f"vcontract/{each}" for each in own} <= names
    assert any(each.endswith("licenses/LICENSE") for each in names)
    assert {each.partition("/")[0] for each in names} == {"vcontract", f"vcontract-{__version__}.dist-info"}


def test_the_wheel_has_one_version(wheel: Path, installed: Run) -> None:
    """What `pip` says, what the package says and what the command says are the same."""
    metadata = zipfile.ZipFile(wheel).read(f"vcontract-{__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in metadata
    said = installed("--version")
    assert (said.returncode, said.stdout) == (0, f"vcontract {__version__}\n"), said.stderr


def test_the_wheel_is_no_plugin_of_everybodys_pytest(wheel: Path) -> None:
    """It gives the command, and no entry point for pytest."""
    points = zipfile.ZipFile(wheel).read(f"vcontract-{__version__}.dist-info/entry_points.txt").decode()
    assert points.split() == ["[console_scripts]", "vcontract", "=", "vcontract.cli:main"]


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
    python: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """`python -m pytest` and `pytest` (which leaves the folder off the path) run its test, and load nothing of ours."""
    package = tmp_path / "harness"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mine.py").write_text("ANSWER = 42\n")
    (package / "test_mine.py").write_text(USERS_TEST)
    ended = _run(python, *words, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout
    assert "vcontract" not in ended.stdout
    options = _run(python, *words, "--help", cwd=tmp_path)
    assert (options.returncode, "--vcontract-" in options.stdout) == (0, False)


def test_the_rows_are_tests_of_the_wheel(python: Path, tmp_path: Path) -> None:
    """A short run of them, with the plugin that is named and the package that is found by its name."""
    chosen = ("-p", "vcontract.pytest_plugin", "--pyargs", "vcontract.conformance", "--vcontract-seed=1")
    short = ("--vcontract-max-calls=12", "--vcontract-method=AbortCustomization_Task")
    ended = _run(python, "-m", "pytest", *chosen, *short, cwd=tmp_path)
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    result = json.loads((tmp_path / "reports" / "latest" / "run.json").read_bytes())
    assert (result["calls"], result["findings"], result["version"]) == (12, [], __version__)
    assert f"vcontract {__version__}" in ended.stdout
    without = _run(python, "-m", "pytest", "-q", "--vcontract-seed=1", cwd=tmp_path)
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
    said = _run(command, "--version", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (0, f"vcontract {__version__}\n"), said.stderr
    small = ("--seed", "1", "--max-calls", "5", "--quiet")
    done = _run(command, "run", *small, cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    result = json.loads((tmp_path / "reports" / "latest" / "run.json").read_bytes())
    assert (result["calls"], result["findings"], result["version"]) == (5, [], __version__)
    assert "</h1>" in (tmp_path / "reports" / "latest" / "report.html").read_text("utf-8")
    listed = _run(command, "help", cwd=tmp_path)
    topics = re.findall(r"^  (\S+)  ", listed.stdout, re.MULTILINE)
    assert {"drill-your-client", "config", "oracle", "wsdl"} <= set(topics)
    assert all(
        _run(command, "help", topic, cwd=tmp_path).stdout.startswith("# ") for topic in ("oracle", "wsdl", "lanes")
    )
    without = _run(command, "stress", "--time-limit", "1", cwd=tmp_path)
    assert (without.returncode, without.stderr.count("\n"), "vcontract[stress]" in without.stderr) == (2, 1, True)


@pytest.mark.parametrize("verb", ["run", "wsdl build", "contract"])
def test_the_help_of_the_wheel_names_pages_of_the_wheel(installed: Run, verb: str) -> None:
    """The path is that of a file where the wheel was installed."""
    done = installed(*verb.split(), "--help")
    place = done.stdout.strip().rpartition("More: ")[2]
    assert done.returncode == 0
    assert str(ROOT) not in place
    assert Path(place).is_file()
