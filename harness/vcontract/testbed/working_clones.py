"""Instant clones of chosen VMs, made before a run and destroyed at its end: the run disturbs these alone."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from vcontract.config.config import Config
from vcontract.config.permissions import not_allowed
from vcontract.errors import HarnessError, TargetError, UsageError
from vcontract.model import Facts, VmFacts
from vcontract.model.state import ON
from vcontract.testbed.lane import Lane
from vcontract.testbed.not_arranged import NotArrangedError
from vcontract.testbed.vm_selection import CLONE

_CELL = "breed"
"""The cell in which they are made, as histories have it."""
OWN = f"{CLONE}own-"
"""What stands in the name of such a clone between that of its parent and its number."""


def clone_parents(config: Config, facts: Facts) -> list[tuple[VmFacts, int]]:
    """List the marked VMs of which clones are to be made, and how many; none if VMs are tested themselves.

    A clone that an earlier run left is no parent. Raises UsageError if clones are wanted and cannot be had.
    """
    if not any(entry.clones for entry in config.vm):
        return []
    wanted = [(vm, count) for vm in facts.vms.values() if CLONE not in vm.name and (count := config.clones(vm.name))]
    if not wanted:
        raise UsageError("no marked VM has a name of which [[vm]] wants clones")
    if "power" not in config.allow:
        raise UsageError(f"clones are wanted, which cannot be destroyed without power: {not_allowed('power')}")
    return wanted


def make_clones(lane: Lane, wanted: list[tuple[VmFacts, int]]) -> None:
    """Make the clones, each ready; they are the lane's, whose judge hears all of it.

    The parents are looked at and cloned, and not otherwise touched. Raises TargetError if a clone cannot be made; those that
    were made are destroyed then.
    """
    judge, listeners = lane.driver.judge, lane.driver.target.recorder.listeners
    listeners.append(judge.feed)
    lane.driver.enter(_CELL)
    try:
        for parent, count in wanted:
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
    now = lane.driver.now(parent)
    if now.power != ON or now.template or now.tools == "stopped":
        raise NotArrangedError(f"{parent.name} must be on, with Tools running if it has any")
    taken = {vm.name for vm in lane.driver.facts.vms.values()}
    names = (f"{parent.name}{OWN}{number}" for number in range(1, count + len(taken) + 1))
    for name in [free for free in names if free not in taken][:count]:
        made = lane.cloner.fork(parent, name)
        if now.tools != "never":
            lane.driver.wait.until("Tools", partial(_up, lane, made), whose=name)


def _up(lane: Lane, made: VmFacts) -> bool:
    return lane.driver.now(made).tools == "ready"


def own_clones(lane: Lane, working_clones: Lane | None, before: Facts | None, config: Config) -> None:
    """Let the clones that were made for a run be destroyed with those that were made in it.

    `before` are the facts of a run that was cut and goes on: what was made for it is told by its name.
    """
    wanted = before is not None and any(entry.clones for entry in config.vm)
    own = [vm.ref for vm in before.vms.values() if OWN in vm.name] if before and wanted else []
    lane.cloner.own(*own, *(working_clones.cloner.clones if working_clones else ()))


def destroy_clones(lane: Lane) -> None:
    """Destroy what was made, as far as that goes."""
    lane.driver.target.pacing.lift()
    for clone in list(lane.cloner.clones):
        with suppress(HarnessError):
            lane.cloner.destroy(clone)
