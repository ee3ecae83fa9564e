"""The items of a session: first a walk for each worker, then a test for each row that was selected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import pytest

from vcontract._config.request import MANAGER
from vcontract._contract import Contract, Row, load
from vcontract._errors import HarnessError
from vcontract._redaction import redact_everywhere
from vcontract._report.safe_text import one_line, printable
from vcontract._workers.selection import listed_rows, methods_for

_WALK = re.compile(r"::walk\[(\d+)\]$")
_ROW = re.compile(r"::test_row\[(.+)\]$")


class RowTests:
    """The rows of the contract as tests: which there are, and which were selected."""

    def __init__(self, config: pytest.Config) -> None:
        self.contract: Contract = load(str(config.option.vcontract_contract) or MANAGER)
        self.selected: list[str] = []
        self.listed = listed_rows(
            self.contract, [self.contract.method(name).name for name in config.option.vcontract_method]
        )
        owners = sorted({_owner(row) for row in self.listed})
        for name in [*(method.name for method in self.contract.methods), *owners]:
            config.addinivalue_line("markers", f"{name}: the rows of {name}")

    def parameters(self) -> list[object]:
        """Give the parameter of each row's test, with its id and its marks."""
        return [
            pytest.param(
                row, id=row.id, marks=[getattr(pytest.mark, name) for name in (row.method, _owner(row)) if name]
            )
            for row in self.listed
        ]

    def select(self, nodeids: Iterable[str]) -> None:
        """Note which rows were selected, by the ids of their tests; other ids are passed over."""
        self.selected = [row for nodeid in nodeids if (row := row_of_node(nodeid))]

    def methods(self) -> frozenset[str]:
        """Give the methods that must be exercised for the rows that were selected."""
        return methods_for(self.contract, self.listed, self.selected)


class Side(Protocol):
    """Who takes shares in this process: the controller alone, or one of pytest-xdist's workers."""

    def workers(self) -> int:
        """Say how many shares there are."""

    def take_share(self, number: int) -> None:
        """Take the share of that number, in this process."""


class Items:
    """Puts the shares before the rows in a session; a plugin of pytest by the name NAME."""

    NAME = "vcontract-items"

    def __init__(self, config: pytest.Config, row_tests: RowTests, side: Side) -> None:
        self.row_tests = row_tests
        self._config, self._side = config, side

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the shares before the rows that were selected; without a row there is nothing to do."""
        mine = [item for item in items if row_of_node(item.nodeid)]
        self.row_tests.select(item.nodeid for item in mine)
        parent = mine[0].parent if mine else None
        if parent is not None and not self._config.option.collectonly:
            items[:0] = [
                Walk.from_parent(parent, name=f"walk[{number}]", side=self._side, number=number)
                for number in range(1, self._side.workers() + 1)
            ]


class Walk(pytest.Item):  # inherits: pytest runs items of its own class alone
    """The walk over one share; it passes when the share was walked, whatever that found."""

    def __init__(self, *, side: Side, number: int, **more: Any) -> None:
        super().__init__(**more)
        self.side, self.number = side, number

    def runtest(self) -> None:
        """Walk."""
        self.side.take_share(self.number)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Say in one line what kept it from walking; of a mistake of ours, where it is, but no locals: they hold passwords."""
        if isinstance(excinfo.value, HarnessError):
            return one_line(redact_everywhere(str(excinfo.value)))
        asked = style or self.config.getoption("tbstyle", "auto")
        whole = bool(self.config.getoption("fulltrace", default=False))
        shown = excinfo.getrepr(
            style="long" if asked == "auto" else asked, showlocals=False, tbfilter=not whole, abspath=whole
        )
        return printable(redact_everywhere(str(shown)))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say what it is."""
        return self.path, None, f"walk[{self.number}]"


def walk_of_node(nodeid: str) -> int:
    """Give the number of a walk from its node id; 0 if it is none."""
    found = _WALK.search(nodeid)
    return int(found[1]) if found else 0


def row_of_node(nodeid: str) -> str:
    """Give the row's id from its test's node id; empty if it is none."""
    found = _ROW.search(nodeid)
    return found[1] if found else ""


def _owner(row: Row) -> str:
    return row.id.partition("/")[0]
