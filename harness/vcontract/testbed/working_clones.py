"""Instant clones of chosen VMs, made before a run and destroyed at its end: the run disturbs these alone."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from vcontract.config.config import Config
from vcontract.config.permissions import not_allowed
from vcontract.errors import HarnessError, TargetError, UsageError
from vcontract.model import Facts, VmFacts
from vcontract.model.state import ON
from vcontract.strategies import Caller
from vcontract.testbed.arranger import Arranger
from vcontract.testbed.driver import Driver, NotArrangedError
from vcontract.testbed.vm_selection import CLONE

OWN = f"{CLONE}own-"
"""What stands in the name of such a clone between that of its parent and its number."""


def clone_parents(config: Config, facts: Facts) -> list[tuple[VmFacts, int]]:
    """List the marked VMs of which clones are to be made, and how many; none if VMs are tested themselves.

    A clone that an earlier run left is no parent. Raises UsageError if clones are wanted and cannot be had.
    """
    if not any(each.clones for each in config.vm):
        return []
    found = [(vm, count) for vm in facts.vms.values() if CLONE not in vm.name and (count := config.clones(vm.name))]
    if not found:
        raise UsageError("no marked VM has a name of which [[vm]] wants clones")
    if "power" not in config.allow:
        raise UsageError(f"clones are wanted, which cannot be destroyed without power: {not_allowed('power')}")
    return found


def make_clones(driver: Driver, caller: Caller, wanted: list[tuple[VmFacts, int]]) -> Arranger:
    """Make the clones, each ready; they are those of the arranger that is given.

    The parents are looked at and cloned, and not otherwise touched. Raises TargetError if a clone cannot be made; those that
    were made are destroyed then.
    """
    arranger, listeners = Arranger(driver, caller, frozenset()), driver.target.recorder.listeners
    listeners.append(driver.judge.feed)
    driver.enter("breed")
    try:
        for parent, count in wanted:
            _cloned(arranger, parent, count)
    except NotArrangedError as error:
        destroy_clones(arranger)
        raise TargetError(f"no clone could be made: {error}") from error
    except BaseException:
        destroy_clones(arranger)
        raise
    finally:
        listeners.remove(driver.judge.feed)
    return arranger


def _cloned(arranger: Arranger, parent: VmFacts, count: int) -> None:
    """Make so many clones of a VM. Raises NotArrangedError if it is not as it must be, or is refused."""
    now = arranger.now(parent)
    if now.power != ON or now.template or now.tools == "stopped":
        raise NotArrangedError(f"{parent.name} must be on, with Tools running if it has any")
    taken = {each.name for each in arranger.driver.facts.vms.values()}
    names = (f"{parent.name}{OWN}{number}" for number in range(1, count + len(taken) + 1))
    for name in [each for each in names if each not in taken][:count]:
        made = arranger.fork(parent, name)
        if now.tools != "never":
            arranger.driver.until(f"Tools of {name}", partial(_up, arranger, made))


def _up(arranger: Arranger, made: VmFacts) -> bool:
    return arranger.now(made).tools == "ready"


def own_clones(arranger: Arranger, working_clones: Arranger | None, past: Facts | None, config: Config) -> None:
    """Let the clones that were made for a run be destroyed with those that were made in it.

    `past` are the facts of a run that was cut and goes on: what was made for it is told by its name.
    """
    wanted = past is not None and any(each.clones for each in config.vm)
    own = [each.ref for each in past.vms.values() if OWN in each.name] if past and wanted else []
    own += working_clones.clones if working_clones else []
    arranger.clones += [each for each in own if each not in arranger.clones]


def destroy_clones(arranger: Arranger) -> None:
    """Destroy what was made, as far as that goes."""
    arranger.driver.target.pacing.lift()
    for each in list(arranger.clones):
        with suppress(HarnessError):
            arranger.destroy(each)
