"""SARIF 2.1.0 of classified differences and of faults in contract files, for code scanning of GitHub and others."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract import __version__
from vcontract._report.difference_line import line
from vcontract._report.safe_text import console_document, in_sarif, one_line
from vcontract._terms import Difference, Impact, Json

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Impact.BREAKING: "error", Impact.RISKY: "warning", Impact.ADDITION: "note"}


def sarif(differences: Sequence[Difference], uri: str) -> bytes:
    """Give the log: a result for each difference, at the new side's `uri`, with the difference's fingerprint."""
    rules = {_rule_id(difference): difference for difference in differences}
    index = {name: number for number, name in enumerate(rules)}
    described = [
        {
            "id": name,
            "shortDescription": {"text": in_sarif(difference.reason)},
            "defaultConfiguration": {"level": _LEVEL[difference.impact]},
        }
        for name, difference in rules.items()
    ]
    return _log(described, [_result(difference, index[_rule_id(difference)], uri) for difference in differences])


def lint_sarif(faults: Sequence[tuple[str, str, int]]) -> bytes:
    """Give the log of what is wrong in files: each fault as its text, the file's URI and the line, from 1 on."""
    rule = "contract"
    described = [
        {
            "id": rule,
            "shortDescription": {"text": "a contract file contradicts itself, the model or the vendor's metadata"},
            "defaultConfiguration": {"level": "error"},
        }
    ]
    results = [
        {
            "ruleId": rule,
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": in_sarif(text)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line_}}}],
        }
        for text, uri, line_ in faults
    ]
    return _log(described, results)


def _log(rules: Sequence[Json], results: Sequence[Json]) -> bytes:
    driver = {"name": "vcontract", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return console_document(log).encode() + b"\n"


def _rule_id(difference: Difference) -> str:
    return f"{difference.kind}.{difference.position}" if difference.position else difference.kind


def _result(difference: Difference, index: int, uri: str) -> Json:
    return {
        "ruleId": _rule_id(difference),
        "ruleIndex": index,
        "level": _LEVEL[difference.impact],
        "message": {"text": in_sarif(line(difference))},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri}},
                "logicalLocations": [{"fullyQualifiedName": one_line(difference.path)}],
            }
        ],
        "partialFingerprints": {"vcontract/v1": difference.fingerprint},
        "properties": {"class": difference.impact.value, "kind": difference.kind, "position": difference.position},
    }
