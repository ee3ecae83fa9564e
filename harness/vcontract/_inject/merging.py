"""Requests about tasks that are injected: answered here, beside what the server behind says of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lxml import etree

from vcontract._disturbances.network.framing import Request
from vcontract._inject.gate import Ask, Gone, Sent, passed_on
from vcontract._inject.journal import Journal
from vcontract._inject.messages import content, cookie_in, ends, parsed, with_content
from vcontract._inject.waiting import READS, WAITS, Dial, Waiting
from vcontract._simulator.standing_in import StandIn

_COLLECTOR = re.compile(rb'<(?:[\w.-]+:)?_this[^>]*type\s*=\s*["\']PropertyCollector["\'][^>]*>\s*([^<\s]{1,256})\s*<')
_THIS = re.compile(rb'<(?:[\w.-]+:)?_this[^>]*type\s*=\s*["\']([\w.-]+)["\'][^>]*>\s*([^<\s]{1,256})\s*<')
_ENDS = frozenset({"DestroyPropertyFilter", "DestroyPropertyCollector"})
_ENDED = re.compile(rb">(?:error|success)<")
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"
_VIM = "{urn:vim25}"


class Merging:
    """Answers what is about injected tasks; `answered` gives None for a request that is none of its own."""

    def __init__(self, stand_in: StandIn, journal: Journal, dial: Dial) -> None:
        self._stand_in, self._journal = stand_in, journal
        self._waiting = Waiting(stand_in, dial)

    def answered(self, request: Request, ask: Ask, gone: Gone) -> Sent | None:
        """Answer a request that names an injected task, or waits for one, or lists the tasks of a server or a VM."""
        if self._stand_in.idle and request.method not in _ENDS and request.method != "CreateFilter":
            return None  # nothing is here that a request could be about
        key = cookie_in(request.raw), collector_of(request)
        if self._stand_in.knows(request.raw):
            mixed = request.method in READS and _others(request.raw, self._stand_in.knows)
            return self._mixed(request, ask, gone) if mixed else self._own(request, gone)
        if request.method == "CreateFilter":
            raw = ask(request.raw)
            self._waiting.made(key, raw)
            return passed_on(raw)
        if request.method in _ENDS:
            self._waiting.ended(request)
        if request.method in WAITS and self._stand_in.waits(*key):
            return self._wait(request, key, gone)
        if request.method in READS and b"recentTask" in request.raw and not self._stand_in.idle:
            return self._listing(request, ask(request.raw))
        return None

    def _wait(self, request: Request, key: tuple[str, str], gone: Gone) -> Sent:
        """Wait for injected tasks, and for what the server has to tell if the session asked it to."""
        if not self._waiting.mixed(key):
            return self._own(request, gone)
        sent = self._waiting.wait(request, key, gone)
        self._note_reads(request, sent.raw)
        return sent

    def _own(self, request: Request, gone: Gone) -> Sent:
        """Answer in the server's place."""
        raw = self._stand_in.answer(request.raw, collector_of(request), gone)
        self._note_reads(request, raw)
        return Sent(raw, close=not raw)

    def _note_reads(self, request: Request, raw: bytes) -> None:
        for moid in list(self._journal.watched):
            if moid.encode() in request.raw or moid.encode() in raw:
                self._journal.read(moid, ended=bool(_ENDED.search(raw)), cancels=request.method == "CancelTask")

    def _mixed(self, request: Request, ask: Ask, gone: Gone) -> Sent:
        """Answer a read of injected tasks and of other objects: these are read of the server, and no others."""
        parts = _divided(request.raw, self._stand_in.knows)
        if parts is None:
            return self._own(request, gone)
        ours, theirs = parts
        own = self._stand_in.answer(ours, "", gone)
        raw = ask(theirs)
        self._note_reads(request, own)
        merged = _joined(content(raw), content(own)) if raw[9:12] == own[9:12] == b"200" else b""
        return Sent(with_content(raw, merged) if merged else raw, close=ends(raw))

    def _listing(self, request: Request, raw: bytes) -> Sent:
        """Add the injected tasks to the lists of recent tasks in a reply."""
        changed = _with_tasks(request, content(raw), self._stand_in.tasks)
        return Sent(with_content(raw, changed) if changed else raw, close=ends(raw))


def collector_of(request: Request) -> str:
    """Name the property collector that a request is made of; empty if it is none."""
    found = _COLLECTOR.search(request.raw)
    return found[1].decode("latin-1") if found else ""


def _others(raw: bytes, knows: Callable[[bytes], bool]) -> bool:
    """Whether a read is about objects of the server behind too."""
    tree = parsed(raw.partition(b"\r\n\r\n")[2])
    found = [] if tree is None else tree.findall(f".//{_VIM}objectSet/{_VIM}obj")
    return any(not knows((each.text or "").encode()) for each in found)


def _divided(raw: bytes, knows: Callable[[bytes], bool]) -> tuple[bytes, bytes] | None:
    """Divide a read into what is about injected tasks, and the rest."""
    sides = []
    for ours in (True, False):
        tree = parsed(raw.partition(b"\r\n\r\n")[2])
        if tree is None:
            return None
        for each in tree.findall(f".//{_VIM}objectSet"):
            obj, parent = each.find(f"{_VIM}obj"), each.getparent()
            if obj is not None and parent is not None and knows((obj.text or "").encode()) is not ours:
                parent.remove(each)
        sides.append(with_content(raw, etree.tostring(tree)))
    return sides[0], sides[1]


def _joined(body: bytes, other: bytes) -> bytes:
    """Join the objects of two replies to a read; empty if they cannot be."""
    tree, further = parsed(body), parsed(other)
    if tree is None or further is None:
        return b""
    for name in ("objects", "returnval"):
        theirs, ours = tree.findall(f".//{_VIM}{name}"), further.findall(f".//{_VIM}{name}")
        if theirs and ours:
            for each in reversed(ours):
                theirs[-1].addnext(each)
            return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    return b""


def _with_tasks(request: Request, body: bytes, tasks: Callable[[str], list[str]]) -> bytes:
    """Add tasks to every list of recent tasks in a reply to a read; empty if there is none."""
    tree, changed = parsed(body), False
    for owner, value in [] if tree is None else _lists(request, tree):
        for moid in tasks(owner):
            added = etree.SubElement(value, f"{_VIM}ManagedObjectReference", {"type": "Task"})
            added.set(_XSI, "ManagedObjectReference")
            added.text, changed = moid, True
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8") if changed and tree is not None else b""


def _lists(request: Request, tree: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Give the lists of recent tasks in a reply, each with its VM; empty for the list of the server."""
    if request.method == "Fetch":
        this, value = _THIS.search(request.raw), tree.find(f".//{_VIM}returnval")
        if this is not None and value is not None and b">recentTask<" in request.raw:
            yield "" if this[1] == b"TaskManager" else this[2].decode("latin-1"), value
        return
    for name in tree.iter(f"{_VIM}name"):
        parent = name.getparent()
        owner = None if parent is None else parent.getparent()
        if name.text != "recentTask" or parent is None or owner is None:
            continue
        value, obj = parent.find(f"{_VIM}val"), owner.find(f"{_VIM}obj")
        if value is not None and obj is not None:
            yield "" if obj.get("type") == "TaskManager" else obj.text or "", value
