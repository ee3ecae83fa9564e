"""The calls that work in the guest: those of the contract under test, or of another that helps where they are not."""

from __future__ import annotations

from vcontract._model import Asked
from vcontract._model.followed_task import KINDS as KIND_OF
from vcontract._model.state import CUSTOMIZE
from vcontract._strategies.calls import Caller
from vcontract._terms import Json, Ref, Returned, as_ref
from vcontract._testbed.driver import Driver
from vcontract._testbed.not_arranged import NotArrangedError, RefusedError

KINDS = {kind: method for method, kind in KIND_OF.items()}
"""The method that begins each kind of work in the guest."""


class GuestMethods:
    """Makes valid calls of the methods that work in the guest.

    They are `caller`'s, if its contract has them, and then judged as any other; else those of `helper`, which are not judged.
    """

    def __init__(self, driver: Driver, caller: Caller, helper: Caller | None = None) -> None:
        self._driver = driver
        own = {method.name for method in caller.contract.methods} >= set(KINDS.values())
        self._caller, self._judged = (caller, True) if own else (helper, False)

    @property
    def known(self) -> bool:
        """Whether there are such methods."""
        return self._caller is not None

    def call(self, vm: Ref, kind: str, *, follow: bool = True, judged: bool = True) -> Ref:
        """Begin work of a kind on the VM and give its task; with `follow` it is seen to its end, and the VM read.

        Without `judged` the call is not judged even if its contract is under test. Raises NotArrangedError.
        """
        if self._caller is None:
            raise NotArrangedError(f"the target has no {KINDS[kind]}")
        call = self._caller.call(Asked(KINDS[kind]), vm, self._driver.facts.vms)
        judged = judged and self._judged
        outcome = (self._driver.send_judged(call) if judged else self._driver.send(call)).outcome
        task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        if task is None:
            raise RefusedError(f"the target refuses {call.method}")
        if follow:
            self._driver.tasks.follow(task)
            self._driver.look(vm)
        return task

    def specification(self, vm: Ref) -> Json:
        """Give a valid customization specification for a VM. Raises NotArrangedError if there is none."""
        if self._caller is None:
            raise NotArrangedError("no specification is known")
        return self._caller.call(Asked(KINDS[CUSTOMIZE]), vm, self._driver.facts.vms).arguments["spec"]
