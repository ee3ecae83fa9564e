"""What a target offers for testing: accounts and their privileges, VMs that may be disturbed, other objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from vcontract._client import Secrets, Target
from vcontract._client.marks import OWNER, RUN, option
from vcontract._client.properties import read
from vcontract._config.config import Account, Config, Guest, is_built_in, password_of
from vcontract._config.own_simulator import way_to_accounts
from vcontract._contract import Contract
from vcontract._errors import AbsentError, TargetError
from vcontract._model import STATE_PATHS, Facts, GuestAccount, Pinned, State, VmFacts, compact, family_of, observe
from vcontract._terms import SECRET, Json, Ref, Returned, as_ref
from vcontract._testbed.actors import FULL, READONLY, SECOND, UNPRIVILEGED
from vcontract._testbed.marked_vms import find_marked_vms
from vcontract._testbed.ownership import marks_of
from vcontract._testbed.tenants import privileges_of

NOBODY = "guest.nobody"
"""The secret that no guest knows."""
_PATHS = (
    "name",
    "config.guestId",
    "summary.config.numEthernetCards",
    "runtime.host",
    "resourcePool",
)
_ROLES = {FULL: "full", SECOND: "full", UNPRIVILEGED: "unprivileged", READONLY: "readonly"}


def secrets_by_name(config: Config) -> Secrets:
    """Let each secret of a configuration stand for itself, as it does in a recording: no password is needed."""
    return Secrets({name: SECRET + name for name in (*_holders(config), NOBODY)}, made_up=(NOBODY,), series="replayed")


def secrets_of(config: Config, public: Collection[str] | None = None) -> Secrets:
    """Collect the configuration's secrets by name: `account.ROLE` and `guest.USERNAME`.

    `public` are the names of those that are documented, where the configuration came over a pipe; else it tells.
    """
    named = {name: password_of(holder) for name, holder in _holders(config).items()}
    documented = built_in(config) if public is None else public
    return Secrets({**named, NOBODY: "not-a-password"}, public=documented, made_up=(NOBODY,))


def built_in(config: Config) -> tuple[str, ...]:
    """Name the secrets of the built-in configuration: those are documented, and everyday words in replies too.

    A user's own password is none of them, even if it is the same word.
    """
    return tuple(name for name, holder in _holders(config).items() if is_built_in(holder))


def _holders(config: Config) -> dict[str, Account | Guest]:
    """Give whose secret each name stands for."""
    accounts: dict[str, Account | Guest] = {f"account.{account.role}": account for account in config.account}
    return accounts | {f"guest.{account.username}": account for account in config.guest}


def survey_target(
    target: Target, config: Config, contract: Contract, logged: Logged | None = None, run: str = ""
) -> Facts:
    """Log in, unless that is done, look round, and give the facts; changes nothing.

    VMs that a `run` made count as well, those that others made do not. `logged` is what `log_in` gave. Raises TargetError
    if a login is refused, AbsentError if the target lacks the contract's object.
    """
    first = contract.content.partition(".")[0]
    if first and as_ref(target.content.get(first)) is None:
        raise AbsentError(f"the target's ServiceContent offers no {first}")
    keys, sessions = logged or log_in(target, config)
    manager = reached(target, contract)
    vms = _vms(target, config, run)
    wanted = sorted({name for method in contract.methods for name in method.privileges})
    held = {}
    for actor, key in keys.items():
        some = next(iter(vms.values()), None)
        held[sessions[actor]] = privileges_of(target, key, wanted, some.ref if some else None)
    others = {ref.value: ref.type for value in target.content.values() if (ref := as_ref(value)) and ref != manager}
    others |= {vm.host: "HostSystem" for vm in vms.values() if vm.host}
    others |= {vm.pool: "ResourcePool" for vm in vms.values() if vm.pool}
    return Facts(
        object=contract.object,
        manager=manager,
        api_version=target.api_version,
        versions=target.versions,
        url=target.url,
        instance=instance_of(target),
        sessions=sessions,
        privileges=held,
        vms=vms,
        others=others,
        levers=config.levers,
        staleness=config.staleness,
        runtime_staleness=min(
            config.runtime_staleness, config.staleness
        ),  # what Tools tell, the server tells later still
        alone=config.alone,
        publish=config.publish,
        guests=tuple(
            GuestAccount(account.username, f"secret:guest.{account.username}", account.may_customize)
            for account in config.guest
        ),
        task_seconds=config.task_seconds,
        confirm=config.confirm,
    )


def instance_of(target: Target) -> str:
    """Give the UUID by which a vCenter tells itself from every other, whatever its address; empty if it names none."""
    return str(target.about.get("instanceUuid") or "")


def reached(target: Target, contract: Contract) -> Ref:
    """Follow a contract's `content` to its object; a reference without a moId if the object is the VM itself.

    Raises AbsentError if the way ends before.
    """
    manager = Ref(contract.object, "")
    for number, name in enumerate(filter(None, contract.content.split("."))):
        values = target.content
        if number:
            done = read(target, FULL, manager, [name])
            values = done.outcome.value if isinstance(done.outcome, Returned) else {}
        ref = as_ref((values or {}).get(name))
        if ref is None:
            raise AbsentError(f"the target offers no {contract.content}")
        manager = ref
    return manager


Logged: TypeAlias = tuple[dict[str, str], dict[str, str]]


def log_in(target: Target, config: Config) -> Logged:
    """Open the sessions; gives each actor's session key, and its account."""
    accounts = {account.role: account for account in config.account}
    if "full" not in accounts:
        raise TargetError(f"{target.url}: no account is given; {way_to_accounts(target.url)}")
    keys, sessions = {}, {}
    for actor, role in _ROLES.items():
        if role in accounts and (role == "full" or "account" in config.allow):
            done = target.login(actor, accounts[role].username, f"account.{role}")
            value = done.outcome.value if isinstance(done.outcome, Returned) else {}
            keys[actor], sessions[actor] = str(value.get("key", "")), accounts[role].username
    return keys, sessions


