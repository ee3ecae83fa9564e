"""One client: it has a session of its own and takes one step after the other, drawn from the mix."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from vcontract._client.bodies import Varies
from vcontract._client.properties import read
from vcontract._client.tasks import follow
from vcontract._errors import RefusedLoginError, TargetError
from vcontract._model import STATE_PATHS, Asked, compact
from vcontract._model.followed_task import KINDS
from vcontract._model.moves import MOVES
from vcontract._model.state import CUSTOMIZE
from vcontract._strategies.customization import fixed_name
from vcontract._stress.crew import Crew
from vcontract._terms import Arguments, Call, Lost, Operation, Ref, Returned, as_ref

POWER_OFF, POWER_ON = MOVES["powerOff"].method, MOVES["powerOn"].method
_TRIES, _PAUSE = 20, 0.25
"""How often a login is tried whose answers may be lost, and the seconds between two tries."""
_EARLY, _LATE = 1.1, 0.98
"""The factors of a task's expected duration if it was not over after that time, and if it was: one in six is not."""
_AT_ONCE = 0.25
"""The share of tasks that are also read at once, while they run; most others are read once, at their end."""


class Client:
    """Works on the VMs of its crew; the seed and its name decide every choice."""

    def __init__(self, crew: Crew, actor: str) -> None:
        self.actor, self._crew = actor, crew
        self._random = Random(f"{crew.seed} {actor}")  # noqa: S311 - no secret
        self._named = 0

    def open(self) -> None:
        """Log in. Raises TargetError if that is refused."""
        account, secret = self._crew.accounts[self.actor]
        for left in range(_TRIES if self._crew.disturbed else 1, 0, -1):
            try:
                self._crew.target.login(self.actor, account, secret)
            except RefusedLoginError:
                raise
            except TargetError:
                if left == 1:
                    raise
                self._crew.target.recorder.sleep(_PAUSE)
            else:
                return

    def close(self) -> None:
        """Log out."""
        self._crew.target.logout(self.actor)

    def step(self) -> None:
        """Draw one step and take it to its end."""
        kind, name = self._crew.mix.action(self._random)
        vm = self._random.choice(self._crew.machines)
        if kind == "call":
            self.call(name, self._crew.mix.login(self._random), vm)
        elif kind == "power":
            self.power(name, vm)
        elif name == "vm":
            self.look(vm)
        elif name == "session":
            target = self._crew.target
            read(target, self.actor, target.manager("sessionManager"), ["currentSession"])
        elif self._crew.recent:
            read(self._crew.target, self.actor, self._random.choice(self._crew.recent), ["info"])

    def look(self, vm: Ref) -> Operation:
        """Read a VM's state."""
        done = read(self._crew.target, self.actor, vm, STATE_PATHS, compact)
        if isinstance(done.outcome, Lost):
            self._crew.target.recorder.sleep(_PAUSE)  # a client must not retry without a pause
        return done

    def call(self, method: str, login: str, vm: Ref) -> Operation:
        """Call a method under test and follow its task; gives the last read of the task, or the call if there is no task."""
        call = self._crew.caller.call(Asked(method, login=login), vm, self._crew.vms)
        values, varies = call.arguments, [vm.value]
        if KINDS.get(method) == CUSTOMIZE:
            name = self._name()
            identity = values["spec"]["identity"] | {"hostName": fixed_name(name)}
            values = values | {"spec": values["spec"] | {"identity": identity}}
            varies.append(name)
        return self._follow(replace(call, payload=Arguments(values), actor=self.actor), "judge", tuple(varies))

    def power(self, method: str, vm: Ref) -> None:
        """Make a power operation on a VM; after a power-off it is powered on again."""
        self._follow(Call(vm, method, Arguments({}), self.actor), "arrange")
        if method == POWER_OFF:
            self._follow(Call(vm, POWER_ON, Arguments({}), self.actor), "arrange")

    def _follow(self, call: Call, purpose: str, varies: Varies = ()) -> Operation:
        crew = self._crew
        done = crew.target.send(call, purpose, varies=varies)
        task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
        if task is None or task.type != "Task":
            return done
        crew.recent.append(task)
        lasting, patience = crew.lasting.get(call.method, 0.0), crew.patience
        at_once = self._random.random() < _AT_ONCE
        if not at_once:
            crew.target.recorder.sleep(min(lasting, patience))
        expected = lasting if at_once else 0.0
        reads = follow(crew.target, self.actor, task, deadline_seconds=patience, expected=expected)
        known = lasting * (_EARLY if len(reads) > 1 + at_once else _LATE)
        crew.lasting[call.method] = known or reads[-1].start - done.end
        return reads[-1]

    def _name(self) -> str:
        """Give a host name that no other customization gives, in no other run: what another left waiting may show now."""
        self._named += 1
        return f"{self.actor}-{self._crew.token}-{self._named}"
