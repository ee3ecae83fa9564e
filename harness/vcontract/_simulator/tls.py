"""Certificates for `--tls`: a fresh authority for each start, its certificate in a file for clients to trust."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

import trustme


class Certificates:
    """A throw-away authority with a certificate for loopback; `ca_file` lives until `close`."""

    def __init__(self) -> None:
        authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="vcontract-ca-")
        self.ca_file = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self.context)

    def close(self) -> None:
        """Remove the file."""
        self._folder.cleanup()
