"""The wheel, built once for all tests of a session that need it, and installed where the checkout is not seen."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this checkout by its environment."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP", "PYTEST"))
    }
    words = [str(each) for each in command]
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other workers of the session out until the work is done."""
    with (folder / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all workers of the session have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def wheel(shared: Path) -> Path:
    """Build the wheel, unless another worker has done so."""
    out = shared / "wheel"
    with _alone(shared):
        if not list(out.glob("*.whl")):
            out.mkdir(exist_ok=True)
            done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
            assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def python(shared: Path, wheel: Path) -> Path:
    """Install it where the dependencies are seen but the checkout is not; gives the interpreter."""
    place, python = shared / "installed", shared / "installed" / "env" / "bin" / "python"
    with _alone(shared):
        if not (place / "done").exists():
            place.mkdir()
            _install(wheel, place, python)
            (place / "done").touch()
    return python


def _install(wheel: Path, place: Path, python: Path) -> None:
    venv.create(place / "env", symlinks=True)
    # pip comes from here too; a .pth line adds packages but does not read the .pth files beside them, so the editable
    # install of the checkout stays unseen
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).stdout.strip()
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ("--no-deps", "--no-index", "--force-reinstall", "--ignore-installed", "--disable-pip-version-check")
    done = run(python, "-m", "pip", "install", "--quiet", *options, wheel, cwd=place)
    assert done.returncode == 0, done.stderr
    where = run(python, "-c", "import vcontract; print(vcontract.__file__)", cwd=place).stdout
    assert where.startswith(packages)
