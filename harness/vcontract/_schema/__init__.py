"""WSDL to types, requests to bytes, replies to wire values; builds WSDL from vendor metadata (vcontract._schema.build)."""

from vcontract._schema.releases import SHIPPED, newest_usable, parse_name_spaces, parse_versions_document
from vcontract._schema.shapes import DataType, Field, Operation
from vcontract._schema.wsdl import Schema, bases_of, load, plain, release

__all__ = [
    "SHIPPED",
    "DataType",
    "Field",
    "Operation",
    "Schema",
    "bases_of",
    "load",
    "newest_usable",
    "parse_name_spaces",
    "parse_versions_document",
    "plain",
    "release",
]
