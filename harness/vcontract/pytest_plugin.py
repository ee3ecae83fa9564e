"""The plugin for pytest, loaded by `-p vcontract.pytest_plugin` alone: the options, and the rows where they are asked for.

No pytest loads it by itself, wherever this project is installed. It imports the rest only for `--pyargs vcontract.conformance`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE = "vcontract.conformance"
HOME = Path(__file__).resolve().parent / "conformance"
_OPTIONS: tuple[tuple[str, dict[str, object]], ...] = (
    ("target", {"metavar": "URL", "help": "The SDK of the server; none: the simulator is started"}),
    ("username", {"help": "Account with all privileges"}),
    ("password-file", {"metavar": "FILE", "help": "File whose first line is the password (or VCONTRACT_PASSWORD)"}),
    ("insecure", {"action": "store_true", "default": False, "help": "Do not verify the certificate"}),
    ("config", {"metavar": "FILE", "help": "vcontract.toml: accounts, VMs, levers, limits, waivers"}),
    ("contract", {"metavar": "OBJECT", "help": "The managed object whose contract is judged"}),
    ("method", {"action": "append", "default": [], "metavar": "NAME", "help": "Only this method; may be repeated"}),
    ("wsdl", {"metavar": "PLACE", "help": "A WSDL of your own, path or URL"}),
    ("seed", {"type": int, "default": None, "help": "Repeats a run of the same build"}),
    ("max-calls", {"type": int, "default": 0, "help": "Judge at most so many calls"}),
    ("time-limit", {"type": float, "default": 0.0, "metavar": "SECONDS", "help": "End the run after so many seconds"}),
    ("report-dir", {"default": "reports", "metavar": "DIR", "help": "Holds one folder a run"}),
    ("profile", {"metavar": "FILE", "help": "Judge exactly, by what vcontract learn wrote of a target"}),
    ("deviations", {"metavar": "FILE", "help": "Known deviations; none: deviations.toml beside the configuration"}),
    ("api", {"metavar": "VERSION", "help": "API version of the simulator that is started"}),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; they are those of `vcontract run`."""
    group = parser.getgroup(
        "vcontract", "vcontract: whether a server keeps a contract (--pyargs vcontract.conformance)"
    )
    for name, attributes in _OPTIONS:
        given: dict[str, object] = {"default": ""} | attributes
        group.addoption(f"--vcontract-{name}", **given)


def pytest_configure(config: pytest.Config) -> None:
    """Load the rest if the tests of this package are asked for."""
    if asked_for(config):
        config.pluginmanager.import_plugin(f"{PACKAGE}.session")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave this package alone when it is only come across, below a folder that was named."""
    return True if collection_path.resolve() == HOME and not asked_for(config) else None


def asked_for(config: pytest.Config) -> bool:
    """Whether the command line names this package, or a file of it."""
    for each in config.args:
        place = each.partition("::")[0]
        if place == PACKAGE or place.startswith(f"{PACKAGE}."):
            return True
        path = (Path(config.invocation_params.dir) / place).resolve()
        if path == HOME or HOME in path.parents:
            return True
    return False
