"""What the clients of one process share: the target, its facts, the VMs that they work on, and when they must stop."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from secrets import token_hex

from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._errors import ClaimedError, TargetError, UsageError
from vcontract._model import Asked, Facts, VmFacts
from vcontract._strategies.calls import Caller
from vcontract._stress.load import Load
from vcontract._stress.mix import Login, Mix
from vcontract._terms import Ref
from vcontract._testbed import (
    FULL,
    UNPRIVILEGED,
    Site,
    actors_of,
    claims_of,
    customizable,
    guard_of,
    log_in,
    marked,
    survey_target,
    told_claims,
)

EIGHTH = 8
"""One client in so many lacks the privilege, if the configuration has such an account."""
_RECENT = 64
_CHOICES = 4
"""So often VMs are chosen that somebody else claims meanwhile."""


class Crew:
    """What the clients of one process work with.

    `lasting` are the seconds that tasks took lately, by method; `recent` are tasks that were returned to any client. `over`
    gives the reason why no client begins another step, empty while they may; `failed` is the error of our own that ended
    the load. In a `disturbed` run answers are lost, which does not end it. `run` is the mark of what the run makes, `token`
    is in the names that it gives guests, `claims` are those on the VMs.
    """

    def __init__(self, site: Site, load: Load) -> None:
        target, contract, config = site.target, site.contract, site.config
        self.target, self.contract, self.config, self.load, self.seed = (
            target,
            contract,
            config,
            load,
            site.request.seed,
        )
        surveyed = marked(survey_target(target, config, contract, log_in(target, config)), config, None)
        self.accounts = _accounts(contract, surveyed, load.actors)
        self.facts = replace(
            surveyed, sessions=surveyed.sessions | {actor: name for actor, (name, _) in self.accounts.items()}
        )
        self.run = site.context.run
        self.token = token_hex(3)
        claimant = site.context.claimant
        self.guard = guard_of(target, config, contract, self.run, surveyed.others, actor="", claimant=claimant)
        target.guard_with(self.guard)
        self.caller = Caller(contract, target.schema, self.facts, {"held": FULL}, self.seed)
        self.claims = claims_of(site, self.guard, surveyed, load.seconds)
        self.vms = dict(self.facts.vms)
        self.machines = self._claimed(surveyed)
        self.notes: list[str] = [*self.claims.notes]
        self.mix = self._possible()
        self.lasting: dict[str, float] = {}
        self.recent: deque[Ref] = deque(maxlen=_RECENT)
        self.over = ""
        self.halted = ""
        self.failed: BaseException | None = None
        self.disturbed = False

    def add_machine(self, vm: VmFacts) -> None:
        """Let the clients work on one more VM."""
        self.vms[vm.ref.value] = vm
        self.machines.append(vm.ref)

    @property
    def patience(self) -> float:
        """The seconds for which a task is followed."""
        return self.facts.task_wait

    def halt(self, why: str) -> None:
        """End the load for safety; only the first reason is kept."""
        self.halted = self.halted or why
        self.stop(why)

    def fail(self, error: Exception, why: str) -> None:
        """End the load for an error of our own; only the first one is kept."""
        self.failed = self.failed or error
        self.stop(why)

    def expect_losses(self) -> None:
        """Let lost answers not end the load."""
        self.disturbed = True

    def stop(self, why: str) -> None:
        """Let no client begin another step."""
        self.over = self.over or why

    def _claimed(self, facts: Facts) -> list[Ref]:
        """Choose VMs and claim them; others are chosen if somebody else claims one of them at the same time."""
        tries = _CHOICES if self.load.share[1] == 1 else 1
        while True:
            machines, tries = self._machines(facts), tries - 1
            try:
                self.claims.take({ref.value: self.vms[ref.value].name for ref in machines})
            except ClaimedError:
                if not tries:
                    raise
            else:
                return machines

    def _machines(self, facts: Facts) -> list[Ref]:
        """Choose VMs that nobody claims in the order of their names, and of these this worker's share.

        Raises TargetError for too few. Several workers choose without a look at claims, each among the same VMs.
        """
        load, (number, workers) = self.load, self.load.share
        fit = {vm.ref.value: vm.name for vm in customizable(self.target, facts)}
        used = self.claims.others(fit) if workers == 1 else {}
        free = [moid for moid in fit if moid not in used]
        if len(free) < load.vms:
            told = f", {len(used)} more are in use: {told_claims(used.values())}" if used else ""
            raise TargetError(
                f"{self.target.url}: {len(free)} of the marked VMs run Linux with Tools up and can be customized at once"
                f"{told}, --vms asks for {load.vms}: mark and start more, or ask for fewer"
            )
        return [Ref("VirtualMachine", moid) for moid in free[: load.vms][number::workers]]

    def _possible(self) -> Mix:
        """Give the mix without what this target does not offer; a note says what was left out."""
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
    """Give the account of each client and the name of its secret; one in `EIGHTH` clients lacks the privileges."""
    weak = facts.sessions.get(UNPRIVILEGED)
    lacking = actors_of(contract, facts)
    all_lack = all(lacking.get(f"nowhere:{method.name}") == UNPRIVILEGED for method in contract.methods)
    accounts = {}
    for number, actor in enumerate(actors, 1):
        unprivileged = weak is not None and all_lack and number % EIGHTH == 0
        accounts[actor] = (
            (weak or "", "account.unprivileged") if unprivileged else (facts.sessions[FULL], "account.full")
        )
    return accounts
