"""Instant clones of chosen VMs, made before a run and destroyed at its end: the run disturbs these alone."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from vcontract._config.config import Config
from vcontract._config.permissions import not_allowed
from vcontract._errors import HarnessError, TargetError, UsageError
from vcontract._model import Facts, VmFacts
from vcontract._model.state import ON
from vcontract._testbed.lane import Lane
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.vm_selection import CLONE

_CELL = "breed"
"""The cell in which they are made, as histories have it."""
OWN = f"{CLONE}own-"
"""What stands in the name of such a clone between that of its parent and its number."""


def clone_parents(config: Config, facts: Facts, *, every: bool = False) -> list[tuple[VmFacts, int]]:
    """List the marked VMs of which clones are to be made, and how many; none if VMs are tested themselves.

    With `every` one of each of them is made, if the configuration does not name more. A clone that an earlier run left is no
    parent. Raises UsageError if clones are wanted and cannot be had, TargetError if `every` finds none.
    """
    if not every and not any(entry.clones for entry in config.vm):
        return []
    wanted = [
        (vm, count)
        for vm in facts.vms.values()
        if CLONE not in vm.name and (count := max(config.clones(vm.name), int(every)))
    ]
    if not wanted and every:
        raise TargetError("no marked VM is there of which a clone can be made: mark some with vcontract adopt")
    if not wanted:
        raise UsageError("no marked VM has a name of which [[vm]] wants clones")
    if "power" not in config.allow:
        raise UsageError(f"clones are wanted, which cannot be destroyed without power: {not_allowed('power')}")
    return wanted


def make_clones(lane: Lane, wanted: list[tuple[VmFacts, int]], *, skips: bool = False) -> None:
    """Make the clones, each ready; they are the lane's, whose judge hears all of it.

    The parents are looked at and cloned, and not otherwise touched. Raises TargetError if a clone cannot be made (with `skips`
    only if none can: VMs that are not on, or without Tools that run, are left out); those that were made are destroyed then.
    """
    judge, listeners = lane.driver.judge, lane.driver.target.recorder.listeners
    listeners.append(judge.feed)
    lane.driver.enter(_CELL)
    try:
        able = [(parent, count) for parent, count in wanted if not skips or not _unfit(lane, parent)]
        for parent, count in able or wanted:
            _cloned(lane, parent, count)
    except NotArrangedError as error:
        destroy_clones(lane)
        raise TargetError(f"no clone could be made: {error}") from error
    except BaseException:
        destroy_clones(lane)
        raise
    finally:
        listeners.remove(judge.feed)


def _cloned(lane: Lane, parent: VmFacts, count: int) -> None:
    """Make so many clones of a VM. Raises NotArrangedError if it is not as it must be, or is refused."""
    if unfit := _unfit(lane, parent):
        raise NotArrangedError(unfit)
    now = lane.driver.now(parent)
    taken = {vm.name for vm in lane.driver.facts.vms.values()}
    names = (f"{parent.name}{OWN}{number}" for number in range(1, count + len(taken) + 1))
    for name in [free for free in names if free not in taken][:count]:
        made = lane.cloner.fork(parent, name)
        if now.tools != "never" and not lane.driver.toolless(parent.ref):
            lane.driver.wait.until("Tools", partial(_up, lane, made), whose=name)


def _unfit(lane: Lane, parent: VmFacts) -> str:
    """Say why a VM cannot be cloned as it is; empty if it can."""
    now = lane.driver.now(parent)
    if now.power != ON or now.template or (now.tools == "stopped" and not lane.driver.toolless(parent.ref)):
        return f"{parent.name} must be on, with Tools running if it has any"
    return ""


def _up(lane: Lane, made: VmFacts) -> bool:
    return lane.driver.now(made).tools == "ready"


def own_clones(
    lane: Lane, working_clones: Lane | None, before: Facts | None, config: Config, *, every: bool = False
) -> None:
    """Let the clones that were made for a run be destroyed with those that were made in it.

    `before` are the facts of a run that was cut and goes on: what was made for it is told by its name. With `every` clones
    stood in for all VMs.
    """
    wanted = before is not None and (every or any(entry.clones for entry in config.vm))
    own = [vm.ref for vm in before.vms.values() if OWN in vm.name] if before and wanted else []
    lane.cloner.own(*own, *(working_clones.cloner.clones if working_clones else ()))


def destroy_clones(lane: Lane) -> None:
    """Destroy what was made, as far as that goes."""
    lane.driver.target.pacing.lift()
    for clone in list(lane.cloner.clones):
        with suppress(HarnessError):
            lane.cloner.destroy(clone)
