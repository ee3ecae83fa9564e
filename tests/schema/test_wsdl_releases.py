"""Which releases a target lists, and which shipped set fits."""

from __future__ import annotations

import pytest

from vcontract._errors import SchemaError
from vcontract._schema import SHIPPED, newest_usable, parse_versions_document

DOCUMENT = b"""<?xml version="1.0" encoding="UTF-8" ?>
<namespaces version="1.0">
 <namespace><name>urn:vim25</name><version>8.0.3.0</version>
  <priorVersions><version>8.0.2.0</version><version> 7.0.3.2 </version><version>6.8.7</version></priorVersions>
 </namespace>
 <namespace><name>urn:vim2</name><version>2.0</version></namespace>
</namespaces>"""


def test_the_document_lists_versions_of_vim25_alone() -> None:
    """The server's own version first, then its predecessors; other name spaces do not count."""
    assert parse_versions_document(DOCUMENT) == ("8.0.3.0", "8.0.2.0", "7.0.3.2", "6.8.7")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>404</body></html>",
        b'<!DOCTYPE namespaces [<!ENTITY a "aaaa">]><namespaces>&a;</namespaces>',
        b"<namespaces>" + b" " * (1 << 20) + b"</namespaces>",
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    """An empty body, a web page, a DTD and a flood are each one line."""
    with pytest.raises(SchemaError) as caught:
        parse_versions_document(body)
    assert "\n" not in str(caught.value)


def test_the_newest_listed_set_is_used() -> None:
    """The newest shipped set that the target lists, whatever the order, else the newest that can be built."""
    assert newest_usable(["6.8.7", "7.0.3.2", "8.0.2.0"]) == "7.0.3.2"
    assert newest_usable(reversed(SHIPPED)) == "9.1.0.0"
    assert newest_usable(["5.5", "6.5", "6.0"]) == "6.5"
    assert newest_usable(["8.0.2.0", "6.0", "99.0"]) == "8.0.2.0"
    assert newest_usable(["2.5", "uA046D008"]) is None
