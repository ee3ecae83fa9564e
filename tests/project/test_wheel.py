"""The wheel: what `pip install` of it gives, away from any checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

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
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Install it where the dependencies are seen but the checkout is not; gives a function that runs `vcontract`."""
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
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    where = _run(python, "-c", "import vcontract; print(vcontract.__file__)", cwd=elsewhere).stdout
    assert where.startswith(packages)
    return lambda *arguments: _run(python, "-m", "vcontract", *arguments, cwd=elsewhere)


def test_the_wheel_holds_its_data_and_nothing_else(wheel: Path) -> None:
    """Every contract and WSDL file, the inventory, the pages for users and the licence; no tests, no reports."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("wsdl", "contracts"):
        here = {each.relative_to(ROOT).as_posix() for each in (ROOT / kind).rglob("*") if each.is_file()}
        assert {f"vcontract/_data/{each}" for each in here} <= names
    own = {"simulator/inventory.toml", "schema/diff/rules.toml", "vcontract.schema.json"}
    own |= {each.relative_to(PACKAGE).as_posix() for each in PACKAGE.rglob("*.md")}
    assert {f"vcontract/{each}" for each in own} <= names
    assert any(each.endswith("licenses/LICENSE") for each in names)
    assert {each.partition("/")[0].partition("-")[0] for each in names} == {"vcontract"}


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


@pytest.mark.parametrize("verb", ["run", "wsdl build", "contract"])
def test_the_help_of_the_wheel_names_pages_of_the_wheel(installed: Run, verb: str) -> None:
    """The path is that of a file where the wheel was installed."""
    done = installed(*verb.split(), "--help")
    place = done.stdout.strip().rpartition("More: ")[2]
    assert done.returncode == 0
    assert str(ROOT) not in place
    assert Path(place).is_file()
