"""What the clients of one process share: the target, its facts, the VMs that they work on, and when they must stop."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from vcontract.client import Target
from vcontract.config.config import Config
from vcontract.contract import Contract
from vcontract.errors import TargetError, UsageError
from vcontract.model import Asked, Facts, VmFacts
from vcontract.strategies import Caller
from vcontract.stress.load import Load
from vcontract.stress.mix import Login, Mix
from vcontract.terms import Ref
from vcontract.testbed import FULL, UNPRIVILEGED, actors_of, customizable, guard_of, log_in, marked, survey_target

EIGHTH = 8
"""Of so many clients one lacks the privilege, where the configuration knows such an account."""
_RECENT = 64


class Crew:
    """What the clients of one process work with.

    `lasting` are the seconds that tasks took lately, by method; `recent` are tasks that were given to any client. Once
    `over` says why, no client begins another step; `failed` is an error of our own that ended it all. Where it is all
    `disturbed`, answers are lost, and that is no reason to end. `run` is the mark of what the run makes.
    """

    def __init__(self, target: Target, contract: Contract, config: Config, load: Load, seed: int, run: str) -> None:
        self.target, self.contract, self.config, self.load, self.seed = target, contract, config, load, seed
        found = marked(survey_target(target, config, contract, log_in(target, config)), config, None)
        self.accounts = _accounts(contract, found, load.actors)
        self.facts = replace(found, sessions=found.sessions | {each: name for each, (name, _) in self.accounts.items()})
        target.guard_with(guard_of(target, config, contract, run, found.others, actor=""))
        self.caller = Caller(contract, target.schema, self.facts, {"held": FULL}, seed)
        self.machines = _machines(target, found, load)
        self.vms = dict(self.facts.vms)
        self.notes: list[str] = []
        self.mix = self._possible()
        self.lasting: dict[str, float] = {}
        self.recent: deque[Ref] = deque(maxlen=_RECENT)
        self.over = ""
        self.halted = ""
        self.failed: BaseException | None = None
        self.disturbed = False
        self.run = run

    def add_machine(self, vm: VmFacts) -> None:
        """Let the clients work on one more VM."""
        self.vms[vm.ref.value] = vm
        self.machines.append(vm.ref)

    @property
    def patience(self) -> float:
        """Seconds after which nobody waits for a task any more."""
        return self.facts.task_seconds or 600.0

    def halt(self, why: str) -> None:
        """End it all for safety; the first reason stays."""
        self.halted = self.halted or why
        self.stop(why)

    def fail(self, error: Exception, why: str) -> None:
        """End it all for an error of our own; the first one stays."""
        self.failed = self.failed or error
        self.stop(why)

    def expect_losses(self) -> None:
        """Take lost answers as no reason to end."""
        self.disturbed = True

    def stop(self, why: str) -> None:
        """Let no client begin another step."""
        self.over = self.over or why

    def _possible(self) -> Mix:
        """Leave out of the mix what this target does not offer, and say so."""
        mix, method, vm = self.load.mix, self.contract.methods[0].name, self.machines[0]
        logins: dict[Login, float] = {}
        for name, weight in mix.logins.items():
            try:
                self.caller.call(Asked(method, login=name), vm)
                logins[name] = weight
            except LookupError as error:
                self.notes.append(f"no call bears a login that is {name}: {error}")
        if not any(logins.values()):
            raise UsageError("no guest account is known; name one in the configuration ([[guest]])")
        mix = replace(mix, logins=logins)
        if "power" in self.config.allow:
            return mix
        self.notes.append("no VM is switched off: the configuration does not allow power")
        return mix.without_power()


def _accounts(contract: Contract, facts: Facts, actors: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give each client its account, and the secret of that; some have one that lacks the privileges."""
    weak = facts.sessions.get(UNPRIVILEGED)
    lacking = actors_of(contract, facts)
    all_lack = all(lacking.get(f"nowhere:{each.name}") == UNPRIVILEGED for each in contract.methods)
    found = {}
    for number, actor in enumerate(actors, 1):
        unprivileged = weak is not None and all_lack and number % EIGHTH == 0
        found[actor] = (weak or "", "account.unprivileged") if unprivileged else (facts.sessions[FULL], "account.full")
    return found


def _machines(target: Target, facts: Facts, load: Load) -> list[Ref]:
    """Choose the VMs, by name, and of these the share of this worker. Raises TargetError if there are too few."""
    fit = [each.ref for each in customizable(target, facts)]
    if len(fit) < load.vms:
        raise TargetError(
            f"{target.url}: {len(fit)} of the marked VMs run Linux with Tools up and can be customized at once, "
            f"--vms asks for {load.vms}: mark and start more, or ask for fewer"
        )
    number, workers = load.share
    return fit[: load.vms][number::workers]
