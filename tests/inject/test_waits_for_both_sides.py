"""Filters on injected tasks: alone, beside filters on the server's own objects, and by way of a list view."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pyVmomi import vim, vmodl

from tests.clients.guest import Guest
from tests.inject.conftest import Open
from vcontract._inject.rules import Rule, When

CUSTOMIZE = "CustomizeGuest_Task"
PC = vmodl.query.PropertyCollector
Login = Callable[[str], Guest]


def _filter(collector: Any, of: Any, path: str, traversal: list[Any] | None = None, kind: Any = None) -> Any:
    spec = PC.FilterSpec(
        objectSet=[PC.ObjectSpec(obj=of, selectSet=traversal or [], skip=bool(traversal))],
        propSet=[PC.PropertySpec(type=kind or type(of), pathSet=[path])],
    )
    return collector.CreateFilter(spec, False)  # noqa: FBT003 - the API's signature


def _next(collector: Any, version: str, seconds: int = 20) -> tuple[str, dict[Any, Any]]:
    told = collector.WaitForUpdatesEx(version, PC.WaitOptions(maxWaitSeconds=seconds))
    if told is None:
        return version, {}
    changes = {
        update.obj: change.val for each in told.filterSet for update in each.objectSet for change in update.changeSet
    }
    return told.version, changes


def _until(collector: Any, version: str, wanted: Callable[[dict[Any, Any]], bool]) -> tuple[str, dict[Any, Any]]:
    """Wait until some changes came; gives the version, and all that was told on the way."""
    seen: dict[Any, Any] = {}
    while not wanted(seen):
        version, changes = _next(collector, version)
        assert changes, "nothing was told within the time of a wait"
        seen |= changes
    return version, seen


def test_a_wait_for_both_sides_hears_of_both(gate: Open, guest: Login) -> None:
    """A VM's power at the server and an injected task on one collector: each change comes, in the order in which it happens."""
    opened = gate(Rule(CUSTOMIZE, "CustomizationFault", channel="task", seconds=0.2, when=When(nth=1)))
    client, other = guest(opened.url), guest(opened.url)
    collector = client.content.propertyCollector
    _filter(collector, client.vm, "runtime.powerState")
    version, seen = _until(collector, "", lambda told: client.vm in told)
    assert seen[client.vm] == "poweredOn"
    task = client.customize()
    _filter(collector, task, "info.state")
    version, seen = _until(collector, version, lambda told: told.get(task) == "error")
    later = threading.Timer(0.1, other.vm.PowerOffVM_Task)
    later.start()
    version, seen = _until(collector, version, lambda told: client.vm in told)
    later.join()
    assert seen == {client.vm: "poweredOff"}
    assert "/" in version
    other.vm.PowerOnVM_Task()
    _until(collector, version, lambda told: told.get(client.vm) == "poweredOn")


def test_a_wait_for_the_server_alone_stays_byte_for_byte(gate: Open, guest: Login) -> None:
    """Once the filter on an injected task is gone, the version is the server's own again."""
    client = guest(gate(Rule(CUSTOMIZE, "stuck-task")).url)
    collector = client.content.propertyCollector
    _filter(collector, client.vm, "name")
    own = _filter(collector, client.customize(), "info.state")
    version, _ = _until(collector, "", lambda told: len(told) == 2)
    own.Destroy()
    began = time.monotonic()
    version, seen = _next(collector, version.partition("/")[0], 1)
    assert seen == {}
    assert time.monotonic() - began >= 0.9
    assert "/" not in version


def test_a_list_view_of_injected_tasks(gate: Open, guest: Login) -> None:
    """As govmomi waits for tasks: a list view, a filter that goes through it, and WaitForUpdatesEx."""
    client = guest(gate(Rule(CUSTOMIZE, "InvalidState", channel="task", seconds=0.1)).url)
    task, made = client.customize(), client.content.propertyCollector.CreatePropertyCollector()
    view = client.content.viewManager.CreateListView([task])
    through = [PC.TraversalSpec(type=type(view), path="view", skip=False)]
    _filter(made, view, "info.state", through, vim.Task)
    _, seen = _until(made, "", lambda told: told.get(task) == "error")
    assert seen.keys() == {task}
    view.Destroy()
