"""Valid calls after a past that must not matter: a second time, after a suspension, on a clone, from another session.

And customizations that are followed by what makes their settings show: a network start, a boot (oracle promises F2 and F6).

The promises behind it: customizing is idempotent, an abort frees the lock whoever holds it, what a VM went through does not
change what it may be asked (oracle section F).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model import Asked, Cell, State
from vcontract._model.labels import Label
from vcontract._model.moves import MOVES
from vcontract._model.state import CUSTOMIZE, OFF
from vcontract._strategies.calls import DRAWN
from vcontract._terms import Call, Json, Ref, as_ref
from vcontract._testbed import (
    FULL,
    LEAVER,
    SECOND,
    Lane,
    NotArrangedError,
    judged_call,
    make_call,
    perform,
    see_settings,
    unfinished,
)

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
THEN_START, THEN_BOOT, THEN_START_TWO = "thenStart", "thenBoot", "thenStartOnTwoNics"
SHOWN_BY = (THEN_START, THEN_BOOT, THEN_START_TWO)
"""What comes after a customization and makes its settings show; only after these must they, so they alone tell that one
does nothing."""
ANYWHERE = ("twice", "otherSession", "endedSession")
RUNNING = ("afterSuspend", "afterRevert", "onClone")
TIDY = "tidy"
_CUSTOMIZE, _ABORT, _START = (MOVES[name].method for name in ("customize", "abort", "startNetwork"))
_BESIDE = 4
_PART = 40
"""A customization is taken to need at least this part of what it may: tries in vain cost only calls."""


def preludes_of(contract: Contract, method: str) -> tuple[str, ...]:
    """List the pasts that a method can have: some need a VM that runs, those of the guest a method that logs in to it."""
    documented = contract.method(method)
    if documented.has_task and "auth" in documented.takes:
        return PRELUDES
    return tuple(
        prelude for prelude in PRELUDES if prelude in ANYWHERE or (prelude in RUNNING and not documented.start)
    )


def shown_by(contract: Contract, method: str) -> tuple[str, ...]:
    """List what is to follow a method so that what it did must show; nothing but for a customization."""
    known = {documented.name for documented in contract.methods}
    return SHOWN_BY if method == _CUSTOMIZE and _START in known else ()


def ends_in_a_boot(contract: Contract, method: str, what: str) -> bool:
    """Whether a call with a past is followed by a boot, before which a name need not show.

    After a customization that was made twice that tells whether the second added to the first.
    """
    return what == THEN_BOOT or (what == "twice" and THEN_BOOT in shown_by(contract, method))


class PreludeExerciser:
    """Makes valid calls with a past; every one is judged."""

    def __init__(self, lane: Lane) -> None:
        self.driver, self.caller, self.lane = lane.driver, lane.caller, lane
        self._snapshot: Ref | None = None

    def exercise(self, method: str, what: str, label: str) -> None:
        """Bring the past about, and make the call. Raises NotArrangedError."""
        self.driver.enter(label)
        if what == THEN_BOOT:
            self.driver.permits.check(MOVES["powerOn"].method)
        if what == "onClone":
            vm = self.lane.arranger.clone().ref
        else:
            state = State(orphaned=True) if what == "afterOrphanAbort" else self.lane.usual(method)
            brought = self.lane.arranger.bring(
                Cell(label, method, (), state, Asked(method)), nics=2 if what in {"onTwoNics", THEN_START_TWO} else 0
            )
            if brought is None:
                raise NotArrangedError("no VM")
            vm = brought
        self.driver.look(vm)
        actor = {"otherSession": SECOND, "endedSession": LEAVER}.get(what, FULL)
        step = Label.parse(label).step
        with self.caller.drawing_for(f"{step}, before"):
            self._before(method, what, vm)
        with self.caller.drawing_for(step):
            call = replace(self._drawn(method, vm, lambda made: self._bites(made, vm, what)), actor=actor)
        if what == "beside" or (what == "otherSession" and method == _ABORT):
            self._tries(call, vm)
        else:
            judged_call(self.driver, call, vm, unfinished(self.driver, vm))
        if what == "twice":
            judged_call(self.driver, call, vm, [])
            if ends_in_a_boot(self.caller.contract, method, what) and self.driver.permits.power:
                self._show(THEN_BOOT, vm)
        elif what in SHOWN_BY:
            self._show(what, vm)
        elif what == "onClone":  # what changed the clone must not have changed its parent
            self.driver.look(Ref("VirtualMachine", self.driver.judge.settings.parent(vm.value)))
        self.driver.enter(TIDY)  # what tidies up must not count as what happened after the call
        self._after(what, vm)

    def _before(self, method: str, what: str, vm: Ref) -> None:
        if what == "afterCustomize" or (what == "onTwoNics" and method != _CUSTOMIZE):
            judged_call(self.driver, self._drawn(_CUSTOMIZE, vm, _last_fixed), vm, [])
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

    def _show(self, what: str, vm: Ref) -> None:
        """Do what makes the settings of the customization show, and see whether they do.

        The guest is shut down, not cut off: what it wrote may else not be on its disk.
        """
        if what == THEN_BOOT:
            perform(self.lane, "shutDownGuest", vm)
            facts = self.driver.facts.vms[vm.value]
            self.driver.wait.until("power off", lambda: self.driver.now(facts).power == OFF, whose=facts.name)
            self._on(vm)
        else:
            judged_call(self.driver, self.caller.call(Asked(_START), vm, self.driver.facts.vms), vm, [])
        see_settings(self.driver, vm)

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
        if not self.driver.toolless(vm):
            self.driver.wait.until("Tools", lambda: self.driver.now(facts).tools == "ready", whose=facts.name)

    def _drawn(self, method: str, vm: Ref, wanted: Callable[[Mapping[str, Json]], bool]) -> Call:
        """Draw a valid call; of a customization one with wanted arguments, if one of the draws has them."""
        for _ in range(DRAWN):
            call = self.caller.call(Asked(method), vm, self.driver.facts.vms)
            if "spec" not in call.arguments or wanted(call.arguments):
                break
        return call

    def _bites(self, made: Mapping[str, Json], vm: Ref, what: str) -> bool:
        """Whether it would be seen that a specification is not applied; on two NICs, that the second one's part is not.

        What is to show has a new name and new addresses; before a boot it comes with parameters, which must not matter.
        """
        spec = made["spec"]
        if what in SHOWN_BY and not self.driver.judge.settings.new(vm.value, spec):
            return False
        if what == THEN_BOOT and not made.get("configParams"):
            return False
        return self._shows(spec, vm) and (what != "onTwoNics" or _last_fixed(made))

    def _shows(self, spec: Json, vm: Ref) -> bool:
        """Whether a specification gives the guest another name than it has, so that it is seen to be applied."""
        reading = self.driver.tracker.readings.get(vm.value) or {}
        shown = str(reading.get("guest.hostName", "")).partition(".")[0].lower()
        return bool(spec["identity"]["hostName"].get("name", shown).lower() != shown)  # as a guest compares names

    def _tries(self, call: Call, vm: Ref) -> None:
        """Make the call again and again while the customization that was begun runs (oracle promise F5: three, spaced).

        The tries are spread over what a customization is taken to need here, so that some of them come late in its work.
        """
        facts = self.driver.facts
        seen = max(self.driver.wait.patience.slowest.get(_CUSTOMIZE, 0.0), facts.task_seconds / _PART)
        for _ in range(_BESIDE):
            beside = unfinished(self.driver, vm)
            try:
                if not beside or judged_call(self.driver, call, vm, beside, settle=False) is not None:
                    break
            except NotArrangedError:
                break  # the customization has ended: there is nothing to be beside any more
            self.driver.target.recorder.sleep(max(facts.publish, seen / (_BESIDE + 1)))
        for task in unfinished(self.driver, vm):
            self.driver.tasks.follow(task)
        self.driver.look(vm)


def _last_fixed(made: Mapping[str, Json]) -> bool:
    """Whether a specification gives the last adapter a fixed address."""
    return "ipAddress" in made["spec"]["nicSettingMap"][-1]["adapter"]["ip"]
