"""Valid calls after a past that must not matter: a second time, after a suspension, on a clone, from another session.

The promises behind it: customizing is idempotent, an abort frees the lock whoever holds it, what a VM went through does not
change what it may be asked (oracle section F).
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from vcontract.contract import Contract
from vcontract.model import Asked, Cell, State
from vcontract.model.state import CUSTOMIZE
from vcontract.strategies import DRAWN
from vcontract.terms import Call, Json, Ref, as_ref
from vcontract.testbed import FULL, SECOND, Lane, NotArrangedError, judged_call, unfinished

PRELUDES = (
    "twice",
    "afterCustomize",
    "afterSuspend",
    "afterRevert",
    "afterOrphanAbort",
    "afterCutBoot",
    "onClone",
    "onTwoNics",
    "otherSession",
    "endedSession",
    "beside",
)
"""What came before, or beside, a valid call."""
ANYWHERE = ("twice", "otherSession", "endedSession")
RUNNING = ("afterSuspend", "afterRevert", "onClone")
LEAVER = "leaver"
TIDY = "tidy"
_CUSTOMIZE, _ABORT = "CustomizeGuest_Task", "AbortCustomization_Task"
_BESIDE = 4


def preludes_of(contract: Contract, method: str) -> tuple[str, ...]:
    """List the pasts that a method can have: some need a VM that runs, those of the guest a method that logs in to it."""
    documented = contract.method(method)
    if documented.has_task and "auth" in documented.takes:
        return PRELUDES
    return tuple(each for each in PRELUDES if each in ANYWHERE or (each in RUNNING and not documented.start))


class PreludeExerciser:
    """Makes valid calls with a past; every one is judged."""

    def __init__(self, lane: Lane) -> None:
        self.driver, self.caller, self.lane = lane.driver, lane.caller, lane
        self._snapshot: Ref | None = None

    def exercise(self, method: str, what: str, label: str) -> None:
        """Bring the past about, and make the call. Raises NotArrangedError."""
        self.driver.enter(label)
        if what == "onClone":
            vm = self.lane.arranger.clone().ref
        else:
            state = State(orphaned=True) if what == "afterOrphanAbort" else self.caller.start(method)
            brought = self.lane.arranger.bring(
                Cell(label, method, (), state, Asked(method)), nics=2 if what == "onTwoNics" else 0
            )
            if brought is None:
                raise NotArrangedError("no VM")
            vm = brought
        self.driver.read_vm(vm)
        actor = {"otherSession": SECOND, "endedSession": LEAVER}.get(what, FULL)
        self._before(method, what, vm)
        call = replace(self._drawn(method, vm, lambda spec: self._bites(spec, vm, what)), actor=actor)
        if what == "beside" or (what == "otherSession" and method == _ABORT):
            self._tries(call, vm)
        else:
            judged_call(self.driver, call, vm, unfinished(self.driver, vm))
        if what == "twice":
            judged_call(self.driver, call, vm, [])
        self.driver.enter(TIDY)  # what tidies up must not count as what happened after the call
        self._after(what, vm)

    def _before(self, method: str, what: str, vm: Ref) -> None:
        if what == "afterCustomize" or (what == "onTwoNics" and method != _CUSTOMIZE):
            judged_call(self.driver, self._drawn(_CUSTOMIZE, vm, _static), vm, [])
        elif what == "afterSuspend":
            self.driver.complete(vm, "SuspendVM_Task")
            self._on(vm)
        elif what == "afterRevert":
            made = as_ref(self.driver.complete(vm, "CreateSnapshot_Task", self.driver.snapshot_arguments(memory=True)))
            self.driver.complete(vm, "RevertToCurrentSnapshot_Task")
            self._snapshot = made
            self._on(vm)
        elif what == "afterOrphanAbort":
            self.lane.guest.abort(vm)
        elif what == "afterCutBoot":
            cut = self.lane.guest.begin(vm, CUSTOMIZE)
            self.lane.guest.abort(vm)
            self.driver.tasks.follow(cut)
            self.driver.complete(vm, "ResetVM_Task")
            self._on(vm)
        elif what == "endedSession":
            self.driver.log_in(LEAVER)
            self.driver.target.logout(LEAVER)
        elif what == "beside" or (what == "otherSession" and method == _ABORT):
            self.lane.guest.begin(vm, CUSTOMIZE)

    def _after(self, what: str, vm: Ref) -> None:
        if what == "onClone":
            self.lane.cloner.destroy(vm)
        elif self._snapshot is not None:
            self.driver.complete(self._snapshot, "RemoveSnapshot_Task", {"removeChildren": False})
            self._snapshot = None

    def _on(self, vm: Ref) -> None:
        """Have the VM run again, with Tools."""
        facts = self.driver.facts.vms[vm.value]
        if self.driver.now(facts).power != State().power:
            self.driver.complete(vm, "PowerOnVM_Task")
        self.driver.wait.until(f"Tools of {facts.name}", lambda: self.driver.now(facts).tools == "ready")

    def _drawn(self, method: str, vm: Ref, wanted: Callable[[Json], bool]) -> Call:
        """Draw a valid call; of a customization one with a wanted specification, if one of the draws has it."""
        for _ in range(DRAWN):
            call = self.caller.call(Asked(method), vm, self.driver.facts.vms)
            if "spec" not in call.arguments or wanted(call.arguments["spec"]):
                break
        return call

    def _bites(self, spec: Json, vm: Ref, what: str) -> bool:
        """Whether it would be seen that a specification is not applied; on two NICs, that the second one's part is not."""
        return self._shows(spec, vm) and (what != "onTwoNics" or _static(spec))

    def _shows(self, spec: Json, vm: Ref) -> bool:
        """Whether a specification gives the guest another name than it has, so that it is seen to be applied."""
        reading = self.driver.tracker.readings.get(vm.value) or {}
        shown = str(reading.get("guest.hostName", "")).partition(".")[0].lower()
        return bool(spec["identity"]["hostName"].get("name", shown).lower() != shown)  # as a guest compares names

    def _tries(self, call: Call, vm: Ref) -> None:
        """Make the call again and again while the customization that was begun runs (oracle promise F5: three, spaced)."""
        for _ in range(_BESIDE):
            beside = unfinished(self.driver, vm)
            try:
                if not beside or judged_call(self.driver, call, vm, beside, settle=False) is not None:
                    break
            except NotArrangedError:
                break  # the customization has ended: there is nothing to be beside any more
            self.driver.target.recorder.sleep(self.driver.facts.publish or self.driver.facts.task_seconds / 500)
        for task in unfinished(self.driver, vm):
            self.driver.tasks.follow(task)
        self.driver.read_vm(vm)


def _static(spec: Json) -> bool:
    """Whether a specification gives the last adapter a fixed address."""
    return "ipAddress" in spec["nicSettingMap"][-1]["adapter"]["ip"]
