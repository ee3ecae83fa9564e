"""Connects to the target through an HTTP proxy by CONNECT (RFC 9110, 9.3.6): the proxy sees host and port, not the content.

Only a proxy that was configured is used: HTTPS_PROXY and its like in the environment are ignored.
"""

from __future__ import annotations

import socket
import time
from urllib.parse import SplitResult, urlsplit

import msgspec

from vcontract._errors import UsageError
from vcontract._redaction import USERINFO, without_userinfo

_LONGEST = 16384


class Proxy(msgspec.Struct, frozen=True):
    """Where a proxy listens."""

    host: str
    port: int


def split_url(url: str) -> tuple[SplitResult, int | None]:
    """Split a URL, without what stands before an `@`; gives its port as well. Raises ValueError.

    Of a password in which `/` or `:` is not escaped, other parts would be taken.
    """
    parts = urlsplit(without_userinfo(url).replace(USERINFO, ""))
    return parts, parts.port


def parse_proxy(url: str) -> Proxy | None:
    """Read the URL of a proxy, `http://HOST[:PORT]` (port 3128 if it has none); None if it is empty. Raises UsageError."""
    if not url:
        return None
    try:
        parts, port = split_url(url)
    except ValueError as error:
        raise UsageError(f"proxy = {without_userinfo(url)!r} is no URL: {error}") from error
    if "@" in url:
        raise UsageError("proxy: the URL holds a user name; a proxy that asks for one is not supported")
    if parts.scheme != "http" or not parts.hostname or parts.path not in {"", "/"}:
        raise UsageError(f"proxy = {url!r}: expected http://HOST[:PORT]")
    return Proxy(parts.hostname, 3128 if port is None else port)


def tunnel(proxy: Proxy, host: str, port: int, seconds: float) -> socket.socket:
    """Connect to a host through a proxy, within `seconds`. Raises OSError if the proxy refuses, TimeoutError."""
    deadline = time.monotonic() + seconds
    sock = socket.create_connection((proxy.host, proxy.port), seconds)
    try:
        place = f"{f'[{host}]' if ':' in host else host}:{port}"
        sock.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
        if complaint := _complaint(_head(sock, deadline)):
            raise ConnectionAbortedError(f"the proxy {proxy.host}:{proxy.port} {complaint}")  # noqa: TRY301 - closed below
    except BaseException:
        sock.close()
        raise
    return sock


def _head(sock: socket.socket, deadline: float) -> bytes:
    """Read the head of the answer byte by byte, as what follows it belongs to the tunnel; not whole if the proxy ends it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        more = sock.recv(1)
        if not more:
            break
        head += more
    return head


def _complaint(head: bytes) -> str:
    """Give the reason why the proxy opened no tunnel; empty if it opened one."""
    if not head.endswith(b"\r\n\r\n"):
        return "did not answer CONNECT"
    _, _, status = head.split(b"\r\n")[0].decode("latin-1").partition(" ")
    return "" if status.startswith("2") else f"refuses: {status[:100]}"
