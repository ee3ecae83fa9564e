"""`vcontract wsdl fetch URL`: a live server's own WSDL, over the same careful connection as everything else."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vcontract._client import Trust
from vcontract._client.wire import Connection, Endpoint, Limits, parse_url
from vcontract._errors import SchemaError, TargetError
from vcontract._schema.build import write_set
from vcontract._schema.fetch import ENTRY, check_set, fetch_set
from vcontract._terms import Lost

PLACES = (ENTRY, "vim.wsdl")
"""Where a server has its WSDL, below the path of its SDK; the first is the vendor's own entry."""
_DEFINITIONS = b"definitions"
"""The name of a WSDL's root element; many servers answer with a page of their own instead of status 404."""
_LARGEST = 64 << 20
_SECONDS = 60.0


def fetch_wsdl(url: str, out: Path, *, insecure: bool = False, ca_file: Path | None = None) -> tuple[str, int]:
    """Take the WSDL of a server (URL of the SDK, or of a `.wsdl`) into a folder; gives its wire version and how many files.

    Nothing is written unless the set can be used. TargetError: unreachable, not trusted, or it serves none; SchemaError: it
    serves what is no usable WSDL.
    """
    given = parse_url(url)
    trust = Trust(insecure=insecure, ca_file=str(ca_file) if ca_file else "")
    connection = Connection(given, trust, Limits(exchange=_SECONDS, body=_LARGEST))
    try:
        files = fetch_set(_entry(given, connection), lambda each: _document(connection, each))
    finally:
        connection.close()
    with tempfile.TemporaryDirectory() as folder:
        write_set(files, Path(folder))
        try:
            version = check_set(Path(folder)).api_version
        except SchemaError as error:
            raise SchemaError(
                f"{url} serves a WSDL that cannot be used: {str(error).replace(folder + '/', '')}"
            ) from error
    write_set(files, out)
    return version, len(files)


def _entry(given: Endpoint, connection: Connection) -> str:
    """Find the document to begin with. Raises TargetError if there is none."""
    if given.path.lower().endswith(".wsdl"):
        _document(connection, given.url)
        return given.url
    statuses = []
    for place in PLACES:
        reply = connection.get(f"{given.path}/{place}")
        if isinstance(reply, Lost):
            raise TargetError(f"{given.url} cannot be reached: {reply.reason}")
        if reply.status == 200 and _DEFINITIONS in reply.body:
            return f"{given.url}/{place}"
        statuses.append(f"{place} {f'has status {reply.status}' if reply.status != 200 else 'is something else'}")
    raise TargetError(
        f"{given.url} serves no WSDL: {', '.join(statuses)}; `wsdl build` makes one of the vendor's metadata"
    )


def _document(connection: Connection, url: str) -> bytes:
    path = "/" + url.split("://", 1)[1].partition("/")[2]
    reply = connection.get(path)
    if isinstance(reply, Lost):
        raise TargetError(f"{url} cannot be fetched: {reply.reason}")
    if reply.status != 200:
        elsewhere = f", it points to {reply.header('location')}" if reply.header("location") else ""
        raise TargetError(f"{url} cannot be fetched: status {reply.status}{elsewhere}")
    return reply.body
