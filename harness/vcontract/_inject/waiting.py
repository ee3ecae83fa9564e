"""Waiting for changes of injected tasks and of the server's own objects at once, on one property collector.

The server is asked what the client asked, once: a wait that an injected task cuts short goes on, and the client's next one
takes it up. The client's version then has two halves, the server's and ours: `12/3`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from xml.sax.saxutils import escape

from lxml import etree

from vcontract._disturbances.network.framing import Request
from vcontract._inject.gate import Ask, Gone, Sent, passed_on
from vcontract._inject.messages import content, cookie_in, header_of, with_content
from vcontract._simulator.standing_in import StandIn

READS = frozenset({"RetrieveProperties", "RetrievePropertiesEx", "ContinueRetrievePropertiesEx", "Fetch"})
WAITS = frozenset({"WaitForUpdates", "WaitForUpdatesEx", "CheckForUpdates"})
_VIM = "{urn:vim25}"
_VERSION = re.compile(rb"(<(?:[\w.-]+:)?version(?:\s[^>]*)?>)([^<]*)(</)")
_FILTER = re.compile(rb'<(?:[\w.-]+:)?returnval[^>]*type\s*=\s*["\']PropertyFilter["\'][^>]*>\s*([^<\s]{1,256})\s*<')
_THIS = re.compile(rb"<(?:[\w.-]+:)?_this[^>]*>\s*([^<\s]{1,256})\s*<")

Dial = Callable[[], Ask]
"""Gives a way to the server that nobody else uses."""


class _Under:
    """A wait that is under way at the server: the version it was asked with, and its reply once that is there."""

    def __init__(self, version: str, ask: Ask, raw: bytes) -> None:
        self.version, self.reply = version, b""
        self.done = threading.Event()
        threading.Thread(target=self._run, args=(ask, raw), daemon=True).start()

    def _run(self, ask: Ask, raw: bytes) -> None:
        self.reply = ask(raw)
        self.done.set()


class Waiting:
    """Answers the waits of sessions that have filters here and at the server; it hears of the server's by `made` and `gone`."""

    def __init__(self, stand_in: StandIn, dial: Dial, look: float = 0.05) -> None:
        self._stand_in, self._dial, self._look = stand_in, dial, look
        self._lock = threading.Lock()
        self._filters: dict[tuple[str, str], set[str]] = {}
        self._under: dict[tuple[str, str], _Under] = {}

    def made(self, key: tuple[str, str], reply: bytes) -> None:
        """Note a filter that a session (its cookie) made at the server, on a collector."""
        found = _FILTER.search(content(reply))
        if found is not None:
            with self._lock:
                self._filters.setdefault(key, set()).add(found[1].decode("latin-1"))

    def ended(self, request: Request) -> None:
        """Note that a filter or a collector of the server's ended."""
        this, cookie = _THIS.search(request.raw), cookie_in(request.raw)
        named = this[1].decode("latin-1") if this else ""
        with self._lock:
            for key in [each for each in self._filters if each[0] == cookie]:
                self._filters[key].discard(named)
                if key[1] == named or not self._filters[key]:
                    del self._filters[key]
                    self._under.pop(key, None)

    def mixed(self, key: tuple[str, str]) -> bool:
        """Whether a session has filters at the server too, on a collector."""
        return bool(self._filters.get(key))

    def wait(self, request: Request, key: tuple[str, str], gone: Gone) -> Sent:
        """Wait until either side has something to tell."""
        found = _VERSION.search(request.raw.partition(b"\r\n\r\n")[2])
        asked = found[2].decode("latin-1") if found else ""
        theirs, _, ours = asked.partition("/")
        under = self._taken_up(request, key, theirs)
        while True:
            own = self._told_here(request, key[1], theirs, ours)
            if own is not None:
                return own
            if under.done.wait(self._look):
                with self._lock:
                    self._under.pop(key, None)
                return _with_version(under.reply, ours)
            if gone():
                return Sent(b"", close=True)

    def _taken_up(self, request: Request, key: tuple[str, str], theirs: str) -> _Under:
        with self._lock:
            under = self._under.get(key)
            if under is None or under.version != theirs:
                head, _, body = request.raw.partition(b"\r\n\r\n")
                changed = _VERSION.sub(lambda found: found[1] + theirs.encode("latin-1") + found[3], body, count=1)
                raw = request.raw if changed == body else with_content(head + b"\r\n\r\n", changed)
                under = self._under[key] = _Under(theirs, self._dial(), raw)
            return under

    def _told_here(self, request: Request, collector: str, theirs: str, ours: str) -> Sent | None:
        """Give what injected tasks have to tell, as an answer of the method that was called; None if nothing."""
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><CheckForUpdates xmlns="urn:vim25">'
            f'<_this type="PropertyCollector">{escape(collector)}</_this><version>{escape(ours)}</version>'
            "</CheckForUpdates></e:Body></e:Envelope>"
        ).encode()
        head = (
            f"POST /sdk HTTP/1.1\r\nCookie: {header_of(request.raw, b'cookie')}\r\n"
            f"SOAPAction: {header_of(request.raw, b'soapaction')}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        raw = self._stand_in.answer(head.encode("latin-1") + body, collector)
        tree = etree.fromstring(content(raw))
        told = tree.find(f".//{_VIM}returnval")
        if told is None or told.find(f"{_VIM}version") is None:
            return None
        for each in told.findall(f"{_VIM}version"):
            each.text = f"{theirs}/{each.text}"
        parent = told.getparent()
        assert parent is not None
        parent.tag = f"{_VIM}{request.method}Response"
        return Sent(with_content(raw, etree.tostring(tree, xml_declaration=True, encoding="UTF-8")))


def _with_version(raw: bytes, ours: str) -> Sent:
    """Give a server's reply with our half of the version, if it has one at all."""
    if ours:
        changed = _VERSION.sub(
            lambda found: found[1] + found[2] + b"/" + ours.encode() + found[3], content(raw), count=1
        )
        raw = with_content(raw, changed)
    return passed_on(raw)
