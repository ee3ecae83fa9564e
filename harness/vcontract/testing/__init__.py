"""Fixtures for tests of clients: `pytest_plugins = ["vcontract.testing"]`.

`vcenter` is a simulated vCenter whose faults a test chooses; `fault` says which one a test marked `every_fault` meets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from vcontract.testing._every_fault import MARK, FaultCase, cases_of
from vcontract.testing._vcenter import ServedVCenter, served

__all__ = ["FaultCase", "ServedVCenter"]

_SCOPE = "vcontract_vcenter_scope"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the ini file: how long a `vcenter` lives."""
    parser.addini(
        _SCOPE,
        "vcontract.testing: a vcenter for each `function` (the default), `module` or `session`",
        default="function",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the mark, so that strict markers know it."""
    config.addinivalue_line(
        "markers", f"{MARK}(method): the test runs once for each documented fault and channel of a method"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a marked test run for each fault."""
    mark = metafunc.definition.get_closest_marker(MARK)
    if mark is None:
        return
    if "fault" not in metafunc.fixturenames:
        metafunc.fixturenames.append("fault")
    cases = cases_of(mark)
    metafunc.parametrize("fault", cases, indirect=True, ids=[each.id for each in cases])


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    del fixture_name
    scope = config.getini(_SCOPE)
    if scope not in {"function", "module", "session"}:
        raise pytest.UsageError(f"{_SCOPE} = {scope}: permitted are function, module, session")
    return scope


@pytest.fixture(scope=_scope)
def _served_vcenter() -> Iterator[ServedVCenter]:
    """Serve a vCenter as long as the ini file says."""
    with served() as made:
        yield made


@pytest.fixture
def vcenter(_served_vcenter: ServedVCenter) -> Iterator[ServedVCenter]:
    """Give a simulated vCenter, into which this test alone injects; nothing of it stays for the next test."""
    _served_vcenter.calm()
    yield _served_vcenter
    _served_vcenter.calm()


@pytest.fixture
def fault(request: pytest.FixtureRequest, vcenter: ServedVCenter) -> FaultCase:
    """Inject the fault that a test marked `every_fault` runs for, into the first call of the method; gives which it is."""
    case: FaultCase = getattr(request, "param", None) or pytest.fail(
        f"fault: mark the test with pytest.mark.{MARK}(METHOD)"
    )
    vcenter.inject(case.method, case.type, channel=case.channel, times=1, seconds=0.0)
    return case
