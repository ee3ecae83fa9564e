"""A target with the judge that hears everything said to it: the ground on which cells are arranged and exercised."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vcontract.check import Judge
from vcontract.client import SpentError, Target
from vcontract.client.lasting import kind_of
from vcontract.client.marks import options
from vcontract.client.properties import read
from vcontract.client.tasks import follow, info
from vcontract.config.config import PERMISSIONS
from vcontract.config.permissions import forbidden, not_allowed
from vcontract.errors import HaltedError, HarnessError, TargetError
from vcontract.model import STATE_PATHS, TASK_PATHS, Facts, State, Tracker, compact
from vcontract.terms import (
    TURNED_AWAY,
    UNSENT,
    Arguments,
    Call,
    Faulted,
    Json,
    Lost,
    Operation,
    Ref,
    Returned,
    as_ref,
    subject,
)
from vcontract.testbed.quarantine import Quarantine

FULL, UNPRIVILEGED, SECOND, READONLY = "full", "unprivileged", "second", "readonly"
BRIEF = 0.002
WEARIER = 4
SNAPSHOT_NAME, MADE_BY = "vcontract", "made by vcontract run "
"""The name of every snapshot that is made here, and how its description begins, before the run's mark."""
LONGEST = 5.0
"""The longest pause in seconds between two reads of a task."""


class NotArrangedError(HarnessError):
    """A wanted state could not be brought about; the cell is not exercised."""


class RefusedError(NotArrangedError):
    """The target refused an arranging call, so that the state cannot be reached on it."""


