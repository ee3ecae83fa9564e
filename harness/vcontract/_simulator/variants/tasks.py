"""Variants of the tasks: how long they last and are kept, and what their info leaves out."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vcontract._simulator.guest.operations import CUSTOMIZE, Attempt
from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.task import Task
from vcontract._simulator.variants.registry import variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter

PATIENCE = 26.0
"""Seconds that such a server waits for a guest, a little more than the least that is taken for its limit."""


def _in_info(vcenter: VCenter, change: Callable[[Task, Any], None]) -> None:
    """Change the TaskInfo of every task wherever it is read."""
    usual = vcenter.decisions.shown

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        value = usual(owner, name, value, call)
        if isinstance(owner, Task) and name == "info":
            change(owner, value)
        return value

    vcenter.decisions.shown = shown


@variant
def tasks_are_slow(vcenter: VCenter) -> None:
    """A guest operation takes four times as long."""
    vcenter.decisions.lasts = {name: 4 * lasts for name, lasts in vcenter.decisions.lasts.items()}


@variant
def tasks_are_quick(vcenter: VCenter) -> None:
    """A network start and an abort take a fifth of their time."""
    lasts = vcenter.decisions.lasts
    vcenter.decisions.lasts = {name: lasting if name == CUSTOMIZE else lasting / 5 for name, lasting in lasts.items()}


@variant
def only_the_last_task_is_kept(vcenter: VCenter) -> None:
    """Of the completed tasks only the last one is remembered."""
    vcenter.settings = replace(vcenter.settings, task_retention_count=1)


@variant
def progress_falls(vcenter: VCenter) -> None:
    """The progress of a task goes up and down."""

    def change(_: Task, info: Any) -> None:
        if info.progress is not None:
            info.progress = 100 - info.progress

    _in_info(vcenter, change)


@variant
def optional_task_fields_unset(vcenter: VCenter) -> None:
    """TaskInfo has neither name nor progress, entity nor entityName."""

    def change(_: Task, info: Any) -> None:
        info.name = info.progress = info.entity = info.entityName = None

    _in_info(vcenter, change)


@variant
def tasks_can_be_cancelled(vcenter: VCenter) -> None:
    """CancelTask ends a guest operation in RequestCanceled."""
    vcenter.decisions.cancelable = True


@variant
def tasks_can_be_cancelled_without_effect(vcenter: VCenter) -> None:
    """CancelTask returns, and the task goes on to its usual end."""
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        return None if call.method == "CancelTask" else usual(call, target, arguments)

    vcenter.decisions.serve = serve


@variant
def every_third_customization_outlasts_the_server(vcenter: VCenter) -> None:
    """Every third customization is applied, and its task ends in an error after 26 seconds, as the server waits no longer."""
    begin, end = vcenter.decisions.begin[CUSTOMIZE], vcenter.decisions.end[CUSTOMIZE]
    begun = itertools.count(1)
    slow: list[Any] = []

    def put_off(attempt: Attempt) -> None:
        for operation in attempt.machine.guest_operations:
            if operation.attempt is attempt:
                operation.task.put_off(PATIENCE)

    def begins(attempt: Attempt) -> None:
        begin(attempt)
        if next(begun) % 3 == 0:
            slow[:] = [*(each for each in slow if each.machine.guest_operations), attempt]
            vcenter.timeline.after(0.0, lambda: put_off(attempt))

    def ends(attempt: Attempt) -> None:
        end(attempt)
        if any(each is attempt for each in slow):
            raise customization_fault("The operation timed out.")

    vcenter.decisions.begin[CUSTOMIZE], vcenter.decisions.end[CUSTOMIZE] = begins, ends
    vcenter.settings = replace(vcenter.settings, skips=max(vcenter.settings.skips, 2 * PATIENCE))
