"""A target with the judge that hears everything said to it: the ground on which cells are arranged and exercised."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from harness.check import Judge
from harness.errors import HarnessError
from harness.model import STATE_PATHS, TASK_PATHS, Facts, State, Tracker, compact
from harness.target import Target
from harness.target.marks import options
from harness.target.properties import read
from harness.target.tasks import follow, info
from harness.terms import Arguments, Call, Faulted, Json, Lost, Operation, Ref, Returned, as_ref

FULL, UNPRIVILEGED, SECOND, READONLY = "full", "unprivileged", "second", "readonly"
BRIEF = 0.002
SNAPSHOT_NAME, MADE_BY = "vcontract", "made by vcontract run "
"""The name of every snapshot that is made here, and how its description begins, before the run's mark."""
LONGEST = 5.0
"""The longest pause in seconds between two reads of a task."""


class NotArrangedError(HarnessError):
    """A wanted state could not be brought about; the cell is not exercised."""


class RefusedError(NotArrangedError):
    """The target refused an arranging call, so that the state cannot be reached on it."""


class SpentError(HarnessError):
    """The limit of judged calls is reached; the run ends with what is known."""


class Stage:
    """Calls, reads and waits; every one is an operation that the judge hears.

    `patience` is the limit in seconds for a state to come about, `limit` the one for a task, `max_calls` that of judged
    calls (0: none). `ended` are the tasks of others that were read ended. `marks` are the extraConfig of what is made here by
    `run` for `owner`.
    """

    def __init__(self, target: Target, judge: Judge, *, patience: float = 60.0, owner: str = "", run: str = "") -> None:
        self.target = target
        self.marks: list[Json] = options(owner=owner, run=run) if run else []
        self._made_by = f"{MADE_BY}{run}"
        self.judge = judge
        self.patience = patience
        self.limit = judge.tracker.facts.task_seconds or 600.0
        self.max_calls = 0
        self.ended: set[str] = set()
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
        guard = self.target.guard
        if guard is None:
            done = read(self.target, FULL, vm, STATE_PATHS, compact)
        else:
            done = read(
                self.target, FULL, vm, STATE_PATHS + guard.marks.paths, lambda each: guard.marks.only(compact(each))
            )
            guard.saw(vm, done)
        return done.outcome.value if isinstance(done.outcome, Returned) else None

    def read_task(self, task: Ref, actor: str = FULL) -> dict[str, Json]:
        """Read a task's info; empty if it could not be read."""
        return info(read(self.target, actor, task, TASK_PATHS))

    def call(self, ref: Ref, method: str, arguments: dict[str, Json], actor: str = FULL) -> Operation:
        """Make an arranging call."""
        return self.target.send(Call(ref, method, Arguments(arguments), actor), "arrange")

    def judged(self, call: Call) -> Operation:
        """Make a call of the contract under test, to be judged. Raises SpentError once `max_calls` were made."""
        if self.max_calls and self.target.recorder.calls >= self.max_calls:
            raise SpentError(f"the limit of {self.max_calls} judged calls was reached")
        return self.target.send(call, "judge")

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
        reads = follow(self.target, actor, task, deadline_seconds=self.limit, expected=max(0.0, min(wait, LONGEST)))
        if info(reads[-1]).get("state") == "success":
            # the shortest seen: a wait that is too long costs more than one more read, and would feed on itself
            lasted = reads[-1].end - begun
            self._lasted[kind] = min(lasted, self._lasted.get(kind, lasted))
        return reads

    def until(self, what: str, reached: Callable[[], bool]) -> None:
        """Poll until something is so. Raises NotArrangedError after `patience`."""
        deadline, pause = time.monotonic() + self.patience, BRIEF
        while not reached():
            if time.monotonic() > deadline:
                raise NotArrangedError(f"{what} did not come about within {self.patience:g} s")
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def log_in(self, actor: str) -> None:
        """Open one more session of the full account. Raises TargetError if it is refused."""
        self.target.login(actor, self.facts.sessions[FULL], "account.full")

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
        """Run a lever's command line in the guest. Raises NotArrangedError if there is none or it is refused."""
        line = next((each for each in self.facts.levers if each.does == lever), None)
        if line is None or self.process_manager is None:
            raise NotArrangedError(f"no lever {lever}")
        spec = {"_typeName": "GuestProgramSpec", "programPath": line.program, "arguments": line.arguments}
        self.done(self.process_manager, "StartProgramInGuest", {"vm": vm.json(), "auth": self.auth, "spec": spec})


def _refused(info: Mapping[str, Json]) -> RefusedError:
    error = info.get("error") or {}
    return RefusedError(f"the target refuses {info.get('name')}: {error.get('fault', {}).get('_typeName')}")
