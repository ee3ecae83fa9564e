"""Drives the VMs of one lane: sends calls, reads and waits, and the judge hears all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from vcontract._check import Judge
from vcontract._client import Target
from vcontract._client.lasting import kind_of
from vcontract._client.marks import options
from vcontract._client.properties import read
from vcontract._client.updates import Updates
from vcontract._errors import SharedHostError, TargetError
from vcontract._model import STATE_PATHS, Facts, State, Tracker, VmFacts, compact, read_of
from vcontract._model.observe import tools_shown
from vcontract._terms import (
    TIME,
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
    unauthenticated,
)
from vcontract._testbed.access import Access
from vcontract._testbed.actors import FULL
from vcontract._testbed.not_arranged import NotArrangedError, RefusedError
from vcontract._testbed.patience import Patience
from vcontract._testbed.permits import Permits
from vcontract._testbed.quarantine import Quarantine
from vcontract._testbed.tasks import Tasks
from vcontract._testbed.waiting import Waiting

SNAPSHOT_NAME, MADE_BY = "vcontract", "made by vcontract run "
"""The name of every snapshot that is made here, and how its description begins, before the run's mark."""


_INSTANCE = Ref("ServiceInstance", "ServiceInstance")
_PATIENCE = 2
"""How many times the lateness of its reports a VM gets until they have settled: it may be changed from outside meanwhile."""
_WATCHED = tuple(path for path in STATE_PATHS if path != "recentTask")
"""What of a VM wakes those who wait; what is told of its tasks are their own states."""


