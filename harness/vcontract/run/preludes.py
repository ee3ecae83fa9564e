"""Valid calls after a past that must not matter: a second time, after a suspension, on a clone, from another session.

The promises behind it: customizing is idempotent, an abort frees the lock whoever holds it, what a VM went through does not
change what it may be asked (oracle section F).
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from vcontract.contract import Contract
from vcontract.model import Asked, Cell, State
from vcontract.model.moves import MOVES
from vcontract.model.state import CUSTOMIZE
from vcontract.strategies import DRAWN
from vcontract.terms import Call, Json, Ref, as_ref
from vcontract.testbed import FULL, LEAVER, SECOND, Lane, NotArrangedError, judged_call, make_call, perform, unfinished

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
TIDY = "tidy"
_CUSTOMIZE, _ABORT = MOVES["customize"].method, MOVES["abort"].method
_BESIDE = 4


def preludes_of(contract: Contract, method: str) -> tuple[str, ...]:
    """List the pasts that a method can have: some need a VM that runs, those of the guest a method that logs in to it."""
    documented = contract.method(method)
    if documented.has_task and "auth" in documented.takes:
        return PRELUDES
    return tuple(
        prelude for prelude in PRELUDES if prelude in ANYWHERE or (prelude in RUNNING and not documented.start)
    )


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
        self.driver.look(vm)
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
            perform(self.lane, "suspend", vm)
            self._on(vm)
        elif what == "afterRevert":
            made = as_ref(perform(self.lane, "snapshot", vm))
            perform(self.lane, "revert", vm)
            self._snapshot = made
            self._on(vm)
        elif what == "afterOrphanAbort":
            perform(self.lane, "abort", vm)
        elif what == "afterCutBoot":
            cut = self.lane.guest.begin(vm, CUSTOMIZE)
            perform(self.lane, "abort", vm)
            self.driver.tasks.follow(cut)
            perform(self.lane, "reset", vm)
            self._on(vm)
        elif what == "endedSession":
            perform(self.lane, "logIn", vm, actor=LEAVER)
            perform(self.lane, "logOut", vm, actor=LEAVER)
        elif what == "beside" or (what == "otherSession" and method == _ABORT):
            self.lane.guest.begin(vm, CUSTOMIZE)

    def _after(self, what: str, vm: Ref) -> None:
        if what == "onClone":
            perform(self.lane, "destroy", vm)
        elif self._snapshot is not None:
            make_call(self.driver, "removeSnapshot", self._snapshot, {"removeChildren": False})
            self._snapshot = None

    def _on(self, vm: Ref) -> None:
        """Have the VM run again, with Tools."""
        facts = self.driver.facts.vms[vm.value]
        if self.driver.now(facts).power != State().power:
            perform(self.lane, "powerOn", vm)
        self.driver.wait.until("Tools", lambda: self.driver.now(facts).tools == "ready", whose=facts.name)

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
        self.driver.look(vm)


def _static(spec: Json) -> bool:
    """Whether a specification gives the last adapter a fixed address."""
    return "ipAddress" in spec["nicSettingMap"][-1]["adapter"]["ip"]
