"""Which certificates are trusted: the thumbprint pins one, and nothing is said to another."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from vcontract._client import Limits, Target, Trust
from vcontract._client.trust import digest_of, shown_thumbprint
from vcontract._client.wire import Connection, HttpReply, parse_url
from vcontract._errors import TargetError, UsageError
from vcontract._terms import Lost

Scripted = Callable[..., Any]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 2\r\n\r\nok"
QUICK = Limits(connect=2, exchange=2)


def certified(*names: str, **dates: Any) -> tuple[ssl.SSLContext, bytes]:
    """Make a server's TLS with a certificate of an unknown CA; gives the certificate too (DER)."""
    leaf = trustme.CA().issue_cert(*names, **dates)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(server)
    return server, ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


def get(server: Any, thumbprint: str) -> HttpReply | Lost:
    """Fetch something from a server whose certificate is pinned."""
    line = Connection(parse_url(server.url), Trust(thumbprint=thumbprint), QUICK)
    try:
        return line.get("/")
    finally:
        line.close()


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_a_pinned_certificate_is_accepted_whoever_signed_it(scripted: Scripted, name: str) -> None:
    """Expired, of an unknown CA, for another host: if it is the one, it is; colons and case do not matter."""
    long_ago = datetime.now(UTC) - timedelta(days=9)
    tls, certificate = certified("elsewhere.example", not_before=long_ago, not_after=long_ago + timedelta(days=1))
    shown = hashlib.new(name, certificate).hexdigest()
    server = scripted([OK], [OK], tls=tls)
    assert isinstance(get(server, shown), HttpReply)
    assert isinstance(
        get(server, ":".join(shown[each : each + 2] for each in range(0, len(shown), 2)).upper()), HttpReply
    )


def test_another_certificate_is_refused_before_a_byte_is_sent(scripted: Scripted) -> None:
    """The line holds the thumbprint that was seen, in the digest of the one that was given, and says what to do."""
    tls, certificate = certified("127.0.0.1")
    server = scripted([OK], [OK], [OK], tls=tls)
    for name, length in (("sha1", 40), ("sha256", 64)):
        refused = get(server, "ab" * (length // 2))
        seen = hashlib.new(name, certificate).digest().hex(":").upper()
        assert refused == Lost(f"not sent: certificate not trusted: its {name.upper()} thumbprint is {seen}")
    with pytest.raises(
        TargetError, match=r"thumbprint is ([0-9A-F]{2}:)+.*; give the CA .*, its thumbprint, or --insecure"
    ):
        Target.open(server.url, trust=Trust(thumbprint="00" * 32), limits=QUICK)
    assert server.connections == 3
    assert server.requests == []


def test_the_thumbprint_can_be_asked_for(scripted: Scripted) -> None:
    """Nothing is sent for it; who does not speak TLS shows none."""
    tls, certificate = certified("127.0.0.1")
    server, plain = scripted([OK], tls=tls), scripted([OK])
    assert shown_thumbprint("127.0.0.1", server.port, 2) == hashlib.sha256(certificate).digest().hex(":").upper()
    assert server.requests == []
    assert shown_thumbprint("127.0.0.1", plain.port, 0.3) == ""


def test_a_thumbprint_that_is_none() -> None:
    """One of odd length, or not hexadecimal, is the user's mistake."""
    for wrong in ("ab", "zz" * 20, "ab:" * 31 + "a", "é" * 40):
        with pytest.raises(UsageError, match="must be SHA-256"):
            digest_of(wrong)
    assert digest_of("") == b""