class Driver:
    """Calls, reads and waits; every one is an operation that the judge hears.

    `patience` is the limit in seconds for a state to come about, `limit` the one for a task, `max_calls` that of judged
    calls (0: none), `allow` what the operator allows. `ended` are the tasks of others that were read ended. `untold` says why
    the last judged call came to nothing and should be made again; empty if it did not.
    `marks` are the extraConfig of what is made here by `run` for `owner`.

    What is in `quarantine` is left alone: NotArrangedError. Every method raises HaltedError once the target is gone.
    """

    def __init__(self, target: Target, judge: Judge, *, patience: float = 60.0, owner: str = "", run: str = "") -> None:
        self.target = target
        self.marks: list[Json] = options(owner=owner, run=run) if run else []
        self._made_by = f"{MADE_BY}{run}"
        self.judge = judge
        self.patience = patience
        self.limit = judge.tracker.facts.task_seconds or 600.0
        self.max_calls = 0
        self.allow: frozenset[str] = frozenset(PERMISSIONS)
        self.ended: set[str] = set()
        self.quarantine = Quarantine()
        self.untold = ""
        self._late: dict[str, int] = {}
        self._lasted: dict[str, float] = {}
        self.process_manager: Ref | None = None
        self.auth: Json = None

    @property
    def tracker(self) -> Tracker:
        """What is known so far."""
        return self.judge.tracker

    @property
    def facts(self) -> Facts:
        """What is known of accounts, guests and VMs."""
        return self.judge.tracker.facts

    def enter(self, cell: str, block: str = "") -> None:
        """Begin a cell: what was pending of the one before is judged with its next operation, unless both share a block."""
        self.target.recorder.cell, self.target.recorder.block = cell, block

    def states(self, vm: Ref) -> frozenset[State]:
        """Every state that the VM may be in, leaving aside what runs on it."""
        return self.tracker.states(vm.value)

    def read_vm(self, vm: Ref) -> Mapping[str, Json] | None:
        """Read a VM's state, and its marks, for a call may follow; None if it is gone."""
        self._may(vm.value)
        guard = self.target.guard
        if guard is None:
            done = read(self.target, FULL, vm, STATE_PATHS, compact)
        else:
            paths = (*STATE_PATHS, *guard.marks.paths)
            done = read(self.target, FULL, vm, paths, lambda each: guard.marks.only(compact(each)))
            guard.saw(vm, done)
        self._heard(done, vm.value)
        return done.outcome.value if isinstance(done.outcome, Returned) else None

    def read_task(self, task: Ref, actor: str = FULL) -> dict[str, Json]:
        """Read a task's info; empty if it could not be read."""
        vm = self._vm_of(task)
        self._may(vm)
        return info(self._heard(read(self.target, actor, task, TASK_PATHS), vm))

    def call(self, ref: Ref, method: str, arguments: dict[str, Json], actor: str = FULL) -> Operation:
        """Make an arranging call. Raises NotArrangedError: the operator does not allow it, the API spoken lacks the method."""
        self.permit(method)
        if method not in self.target.schema.operations:
            raise RefusedError(f"API {self.target.api_version} has no {method}")
        return self.said(Call(ref, method, Arguments(arguments), actor))

    def said(self, call: Call, purpose: str = "arrange") -> Operation:
        """Send a call that may change something."""
        self._may(subject(call), call.method)
        return self._heard(self.target.send(call, purpose), subject(call))

    def _may(self, vm: str, method: str = "") -> None:
        self._lives()
        if why := self.quarantine.why(vm, method):
            raise NotArrangedError(why)

    def _lives(self) -> None:
        """Raise SpentError if nothing more will be answered, HaltedError if the target is gone: the rest would only be lost."""
        if self.target.over:
            raise SpentError(self.target.over)
        if self.target.pulse.stopped:
            raise HaltedError(self.target.pulse.stopped)

    def _heard(self, done: Operation, vm: str) -> Operation:
        known = self.facts.vms.get(vm)
        self.quarantine.heard(done, vm, known.name if known else vm)
        self._lives()
        return done

    def _vm_of(self, task: Ref) -> str:
        life = self.tracker.tasks.get(task.value)
        return life.vm if life else ""

    @property
    def left(self) -> float:
        """The seconds that a wait may take before the run ends, a little even after that."""
        return max(self.target.left, 1.0)

    def permit(self, method: str) -> None:
        """Raise NotArrangedError if the operator does not allow that a method is called."""
        if reason := forbidden(method, self.allow):
            raise NotArrangedError(reason)

    def judged(self, call: Call) -> Operation:
        """Make a call of the contract under test, to be judged.

        Raises SpentError once `max_calls` were made, NotArrangedError if the operator does not allow it.
        """
        self._lives()
        self.permit(call.method)
        if self.max_calls and self.target.recorder.calls >= self.max_calls:
            raise SpentError(f"the limit of {self.max_calls} judged calls was reached")
        renewed = len(self.target.renewed)
        done = self.said(call, "judge")
        if len(self.target.renewed) > renewed:
            self.untold = f"the session of {call.actor} had ended"
        elif kind_of(done.outcome) in {UNSENT, TURNED_AWAY}:
            self.untold = f"{call.method}: {getattr(done.outcome, 'reason', '')}"
        return done

    def done(self, ref: Ref, method: str, arguments: dict[str, Json] | None = None) -> Json:
        """Make an arranging call, wait for its task if it has one, and give the result. Raises NotArrangedError if refused."""
        task = self.begun(ref, method, arguments)
        return self.finished(task) if task is not None else None

    def begun(self, ref: Ref, method: str, arguments: dict[str, Json] | None = None) -> Ref | None:
        """Make an arranging call and give its task (None: it has none). Raises NotArrangedError if refused."""
        outcome = self.call(ref, method, arguments or {}).outcome
        if isinstance(outcome, Faulted):
            raise RefusedError(f"the target refuses {method}: {outcome.fault.type}")
        if isinstance(outcome, Lost):
            raise NotArrangedError(f"{method} on {ref.value}: {outcome.reason}")
        return as_ref(outcome.value)

    def finished(self, task: Ref, actor: str = FULL) -> Json:
        """Wait for a task and give its result. Raises NotArrangedError if it ends in error or not in time."""
        reads = self.follow(task, actor)
        last = info(reads[-1]) if reads else {}
        if last.get("state") == "success":
            return last.get("result")
        if last.get("state") == "error":
            raise _refused(last)
        raise NotArrangedError(f"{last.get('name', task.value)}: no end in time")

    def follow(self, task: Ref, actor: str = FULL) -> list[Operation]:
        """Read a task until it is final or the limit passes, first after what such tasks have lasted so far."""
        life = self.tracker.tasks.get(task.value)
        kind = life.accepted.call.method if life else ""
        begun = life.accepted.end if life else self.target.recorder.now()
        wait = self._lasted.get(kind, 0.0) - (self.target.recorder.now() - begun)
        self._may(self._vm_of(task))
        limit, wait = min(self.limit, self.left), max(0.0, min(wait, LONGEST))
        reads = follow(self.target, actor, task, deadline_seconds=limit, expected=wait)
        self._heard(reads[-1], self._vm_of(task))
        if life and limit == self.limit and info(reads[-1]).get("state") in {"queued", "running"}:
            name = self.facts.vms[life.vm].name if life.vm in self.facts.vms else life.vm
            self.quarantine.stuck.setdefault(life.vm, f"{name} is set aside: its {kind} did not end within {limit:g} s")
        if info(reads[-1]).get("state") == "success":
            # the shortest seen: a wait that is too long costs more than one more read, and would feed on itself
            lasted = reads[-1].end - begun
            self._lasted[kind] = min(lasted, self._lasted.get(kind, lasted))
        return reads

    def until(self, what: str, reached: Callable[[], bool], *, part: int = 1) -> None:
        """Poll until something is so. Raises NotArrangedError after `patience`; what never came is waited for ever less.

        With `part` it gets that part of the patience: what may well never come about is not waited for so long.
        """
        clock = self.target.recorder
        patience = self.patience / part / WEARIER ** self._late.get(what, 0)
        deadline, pause = clock.now() + min(patience, self.left), BRIEF
        while not reached():
            self._lives()
            if clock.now() > deadline:
                self._late[what] = self._late.get(what, 0) + 1
                raise NotArrangedError(f"{what} did not come about within {patience:g} s")
            clock.sleep(pause)
            pause = min(pause * 1.5, 1.0)
        self._late.pop(what, None)

    def log_in(self, actor: str) -> None:
        """Open one more session of the full account. Raises NotArrangedError if it is refused."""
        self._lives()
        try:
            self.target.login(actor, self.facts.sessions[FULL], "account.full")
        except TargetError as error:
            self._lives()
            raise NotArrangedError(str(error)) from error

    def find_processes(self) -> None:
        """Find the GuestProcessManager and the guest account with which levers are pulled."""
        done = read(self.target, FULL, self.target.manager("guestOperationsManager"), ["processManager"])
        values = done.outcome.value if isinstance(done.outcome, Returned) else {}
        self.process_manager = as_ref((values or {}).get("processManager"))
        able = [each for each in self.facts.guests if each.may_customize]
        if able:
            self.auth = {
                "_typeName": "NamePasswordAuthentication",
                "interactiveSession": False,
                "username": able[0].username,
                "password": able[0].password,
            }

    def running(self, task: Ref) -> bool:
        """Whether a task is read running; NotArrangedError if it has already ended, or cannot be read."""
        told = self.read_task(task)
        state = told.get("state")
        if state is None:
            raise NotArrangedError(f"{task.value} cannot be read")
        if state == "error":
            raise _refused(told)
        if state == "success":
            raise NotArrangedError(f"{told.get('name', task.value)} ended before it was seen running")
        return bool(state == "running")

    def snapshot(self, *, memory: bool) -> dict[str, Json]:
        """Give the arguments of a CreateSnapshot_Task; name and description say whose it is."""
        return {"name": SNAPSHOT_NAME, "description": self._made_by, "memory": memory, "quiesce": False}

    def pull(self, vm: Ref, lever: str) -> None:
        """Run a lever's command line in the guest, or set its values. Raises NotArrangedError: there is none, it is refused."""
        line = next((each for each in self.facts.levers if each.does == lever), None)
        if line is not None and line.extra_config:
            self.done(vm, "ReconfigVM_Task", {"spec": line.spec()})
            self.read_vm(vm)
            return
        if line is None or self.process_manager is None:
            raise NotArrangedError(f"no lever {lever}")
        if lever == "stopTools" and "power" not in self.allow:  # only a boot brings them back
            raise NotArrangedError(not_allowed("power"))
        spec = {"_typeName": "GuestProgramSpec", "programPath": line.program, "arguments": line.arguments}
        self.done(self.process_manager, "StartProgramInGuest", {"vm": vm.json(), "auth": self.auth, "spec": spec})


def _refused(info: Mapping[str, Json]) -> RefusedError:
    error = info.get("error") or {}
    return RefusedError(f"the target refuses {info.get('name')}: {error.get('fault', {}).get('_typeName')}")