class Driver:
    """Makes calls about the VMs of the judge's facts, and reads them; every exchange is an operation that the judge hears.

    `permits` say what the operator allows, `wait` and `tasks` do the waiting, `quarantine` knows what is left alone:
    NotArrangedError. `marks` are the extraConfig of what is made here by `run` for `owner`; `patience` are the seconds that a
    state has to come about. Every method raises HaltedError once the target is gone.
    """

    def __init__(
        self,
        target: Target,
        judge: Judge,
        permits: Permits | None = None,
        *,
        patience: float = 60.0,
        owner: str = "",
        run: str = "",
    ) -> None:
        self.target, self.judge, self.permits = target, judge, permits or Permits()
        self.marks: list[Json] = options(owner=owner, run=run) if run else []
        self.quarantine = Quarantine()
        self._access = Access(target, judge.tracker, self.quarantine)
        updates = Updates(target, FULL, _WATCHED, compact)
        self.wait = Waiting(self._access, judge.tracker, updates, Patience(patience))
        self.tasks = Tasks(self._access, judge.tracker, self.wait)
        self._made_by = f"{MADE_BY}{run}"
        self._unanswered = ""
        self._reads: dict[str, Operation] = {}
        self._heard: set[str] = set()

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
        self.target.recorder.enter(cell, block)

    def states(self, vm: Ref) -> frozenset[State]:
        """Every state that the VM may be in, leaving aside what runs on it."""
        return self.tracker.states(vm.value)

    def now(self, vm: VmFacts) -> State:
        """Look at a VM and give one of the states that it may be in; what was read is the same in all."""
        self.look(vm.ref)
        return next(iter(self.states(vm.ref)))

    def look(self, vm: Ref) -> None:
        """Read a VM's state, unless that would tell nothing new."""
        last = self._reads.get(vm.value)
        if last is None or not self._access.tells_nothing_new(last):
            self.read_vm(vm)
        self._access.look_at(vm)

    def read_vm(self, vm: Ref) -> Mapping[str, Json] | None:
        """Read a VM's state, and its marks, for a call may follow; None if it is gone."""
        self._access.check(vm.value)
        self._access.look_at(vm)
        guard = self.target.guard
        if guard is None:
            done = read(self.target, FULL, vm, STATE_PATHS, compact)
        else:
            paths = (*STATE_PATHS, *guard.marks.paths)
            done = read(self.target, FULL, vm, paths, lambda values: guard.marks.only(compact(values)))
            guard.saw(vm, done)
        self._access.heard(done, vm.value)
        self._reads.pop(vm.value, None)
        if read_of(done) is not None:
            self._reads[vm.value] = done
        if isinstance(done.outcome, Returned) and _tells_of_tools(done.outcome.value):
            self._heard.add(vm.value)
        return done.outcome.value if isinstance(done.outcome, Returned) else None

    def toolless(self, vm: Ref) -> bool:
        """Whether no read of a VM ever told of Tools in it, and nothing starts them: then they are not waited for."""
        seen = vm.value in self.tracker.readings and vm.value not in self._heard
        return seen and not any(lever.does == "startTools" for lever in self.facts.levers)

    def ask_time(self) -> None:
        """Ask the server for its time: what it says of tasks can be held against that."""
        self._access.check_target()
        self.target.send(Call(_INSTANCE, TIME, Arguments({}), FULL))

    def let_settle(self, vm: Ref) -> None:
        """Wait until what is reported of a VM cannot be older than its last change (oracle rule A11), but not for ever.

        What was seen to change has settled; what is as it was before may do so while this waits.
        """
        tracker, facts = self.tracker, self.facts
        latest = tracker.latest + min(_PATIENCE * max(facts.staleness, facts.runtime_staleness), self.wait.left)
        until = min(tracker.settles(vm.value), latest)
        # by what was heard last, not by the clock: so a recording is followed to the read
        while tracker.latest < until:
            looks, then = self.wait.looks(until), until
            while until == then and tracker.latest < until:
                looks.rest()
                self.read_vm(vm)
                until = min(tracker.settles(vm.value), latest)

    def call(self, ref: Ref, method: str, arguments: dict[str, Json], actor: str = FULL) -> Operation:
        """Make an arranging call. Raises NotArrangedError: the operator does not allow it, the API spoken lacks the method."""
        call = Call(ref, method, Arguments(arguments), actor)
        self.permits.check_call(call)
        if method not in self.target.schema.operations:
            raise RefusedError(f"API {self.target.api_version} has no {method}")
        try:
            return self.send(call)
        except SharedHostError as error:
            raise NotArrangedError(str(error)) from error

    def send(self, call: Call, purpose: str = "arrange") -> Operation:
        """Send a call that may change something."""
        self._access.check(subject(call), call.method)
        return self._access.heard(self.target.send(call, purpose), subject(call))

    def send_judged(self, call: Call) -> Operation:
        """Make a call of the contract under test, to be judged.

        Raises SpentError once as many were made as are permitted, NotArrangedError if the operator does not allow it.
        """
        self._access.check_target()
        self.permits.check_call(call, judged=True)
        self.permits.check_count(self.target.recorder.calls)
        renewed, denied = len(self.target.renewed), len(self.target.denied)
        done = self.send(call, "judge")
        if len(self.target.renewed) > renewed:
            self._unanswered = f"the session of {call.actor} had ended"
        elif unauthenticated(done.outcome) and len(self.target.denied) > denied:
            self._unanswered = f"{call.method}: {call.actor} was denied in a session that lives"
        elif kind_of(done.outcome) in {UNSENT, TURNED_AWAY}:
            self._unanswered = f"{call.method}: {getattr(done.outcome, 'reason', '')}"
        return done

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Let judged calls be made; raises NotArrangedError if one of them came to nothing and should be made again."""
        self._unanswered = ""
        yield
        if self._unanswered:
            raise NotArrangedError(self._unanswered)

    def complete(self, ref: Ref, method: str, arguments: dict[str, Json] | None = None) -> Json:
        """Make an arranging call, wait for its task if it has one, and give the result. Raises NotArrangedError if refused."""
        task = self.begin(ref, method, arguments)
        return self.tasks.result(task) if task is not None else None

    def begin(self, ref: Ref, method: str, arguments: dict[str, Json] | None = None) -> Ref | None:
        """Make an arranging call and give its task (None: it has none). Raises NotArrangedError if refused."""
        outcome = self.call(ref, method, arguments or {}).outcome
        if isinstance(outcome, Faulted):
            raise RefusedError(f"the target refuses {method}: {outcome.fault.type}")
        if isinstance(outcome, Lost):
            raise NotArrangedError(f"{method} on {ref.value}: {outcome.reason}")
        return as_ref(outcome.value)

    def log_in(self, actor: str) -> None:
        """Open one more session of the full account. Raises NotArrangedError if it is refused."""
        self._access.check_target()
        try:
            self.target.login(actor, self.facts.sessions[FULL], "account.full")
        except TargetError as error:
            self._access.check_target()
            raise NotArrangedError(str(error)) from error

    def snapshot_arguments(self, *, memory: bool) -> dict[str, Json]:
        """Give the arguments of a CreateSnapshot_Task; name and description say whose it is."""
        return {"name": SNAPSHOT_NAME, "description": self._made_by, "memory": memory, "quiesce": False}


def _tells_of_tools(values: Mapping[str, Json]) -> bool:
    """Whether a read says that Tools are, were, or never were in a VM; a server that knows of none leaves the version out."""
    return bool(values.get("guest.toolsVersionStatus2")) or tools_shown(values) != "stopped"
