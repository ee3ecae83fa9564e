"""The tools of defects: they replace one decision of a vCenter by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.behaviour import raise_instead
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK, Act, Attempt
from vcontract._simulator.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter

METHODS = (CUSTOMIZE, START_NETWORK, ABORT)


def skip(vcenter: VCenter, name: str, when: Callable[[Attempt], bool]) -> None:
    """Leave out a check of the guest operations where a condition holds."""
    for checks in (vcenter.decisions.at_call, vcenter.decisions.at_start):
        if name in checks:
            usual = checks[name]

            def check(attempt: Attempt, usual: Act = usual) -> None:
                if not when(attempt):
                    usual(attempt)

            checks[name] = check


def unless(name: str, vcenter: VCenter, make: Callable[[Attempt, Any], Any]) -> None:
    """Raise another fault where a check raises one: `make` is given the attempt and the fault."""
    raise_instead(vcenter, name, vim.fault.VimFault, make)


def outlast(vcenter: VCenter) -> None:
    """Let a customization that another one joins go on longer than that.

    The other one then lives wholly inside its life, which the server's own times show: that both run at one moment proves no
    more than that one of them may wait for the lock.
    """

    def wait(attempt: Attempt) -> None:
        for operation in attempt.machine.guest_operations:
            if operation.method == CUSTOMIZE and operation.attempt is not attempt and operation.task.runs:
                operation.task.put_off((vcenter.decisions.lasts[CUSTOMIZE] + 1) * vcenter.settings.task_time)

    after(vcenter.decisions.begin, [CUSTOMIZE], wait)


def refuse(vcenter: VCenter, when: Callable[[Attempt], bool], make: Callable[[], Any]) -> None:
    """Refuse a call that passed all its checks where a condition holds."""

    def check(attempt: Attempt) -> None:
        if when(attempt):
            raise make()

    vcenter.decisions.at_call["planted"] = check


def after(acts: dict[str, Act], methods: Sequence[str], more: Act) -> None:
    """Do something more after an act of some operations."""
    for method in methods:
        usual = acts[method]

        def act(attempt: Attempt, usual: Act = usual) -> Any:
            result = usual(attempt)
            more(attempt)
            return result

        acts[method] = act


def instead_of_fault(vcenter: VCenter, change: Callable[[Invocation, Any], Any]) -> None:
    """Change the synchronous faults of the three methods."""
    usual = vcenter.decisions.fault

    def fault(call: Invocation, raised: Any) -> Any:
        written = usual(call, raised)
        return change(call, written) if call.method in METHODS else written

    vcenter.decisions.fault = fault


READS = frozenset({"Fetch", "RetrieveProperties", "RetrievePropertiesEx"})
"""The methods by which a client reads, in place of being told of changes."""


def in_task_info(vcenter: VCenter, change: Callable[[Task, Any], None], by: frozenset[str] | None = None) -> None:
    """Change the TaskInfo of the three methods wherever it is read; a copy, the task itself stays as it is.

    `by`: only in what these methods show; None: in whatever shows it, also where the server looks for what has changed.
    """
    usual = vcenter.decisions.shown

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        value = usual(owner, name, value, call)
        if isinstance(owner, Task) and name == "info" and owner.plan.name in METHODS and (not by or call.method in by):
            change(owner, value)
        return value

    vcenter.decisions.shown = shown


def in_reply(vcenter: VCenter, change: Callable[[Invocation, Any], Any]) -> None:
    """Change the HTTP replies to the three methods."""
    usual = vcenter.decisions.reply

    def reply(call: Invocation, written: Any) -> Any:
        made = usual(call, written)
        return change(call, made) if call.method in METHODS else made

    vcenter.decisions.reply = reply


def one(method: str) -> Callable[[Attempt], bool]:
    """Whether an attempt is of this method."""
    return lambda attempt: attempt.method == method


def every(_: Attempt) -> bool:
    """Whatever the attempt."""
    return True
