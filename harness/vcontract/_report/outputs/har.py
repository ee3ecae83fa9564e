"""The exchanges around findings as an HTTP archive (HAR 1.2), which browsers and proxies open."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from vcontract import __version__
from vcontract._exchanges import WireExchange
from vcontract._report.bug_reports import BugReport
from vcontract._report.result import RunResult

_UNKNOWN = -1
"""What the format writes for a size that is not known."""


def har(result: RunResult, reports: Sequence[BugReport]) -> bytes:
    """Give the archive: each exchange once, with the findings that it belongs to as its comment."""
    exchanges: dict[int, WireExchange] = {}
    findings: dict[int, list[str]] = {}
    for report in reports:
        for each in report.exchanges:
            exchanges[each.op] = each
            findings.setdefault(each.op, []).append(report.id)
    began = datetime(1970, 1, 1, tzinfo=UTC)
    with suppress(ValueError):
        began = datetime.fromisoformat(result.started)
    base = result.target.url.rpartition("/")[0]
    entries = [_entry(exchanges[op], began, base, findings[op]) for op in sorted(exchanges)]
    log = {"version": "1.2", "creator": {"name": "vcontract", "version": __version__}, "entries": entries}
    return msgspec.json.format(msgspec.json.encode({"log": log})) + b"\n"


def _entry(exchange: WireExchange, began: datetime, base: str, findings: list[str]) -> dict[str, Any]:
    took = round(max(0.0, exchange.ended - exchange.sent) * 1000, 3)
    kind = exchange.headers.get("Content-Type", "text/xml")
    came = exchange.answered.get("content-type", "text/xml")
    return {
        "startedDateTime": (began + timedelta(seconds=exchange.sent)).isoformat(timespec="milliseconds"),
        "time": took,
        "request": {
            "method": "POST",
            "url": f"{base}{exchange.path[exchange.path.rfind('/') :]}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(exchange.headers),
            "queryString": [],
            "postData": {"mimeType": kind, "text": exchange.request},
            "headersSize": _UNKNOWN,
            "bodySize": len(exchange.request.encode("utf-8", "replace")),
        },
        "response": {
            "status": exchange.status,
            "statusText": exchange.lost,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(exchange.answered),
            "content": {"size": len(exchange.reply), "mimeType": came, "text": exchange.reply},
            "redirectURL": "",
            "headersSize": _UNKNOWN,
            "bodySize": _UNKNOWN,
        },
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "comment": f"operation {exchange.op}; findings {', '.join(findings)}",
    }


def _pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]
