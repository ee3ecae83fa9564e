"""The base of the disturbances of the system: what they may use, how they strike, how they are healed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from vcontract._client import Target
from vcontract._client.properties import read
from vcontract._client.tasks import follow, info
from vcontract._disturbances.parameters import Parameters
from vcontract._errors import HarnessError, SharedHostError
from vcontract._terms import Arguments, Call, Faulted, Json, Lost, Ref, Returned, as_ref

Lever = Callable[[Ref, str], Call]
"""Makes the call of an actor that acts in the guest of a VM."""


class NotStruckError(HarnessError):
    """A disturbance could not be brought about, or not be healed; it may be tried again."""


class NotSentError(NotStruckError):
    """The guard did not let the call leave: nothing was struck, and there is nothing to heal."""


@dataclass
class StrikeContext:
    """What disturbances of the system may strike, all of it marked as ours, and how they call.

    `actor` is the session of these calls, which nobody else uses. `vms` may be switched and their guests changed,
    `hosts` may be disconnected (`kept` says why others must stay), `spare` are clones of this run that may be destroyed.
    `sessions` are the keys of the sessions that may be ended, by actor (as names of secrets). `levers` are the calls that
    stop and start Tools, `stopTools` and `startTools`. `restart` restarts the server, if it is ours. A task is waited for
    `patience` seconds.
    """

    target: Target
    actor: str
    vms: tuple[Ref, ...] = ()
    hosts: tuple[Ref, ...] = ()
    kept: str = ""
    spare: tuple[Ref, ...] = ()
    sessions: Mapping[str, str] = field(default_factory=dict)
    levers: Mapping[str, Lever] = field(default_factory=dict)
    restart: Callable[[], None] | None = None
    patience: float = 30.0

    def shows(self, ref: Ref, path: str) -> Json:
        """Read a property. Raises NotStruckError."""
        outcome = read(self.target, self.actor, ref, [path]).outcome
        if not isinstance(outcome, Returned) or path not in outcome.value:
            raise NotStruckError(f"{path} of {ref.value} cannot be read")
        return outcome.value[path]

    def do(self, ref: Ref, method: str, **arguments: Json) -> Json:
        """Make a call and wait for its task, if it has one; gives the result. Raises NotStruckError."""
        return self.send(Call(ref, method, Arguments(arguments), self.actor))

    def send(self, call: Call) -> Json:
        """Send a call and wait for its task, if it has one; gives the result. Raises NotStruckError."""
        try:
            outcome = self.target.send(call, "arrange").outcome
        except SharedHostError as error:
            raise NotSentError(str(error)) from error
        if isinstance(outcome, Faulted):
            raise NotStruckError(f"{call.method} is refused: {outcome.fault.type}")
        if isinstance(outcome, Lost):
            raise NotStruckError(f"{call.method}: {outcome.reason}")
        task = as_ref(outcome.value)
        if task is None or task.type != "Task":
            return outcome.value
        last = follow(self.target, self.actor, task, deadline_seconds=self.patience)[-1]
        ended = info(last)
        if ended.get("state") == "success":
            return ended.get("result")
        if ended.get("state") == "error":
            fault = (ended.get("error") or {}).get("fault") or {}
            raise NotStruckError(f"{call.method} fails: {fault.get('_typeName')}")
        raise NotStruckError(f"{call.method}: its task did not end within {self.patience:g} s")


@dataclass
class Strike:
    """One strike of a disturbance: its context, its random numbers, and the object that it struck (for `heal`)."""

    context: StrikeContext
    rng: Random
    struck: Ref | None = None


class System(Parameters, frozen=True, kw_only=True):
    """A disturbance of the system by calls that a vCenter's API offers.

    `needs` is what the operator must allow for it (`power`, `tools`, `host`).
    """

    needs: ClassVar[tuple[str, ...]] = ()

    def lacks(self, context: StrikeContext) -> str:
        """Give the reason why it cannot strike in this context; empty if it can."""
        del context
        return ""

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Strike; gives facts about what was struck. Raises NotStruckError."""
        raise NotImplementedError

    def heal(self, strike: Strike) -> dict[str, Any]:
        """Undo the strike, unless it cannot be undone or has been; gives facts. Raises NotStruckError."""
        del strike
        return {}
