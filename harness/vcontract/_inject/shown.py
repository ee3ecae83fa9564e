"""What the reads of clients showed of VMs, as it passed: for conditions on a server that is asked nothing else."""

from __future__ import annotations

import threading

from lxml import etree

from vcontract._disturbances.network.framing import Request
from vcontract._inject.condition import PASSING, Known
from vcontract._inject.messages import content, parsed
from vcontract._inject.waiting import READS, WAITS
from vcontract._model import State, observe

_TOOLS = ("guest.toolsVersionStatus2", "guest.toolsRunningStatus", "guest.guestOperationsReady")
_RESTS_ON = {
    "power": ("runtime.powerState",),
    "connection": ("runtime.connectionState",),
    "template": ("config.template",),
    "tools": _TOOLS,
}
"""The properties from which a field is known."""
_PATHS = tuple(path for paths in _RESTS_ON.values() for path in paths)
_VIM = "{urn:vim25}"
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


class Shown:
    """Keeps the last value of each property that was shown of a VM; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[str, object]] = {}

    def hear(self, request: Request, raw: bytes) -> None:
        """Take from a reply what it shows of VMs."""
        if request.method not in READS | WAITS or (tree := parsed(content(raw))) is None:
            return
        with self._lock:
            if request.method == "Fetch":
                self._fetched(request, tree)
            for obj in tree.iter(f"{_VIM}obj"):
                parent = obj.getparent()
                if parent is None or obj.get("type") != "VirtualMachine":
                    continue
                for each in (*parent.findall(f"{_VIM}propSet"), *parent.findall(f"{_VIM}changeSet")):
                    self._take(obj.text or "", each.findtext(f"{_VIM}name") or "", each.find(f"{_VIM}val"))

    def of(self, vm: str) -> Known:
        """Give what is known of a VM."""
        with self._lock:
            values = dict(self._values.get(vm, {}))
        state = observe(State(), values)
        known = {name: getattr(state, name) for name in PASSING if all(path in values for path in _RESTS_ON[name])}
        return known | {"exists": True} if known else {}

    def _fetched(self, request: Request, tree: etree._Element) -> None:
        asked = parsed(request.raw.partition(b"\r\n\r\n")[2])
        this = None if asked is None else asked.find(f".//{_VIM}_this")
        if asked is not None and this is not None and this.get("type") == "VirtualMachine":
            name = asked.findtext(f".//{_VIM}prop") or ""
            self._take((this.text or "").strip(), name, tree.find(f".//{_VIM}returnval"))

    def _take(self, vm: str, name: str, value: etree._Element | None) -> None:
        """Note a property, or what lies in it; one that is unset now is forgotten."""
        known = self._values.setdefault(vm, {})
        for path in _PATHS:
            for whole in (path, f"summary.{path}"):
                if whole != name and not whole.startswith(f"{name}."):
                    continue
                inner = [f"{_VIM}{step}" for step in whole.removeprefix(name).split(".") if step]
                found = value.find("/".join(inner)) if value is not None and inner else value
                if found is not None and found.text:
                    known[path] = _TRUTHS.get(found.text, found.text)
                elif whole == path:
                    known.pop(path, None)
