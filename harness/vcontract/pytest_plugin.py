"""The plugin for pytest, loaded by `-p vcontract.pytest_plugin` alone: the options, and the rows where they are asked for.

No pytest loads it by itself, wherever this project is installed. It imports the rest only for `--pyargs vcontract.conformance`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcontract._config.request import DECLARED, Declaration

_PACKAGE = "vcontract.conformance"
_HOME = Path(__file__).resolve().parent / "conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; they are those of `vcontract run`."""
    group = parser.getgroup(
        "vcontract", "vcontract: whether a server keeps a contract (--pyargs vcontract.conformance)"
    )
    for option in DECLARED.values():
        if option.option.pytest:
            group.addoption(f"--vcontract-{option.name}", **_attributes(option))


def _attributes(declared: Declaration) -> dict[str, Any]:
    """Say to argparse what an option is; files stay texts, for pytest-xdist sends the options to its workers."""
    text = declared.option.pytest_help or declared.option.help
    if declared.kind is bool:
        return {"help": text, "action": "store_true", "default": False}
    metavar = declared.option.metavar or declared.name.upper()
    if declared.is_list:
        return {"help": text, "metavar": metavar, "action": "append", "default": []}
    if declared.number is not None:
        default = None if declared.option.open else declared.default
        return {"help": text, "metavar": metavar, "type": declared.number, "default": default}
    shown = str(declared.default or "") if not declared.option.open else ""
    return {"help": text, "metavar": metavar, "default": shown}


def pytest_configure(config: pytest.Config) -> None:
    """Load the rest if the tests of this package are asked for."""
    if _asked_for(config):
        config.pluginmanager.import_plugin(f"{_PACKAGE}._session")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave this package alone when it is only come across, below a folder that was named."""
    return True if collection_path.resolve() == _HOME and not _asked_for(config) else None


def _asked_for(config: pytest.Config) -> bool:
    """Whether the command line names this package, or a file of it."""
    for arg in config.args:
        place = arg.partition("::")[0]
        if place == _PACKAGE or place.startswith(f"{_PACKAGE}."):
            return True
        path = (Path(config.invocation_params.dir) / place).resolve()
        if path == _HOME or _HOME in path.parents:
            return True
    return False
