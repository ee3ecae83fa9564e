"""WSDL to types, requests to bytes, replies to wire values; builds WSDL from vendor metadata (harness.schema.build)."""

from harness.schema.releases import SHIPPED, newest_usable, parse_versions_document
from harness.schema.shapes import DataType, Field, Operation
from harness.schema.wsdl import Schema, bases_of, load, plain

__all__ = [
    "SHIPPED",
    "DataType",
    "Field",
    "Operation",
    "Schema",
    "bases_of",
    "load",
    "newest_usable",
    "parse_versions_document",
    "plain",
]
