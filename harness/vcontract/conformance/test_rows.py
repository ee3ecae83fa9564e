"""One test for each row of the contract; its verdict rests on what all workers saw, so it is given when all are done."""

from __future__ import annotations

import pytest

from vcontract._contract import Row
from vcontract.conformance._items import Items


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each row a test, with the row's id in the node's and the method's and the object's name as marks."""
    items = metafunc.config.pluginmanager.get_plugin(Items.NAME)
    if items is None:
        raise pytest.UsageError(
            "the rows need their plugin: pytest -p vcontract.pytest_plugin --pyargs vcontract.conformance"
        )
    metafunc.parametrize("row", items.row_tests.parameters())


def test_row(row: Row) -> None:
    """The server keeps this promise: said by `vcontract.conformance._verdicts` in place of what this function says."""
    assert row.id
