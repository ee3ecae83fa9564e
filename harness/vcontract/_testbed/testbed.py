"""A testbed: a target whose VMs can be brought into states, with the judge that hears everything and the guard that watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from vcontract._check import Judge
from vcontract._client import Guard, Target
from vcontract._config.config import Config
from vcontract._config.context import RunContext
from vcontract._config.request import RunRequest
from vcontract._config.risk import CLONES, level_of, loses_hosts
from vcontract._contract import Contract, load
from vcontract._history import ASKED, FACTS
from vcontract._model import Facts, VmFacts
from vcontract._schema import bases_of
from vcontract._server import StartedServer
from vcontract._strategies.calls import Caller
from vcontract._terms import Json, Operation
from vcontract._testbed.actors import FULL
from vcontract._testbed.claims.claims import Claims
from vcontract._testbed.driver import Driver
from vcontract._testbed.health import HealthCheck
from vcontract._testbed.lane import Lane
from vcontract._testbed.levers import Levers
from vcontract._testbed.ownership import guard_of, lost_hosts
from vcontract._testbed.permits import Permits
from vcontract._testbed.risk.limits import Limited, NothingButRefusals, limit_of
from vcontract._testbed.survey import actors_of, as_json, host_names, log_in, marked, reached, survey_target
from vcontract._testbed.vm_selection import CLONE
from vcontract._testbed.working_clones import clone_parents, destroy_clones, make_clones

GUEST = "VirtualMachineGuestCustomizationManager"
"""The contract whose methods work in the guest: other contracts arrange states with them."""


class Site(msgspec.Struct, frozen=True):
    """What a testbed is built on: a target that was reached, the contract under test, and what the user says of both.

    `context` is what is known of the run beside, `server` the target's server if it was started for the run.
    """

    target: Target
    contract: Contract
    config: Config
    request: RunRequest
    context: RunContext = RunContext()
    server: StartedServer | None = None

    @property
    def bases(self) -> dict[str, str]:
        """The types of the target's schema, each with the one that it extends."""
        return bases_of(self.target.schema)

    def heard_by(self, judge: Judge) -> Judge:
        """Have a judge hear every operation from now on, and give it."""
        self.target.recorder.listeners.append(judge.feed)
        return judge


class Known(msgspec.Struct, frozen=True):
    """What is known of a target before anything is arranged.

    `judge` has heard what was done before, if a run goes on; `before` are those operations, from which the guard learns what
    is ours. With `claims` the VMs are claimed before anything is done to them. `working_clones` holds the clones that were made
    to be tested in place of their parents. `others` are the moIds that are no VMs as the target itself says them now, in place
    of those of a directory that anybody may have written.
    """

    judge: Judge
    before: Sequence[Operation] = ()
    claims: bool = False
    working_clones: Lane | None = None
    others: Mapping[str, str] | None = None


Source: TypeAlias = Callable[[Site], Known]
"""Where what is known comes from: a survey, a run that was cut, or whoever deals the work out."""


class Testbed(msgspec.Struct, frozen=True):
    """A target whose VMs can be brought into states.

    `lane` holds the VMs and what brings them into states, `guard` lets no call leave that is about what is not ours, `health`
    ends the run if the server suffers, `claims` keep other runs away. `host_names` are those of the hosts on which its VMs are.
    `limit` is that of the level of risk; None: VMs may be brought into states.
    """

    site: Site
    lane: Lane
    guard: Guard
    health: HealthCheck
    claims: Claims
    working_clones: Lane | None = None
    host_names: frozenset[str] = frozenset()
    limit: Limited | None = None

    @property
    def target(self) -> Target:
        """The target."""
        return self.site.target

    @property
    def caller(self) -> Caller:
        """Who makes the calls of the contract under test."""
        return self.lane.caller

    @property
    def driver(self) -> Driver:
        """What sends calls and reads, and waits."""
        return self.lane.driver

    @property
    def judge(self) -> Judge:
        """Who hears every operation."""
        return self.driver.judge

    def abandon(self) -> None:
        """Destroy the clones that were made to be tested, and let all VMs go, of a run that does not get under way."""
        if self.working_clones is not None:
            destroy_clones(self.working_clones)
        self.claims.release()


def open_testbed(site: Site, source: Source) -> Testbed:
    """Look round by way of a source, and make a testbed of what is there. Raises HarnessError if nothing can be tested.

    If it cannot be opened, no clone that was made for it is left.
    """
    known = source(site)
    try:
        return _opened(site, known)
    except BaseException:
        if known.working_clones is not None:
            destroy_clones(known.working_clones)
        raise


def _opened(site: Site, known: Known) -> Testbed:
    facts = known.judge.tracker.facts
    others = facts.others if known.others is None else known.others
    limit = limit_of(site.request, known.judge, known.before)
    if isinstance(limit, NothingButRefusals):
        site.target.recorder.listeners.append(limit.hear)
    guard, health = guarded(site, facts, others, known.before, limit)
    claims = claims_of(site, guard, facts)
    try:
        if known.claims and not site.context.former and limit is None:
            claims.take({moid: vm.name for moid, vm in facts.vms.items()})
        driver = _driver(site, known.judge, limit)
        levers = Levers.of_target(driver)
        names = host_names(site.target, facts)
        hosts, kept = _hosts(site, names, guard)
        lane = Lane(driver, levers, caller_of(site, facts), hosts, _helper(site, facts), kept)
    except BaseException:
        claims.release()
        raise
    return Testbed(site, lane, guard, health, claims, known.working_clones, frozenset(names.values()), limit)


