"""What a server knows and a client is shown later: the end of a task, and the properties of a VM.

Nothing is asked of the server that the client does not ask: a read shows what is left out or what it showed before, and an
update that would tell of what is late is held back.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from lxml import etree

from vcontract._disturbances.network.framing import Request
from vcontract._inject.gate import Ask, Sent, passed_on
from vcontract._inject.messages import content, cookie_in, parsed, with_content
from vcontract._inject.waiting import READS, WAITS

_KEPT, _LONGEST = 256, 1 << 20
"""So many replies to reads are kept, none longer than so many bytes."""
_END = re.compile(rb">\s*(?:success|error)\s*<")
_VIM = "{urn:vim25}"
_OF_THE_END = ("completeTime", "result", "error")


class Lateness:
    """Keeps what is late, until when; for several threads. `pause` sleeps, and ends early when the gate is closed."""

    def __init__(self, pause: Callable[[float], object]) -> None:
        self._pause, self._lock = pause, threading.Lock()
        self._tasks: dict[bytes, float] = {}
        self._vms: dict[bytes, float] = {}
        self._shown: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()

    def delay_task(self, moid: str, seconds: float) -> None:
        """Show the end of a task that many seconds from now at the earliest."""
        self._tasks[moid.encode()] = time.monotonic() + seconds

    def delay_vm(self, moid: str, seconds: float) -> None:
        """Show of a VM what was shown before, for so many seconds."""
        self._vms[moid.encode()] = time.monotonic() + seconds

    def passed(self, request: Request, ask: Ask) -> Sent | None:
        """Pass a read or a wait on, and show what may be shown; None for any other request."""
        if request.method in READS:
            return self._read(request, ask)
        if request.method in WAITS and (self._tasks or self._vms):
            raw = ask(request.raw)
            body = content(raw)
            self._pause(max(self._left(self._vms, body), self._left(self._tasks, body) if _END.search(body) else 0.0))
            return passed_on(raw)
        return None

    def _read(self, request: Request, ask: Ask) -> Sent:
        key = cookie_in(request.raw), request.raw.partition(b"\r\n\r\n")[2]
        before = self._shown.get(key)
        if before is not None and self._vms and self._left(self._vms, key[1] + content(before)):
            return passed_on(before)
        raw = ask(request.raw)
        if len(raw) <= _LONGEST:
            with self._lock:
                self._shown[key] = raw
                self._shown.move_to_end(key)
                while len(self._shown) > _KEPT:
                    self._shown.popitem(last=False)
        if self._tasks and self._left(self._tasks, body := content(raw) + key[1]):
            late = {each.decode() for each, until in self._tasks.items() if each in body and until > time.monotonic()}
            changed = _unended(content(raw), late)
            raw = with_content(raw, changed) if changed else raw
        return passed_on(raw)

    @staticmethod
    def _left(late: dict[bytes, float], body: bytes) -> float:
        """Give the seconds until all that a text names is shown."""
        untils = [
            until for moid, until in tuple(late.items()) if re.search(rb">\s*" + re.escape(moid) + rb"\s*<", body)
        ]
        return max([0.0, *(until - time.monotonic() for until in untils)])


def _unended(body: bytes, late: set[str]) -> bytes:
    """Take the end of tasks out of a reply to a read; empty if nothing in it tells of one."""
    tree = parsed(body)
    if tree is None:
        return b""
    changed = False
    for info in [each for each in tree.iter() if each.find(f"{_VIM}key") is not None]:
        if info.findtext(f"{_VIM}key") in late:
            changed = _hide(info, info.find(f"{_VIM}state")) or changed
    for obj in tree.iter(f"{_VIM}obj"):
        if (parent := obj.getparent()) is not None and obj.text in late:
            for each in parent.findall(f"{_VIM}propSet"):
                changed = _hide_path(parent, each) or changed
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8") if changed else b""


def _hide(info: etree._Element, state: etree._Element | None) -> bool:
    if state is None or state.text not in {"success", "error"}:
        return False
    state.text = "running"
    for name in _OF_THE_END:
        for each in info.findall(f"{_VIM}{name}"):
            info.remove(each)
    return True


def _hide_path(parent: etree._Element, of: etree._Element) -> bool:
    """Hide the end in one property that was read by its own path; whether there was any of it."""
    name, value = of.findtext(f"{_VIM}name") or "", of.find(f"{_VIM}val")
    if name == "info.state" and value is not None and value.text in {"success", "error"}:
        value.text = "running"
        return True
    if name.removeprefix("info.").partition(".")[0] in _OF_THE_END:
        parent.remove(of)
        return True
    return False
