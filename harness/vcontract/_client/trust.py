"""Which server certificate is trusted: one that a CA signed for this host, exactly one, or any."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl

import msgspec

from vcontract._errors import UsageError

_DIGESTS = {20: "sha1", 32: "sha256"}
_HEX = re.compile("[0-9a-f]*", re.IGNORECASE)


class Trust(msgspec.Struct, frozen=True):
    """Trusted are the CAs of this machine, those of `ca_file`, the certificate of `thumbprint` alone, or any (`insecure`).

    A thumbprint is SHA-256 or SHA-1 over the certificate (DER), in hexadecimal with or without colons, as vSphere shows it;
    name, dates and CA of that certificate do not matter.
    """

    insecure: bool = False
    ca_file: str = ""
    thumbprint: str = ""


class OtherCertificateError(OSError):
    """The server shows another certificate than the one that is pinned."""


def tls_context(trust: Trust) -> ssl.SSLContext:
    """Make the TLS settings; a thumbprint is left to `check`. Raises UsageError for what cannot be used."""
    try:
        context = ssl.create_default_context(cafile=trust.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
        raise UsageError(f"{trust.ca_file}: no usable file of CA certificates: {why.lower()}") from error
    if trust.insecure or digest_of(trust.thumbprint):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def digest_of(thumbprint: str) -> bytes:
    """Read a thumbprint; empty for an empty one. Raises UsageError."""
    plain = thumbprint.replace(":", "").strip()
    if not _HEX.fullmatch(plain) or len(plain) not in {0, *(2 * size for size in _DIGESTS)}:
        raise UsageError(
            f"thumbprint {thumbprint!r}: must be SHA-256 (64 hexadecimal digits) or SHA-1 (40), as AB:CD:…"
        )
    return bytes.fromhex(plain)


def check(sock: ssl.SSLSocket, digest: bytes) -> None:
    """Compare the server's certificate with a digest (empty: any will do). Raises OtherCertificateError that shows it."""
    if not digest:
        return
    shown = sock.getpeercert(binary_form=True) or b""
    name = _DIGESTS[len(digest)]
    if hashlib.new(name, shown, usedforsecurity=False).digest() != digest:
        raise OtherCertificateError(f"its {name.upper()} thumbprint is {thumbprint_of(shown, name)}")


def thumbprint_of(certificate: bytes, digest: str = "sha256") -> str:
    """Give the thumbprint of a certificate (DER) as vSphere shows it."""
    return hashlib.new(digest, certificate, usedforsecurity=False).digest().hex(":").upper()


def shown_thumbprint(host: str, port: int, seconds: float) -> str:
    """Give the SHA-256 thumbprint of a server's certificate, trusted or not, sending no request; empty if it shows none."""
    try:
        with (
            socket.create_connection((host, port), seconds) as plain,
            tls_context(Trust(insecure=True)).wrap_socket(plain, server_hostname=host) as secured,
        ):
            return thumbprint_of(secured.getpeercert(binary_form=True) or b"")
    except (OSError, ValueError):
        return ""


def words_of(error: Exception) -> str:
    """Say in words why no connection came about, or why one ended."""
    if isinstance(error, OtherCertificateError):
        return f"certificate not trusted: {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "connecting took too long"
    if isinstance(error, socket.gaierror):
        return "the host name cannot be resolved"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()