def _vms(target: Target, config: Config, run: str) -> dict[str, VmFacts]:
    """Find the VMs that carry the mark; those that a run made and left are not for another to use."""
    surveyed_vms, marks = {}, marks_of(target, config)
    for ref, values in find_marked_vms(target, FULL, marks, _PATHS).items():
        if marks.refusal(values) or option(values, RUN) not in {"", run}:
            continue
        name = str(values.get("name", ref.value))
        host, pool = as_ref(values.get("runtime.host")), as_ref(values.get("resourcePool"))
        surveyed_vms[ref.value] = VmFacts(
            ref,
            name,
            int(values.get("summary.config.numEthernetCards", 0)),
            config.family(name) or family_of(str(values.get("config.guestId", ""))),
            config.engine(name),
            host.value if host else "",
            pool.value if pool else "",
            config.generator,
        )
    return surveyed_vms


def customizable(target: Target, facts: Facts) -> list[VmFacts]:
    """Read which VMs can be customized as they are, by name: Linux with a NIC and an engine, on, Tools up, nothing pending."""
    candidates = []
    for vm in sorted(facts.vms.values(), key=attrgetter("name")):
        if vm.family == "linux" and vm.engine == "ok" and vm.nics:
            outcome = read(target, FULL, vm.ref, STATE_PATHS, compact).outcome
            state = observe(State(), outcome.value) if isinstance(outcome, Returned) else State(exists=False)
            if state == State(network=state.network):
                candidates.append(vm)
    return candidates


def marked(facts: Facts, config: Config, pinned: Pinned | None) -> Facts:
    """Give the facts, with what a profile pins. Raises TargetError if they hold no VM: nothing on the target is ours."""
    if not facts.vms:
        raise TargetError(
            f"{facts.url}: no VM carries the mark {OWNER} = {config.owner}: put it on those that may be disturbed "
            "(vcontract adopt --vm PATTERN), or name your own in the configuration (owner)"
        )
    return replace(facts, pinned=pinned)


def actors_of(contract: Contract, facts: Facts) -> dict[str, str]:
    """Name the session that has all privileges, and for each method one that is known to lack one of its own."""
    actors = {"held": FULL}
    for method in contract.methods:
        for actor in (UNPRIVILEGED, READONLY):
            known = facts.privileges.get(facts.sessions.get(actor, ""), {})
            if any(known.get(privilege) == "nowhere" for privilege in method.privileges):
                actors.setdefault(f"nowhere:{method.name}", actor)
    return actors


def host_names(target: Target, facts: Facts) -> dict[str, str]:
    """Give the name of each host on which a VM of ours lives."""
    names = {}
    for moid in sorted({vm.host for vm in facts.vms.values() if vm.host}):
        done = read(target, FULL, Ref("HostSystem", moid), ["name"])
        if isinstance(done.outcome, Returned) and isinstance(done.outcome.value, Mapping):
            names[moid] = str(done.outcome.value.get("name", ""))
    return names


def as_json(facts: Facts) -> dict[str, Json]:
    """Give the facts as a history carries them."""
    plain: dict[str, Json] = msgspec.to_builtins(facts)
    return plain