def claims_of(site: Site, guard: Guard, facts: Facts, seconds: float = 0.0) -> Claims:
    """Give the claims of a run that shall last so many seconds at most (0: its limit of time), of which none is made yet."""
    request, name = site.request, site.context.claimant or site.context.run
    account = facts.sessions.get(FULL, "")
    return Claims(site.target, guard, name, account, seconds=seconds or request.time_limit, breaks=request.break_claim)


def surveyed(asked: dict[str, Json], *, clones: bool = True) -> Source:
    """Survey the target; `asked` is what the history keeps of what was asked.

    Clones are made if they are to be tested, and VMs are claimed; without `clones` neither, and their parents stand for them.
    """

    def source(site: Site) -> Known:
        target = site.target
        facts = marked(survey_target(target, site.config, site.contract), site.config, site.context.pinned)
        wanted = clone_parents(site.config, facts, every=level_of(site.request) == CLONES)
        if wanted and not clones:
            facts = replace(facts, vms={parent.ref.value: parent for parent, _ in wanted})
        working_clones = _working_clones(site, facts, wanted) if wanted and clones else None
        if working_clones is not None:
            vms, made = working_clones.driver.facts.vms, working_clones.cloner.clones
            facts = replace(facts, vms={clone.value: vms[clone.value] for clone in made})
        try:
            return Known(judge_of(site, facts, asked), claims=clones, working_clones=working_clones)
        except BaseException:
            if working_clones is not None:
                destroy_clones(working_clones)
            raise

    return source


def given(facts: Facts, asked: dict[str, Json], *, logs_in: bool = True) -> Source:
    """Take the facts from whoever surveyed the target, and open sessions of its own unless they are open."""

    def source(site: Site) -> Known:
        if logs_in:
            log_in(site.target, site.config)
        return Known(judge_of(site, facts, asked))

    return source


def judge_of(site: Site, facts: Facts, asked: dict[str, Json]) -> Judge:
    """Write down what was asked and what is known, and give the judge that hears every operation from now on."""
    recorder = site.target.recorder
    recorder.observed(ASKED, asked)
    recorder.observed(FACTS, as_json(facts))
    return site.heard_by(Judge(facts, site.contract, site.bases))


def guarded(
    site: Site,
    facts: Facts,
    others: Mapping[str, str],
    before: Sequence[Operation] = (),
    limit: Limited | None = None,
) -> tuple[Guard, HealthCheck]:
    """Have no call leave from now on that is about what is not ours; gives the guard, and who watches the server's health."""
    target = site.target
    context = site.context
    guard = guard_of(
        target,
        site.config,
        site.contract,
        context.run,
        others,
        claimant=context.claimant,
    )
    if limit is not None:
        guard.keep_within(limit.refusal, limit.touched)
    elif level_of(site.request) == CLONES:
        guard.keep_to_clones()
    if site.context.former:
        guard.take_hosts_by_name()
    guard.resume(before, CLONE)
    target.guard_with(guard)
    return guard, HealthCheck(target, facts.sessions.get(FULL, ""), site.config.slowest)


def caller_of(site: Site, facts: Facts) -> Caller:
    """Give who makes the calls of the contract under test."""
    actors = actors_of(site.contract, facts)
    former = site.context.former
    return Caller(site.contract, site.target.schema, facts, actors, site.request.seed, in_turn=former)


def _working_clones(site: Site, facts: Facts, wanted: list[tuple[VmFacts, int]]) -> Lane:
    """Make so many clones of each VM, to be tested in the place of all others."""
    guarded(site, facts, facts.others)
    judge = Judge(facts, site.contract, site.bases)
    driver = _driver(site, judge)
    lane = Lane(driver, Levers.of_target(driver), caller_of(site, facts))
    make_clones(lane, wanted, skips=level_of(site.request) == CLONES)
    return lane


def _driver(site: Site, judge: Judge, limit: Limited | None = None) -> Driver:
    permits = Permits(frozenset(site.config.allow), site.request.max_calls, limit)
    config = site.config
    return Driver(site.target, judge, permits, patience=config.boot_seconds, owner=config.owner, run=site.context.run)


def _helper(site: Site, facts: Facts) -> Caller | None:
    """Give the caller of the methods that work in the guest, if they are not under test and the target has them."""
    contract = load(GUEST)
    if contract.object == site.contract.object or contract.content not in site.target.content:
        return None
    known = replace(facts, object=contract.object, manager=reached(site.target, contract))
    return Caller(contract, site.target.schema, known, {"held": FULL}, site.request.seed)


def _hosts(site: Site, names: Mapping[str, str], guard: Guard) -> tuple[frozenset[str], str]:
    """Find the hosts that may be disconnected; gives them, and why others that the configuration names must stay."""
    may = site.config.hosts if "host" in site.config.allow and loses_hosts(level_of(site.request)) else ()
    named = [moid for moid, name in names.items() if name in may]
    return (frozenset(named), "") if site.context.former else lost_hosts(site.target, guard, named)
