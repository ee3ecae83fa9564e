"""A proxy of Python's own that records what passes as an HTTP archive, as mitmproxy and browsers do."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_HOP = {"connection", "content-length", "host", "transfer-encoding"}


class Recording:
    """What has passed, entry by entry; the bodies as text, or in base64 as tools write what they take for binary."""

    def __init__(self, url: str) -> None:
        self.server = urlsplit(url)
        self.entries: list[dict[str, Any]] = []
        self.url = ""

    def har(self, *, encoded: bool = False) -> dict[str, Any]:
        """Give the archive, as if a patient client had made a call every half minute; `encoded`: replies in base64."""
        entries = json.loads(json.dumps(self.entries))
        for number, entry in enumerate(entries):
            began = datetime.fromisoformat(entry["startedDateTime"])
            entry["startedDateTime"] = (began + timedelta(seconds=30 * number)).isoformat()
        for entry in entries if encoded else ():
            content = entry["response"]["content"]
            content["text"] = base64.b64encode(content["text"].encode()).decode()
            content["encoding"] = "base64"
        return {"log": {"version": "1.2", "creator": {"name": "a proxy", "version": "1"}, "entries": entries}}

    def written(self, file: Path, *, encoded: bool = False) -> Path:
        """Write the archive into a file; gives that."""
        file.write_text(json.dumps(self.har(encoded=encoded)), "utf-8")
        return file


@contextmanager
def recording(url: str) -> Iterator[Recording]:
    """Record what clients of `Recording.url` ask of a server, until the end."""
    told, lock = Recording(url), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            began = datetime.now(UTC)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            line = HTTPConnection(told.server.hostname or "", told.server.port or 80)
            sent = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            line.request(self.command, self.path, body, sent)
            reply = line.getresponse()
            came = reply.read()
            line.close()
            took = (datetime.now(UTC) - began).total_seconds() * 1000
            with lock:
                told.entries.append(
                    {
                        "startedDateTime": began.isoformat(),
                        "time": took,
                        "request": {
                            "method": self.command,
                            "url": f"{told.url.removesuffix('/sdk')}{self.path}",
                            "headers": [{"name": name, "value": value} for name, value in self.headers.items()],
                            "postData": {"mimeType": "text/xml", "text": body.decode()},
                        },
                        "response": {
                            "status": reply.status,
                            "headers": [{"name": name, "value": value} for name, value in reply.getheaders()],
                            "content": {"mimeType": "text/xml", "text": came.decode()},
                        },
                    }
                )
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(came)))
            self.end_headers()
            self.wfile.write(came)

        do_GET = do_POST  # noqa: N815 - the name that the base class calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}/sdk"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield told
        finally:
            server.shutdown()
            serving.join()
