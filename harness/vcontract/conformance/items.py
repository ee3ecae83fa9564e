"""The items of a session: first a walk for each worker, then a test for each row that was selected."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vcontract.contract import Contract, Row, load, rows
from vcontract.errors import HarnessError

MANAGER = "VirtualMachineGuestCustomizationManager"
_WALK = re.compile(r"::walk\[(\d+)\]$")
_ROW = re.compile(r"::test_row\[(.+)\]$")


class Walks(ABC):
    """What both sides share, who deals out and who works; a plugin of pytest by the name NAME."""

    NAME = "vcontract-walks"

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.contract: Contract = load(str(config.option.vcontract_contract) or MANAGER)
        self.selected: list[str] = []
        methods = [self.contract.method(each).name for each in config.option.vcontract_method]
        listed = rows(self.contract, {})  # the ids are the same for every WSDL
        self.listed = [each for each in listed if not methods or each.method in methods]
        for each in [*(method.name for method in self.contract.methods), *sorted({_owner(row) for row in self.listed})]:
            config.addinivalue_line("markers", f"{each}: the rows of {each}")

    @abstractmethod
    def workers(self) -> int:
        """Say how many walks there are."""

    @abstractmethod
    def walk(self, number: int) -> None:
        """Walk the share of that number, in this process."""

    def parameters(self) -> list[object]:
        """Give the parameter of each row's test, with its id and its marks."""
        return [
            pytest.param(
                each, id=each.id, marks=[getattr(pytest.mark, name) for name in (each.method, _owner(each)) if name]
            )
            for each in self.listed
        ]

    def methods(self) -> frozenset[str]:
        """Give the methods that must be exercised for the rows that were selected."""
        chosen = [each for each in self.listed if each.id in self.selected]
        if any(each.fault and not each.method for each in chosen):
            return frozenset(each.method for each in self.listed if each.method) or frozenset(
                each.name for each in self.contract.methods
            )
        return frozenset(each.method for each in chosen if each.method)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the walks before the rows that were selected; without a row there is nothing to walk for."""
        mine = [each for each in items if row_of_node(each.nodeid)]
        self.selected = [row_of_node(each.nodeid) for each in mine]
        parent = mine[0].parent if mine else None
        if parent is not None and not self.config.option.collectonly:
            items[:0] = [
                Walk.from_parent(parent, name=f"walk[{number}]", walks=self, number=number)
                for number in range(1, self.workers() + 1)
            ]


class Walk(pytest.Item):
    """The walk over one share; it passes when the share was walked, whatever that found."""

    def __init__(self, *, walks: Walks, number: int, **more: Any) -> None:
        super().__init__(**more)
        self.walks, self.number = walks, number

    def runtest(self) -> None:
        """Walk."""
        self.walks.walk(self.number)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Say in one line what kept it from walking."""
        if isinstance(excinfo.value, HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

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


def selected_in(collection: Sequence[str]) -> list[str]:
    """List the rows of a collection."""
    return [row for each in collection if (row := row_of_node(each))]


def _owner(row: Row) -> str:
    return row.id.partition("/")[0]
