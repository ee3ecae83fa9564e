"""What of a contract can be tested with the accounts, VMs, levers and guests that there are; needs open sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from vcontract._client import Occupancy, Target
from vcontract._client.offered import in_words
from vcontract._client.properties import read
from vcontract._config.config import Config
from vcontract._config.printed_command import with_target
from vcontract._config.request import FULL as RISK_FULL
from vcontract._config.request import RunRequest
from vcontract._config.risk import CLONES, OBSERVE, REFUSALS, decided, told
from vcontract._contract import Contract, names
from vcontract._contract import rows as rows_of
from vcontract._model import Facts, all_cells, family_of
from vcontract._model.moves import MOVES, On, privileges_for
from vcontract._report.diagnosis import Check, Standing
from vcontract._run.estimates.forecast import untested
from vcontract._run.planning import reachable_cells
from vcontract._schema import bases_of
from vcontract._terms import Arguments, Call, Json, Ref, Returned, as_ref
from vcontract._testbed import (
    FULL,
    READONLY,
    UNPRIVILEGED,
    Logged,
    Site,
    Tenants,
    claims_now,
    clone_parents,
    find_marked_vms,
    given,
    marks_of,
    names_of,
    open_testbed,
    privileges_of,
    reached,
    survey_target,
    told_claims,
)

_PATHS = (
    "name",
    "config.guestId",
    "config.template",
    "runtime.powerState",
    "runtime.connectionState",
    "runtime.host",
    "guest.toolsRunningStatus",
)
_ARRANGING = privileges_for(MOVES[name] for name in ("snapshot", "removeSnapshot", "fork", "destroy"))
"""The privileges that any run needs to arrange states and to clear away what it made."""
_CLONING = frozenset(privileges_for(MOVES[name] for name in ("fork", "powerOff", "destroy")))
"""The privileges that a run needs to make instant clones and to destroy them."""
(_HOST,) = MOVES["hostLost"].privileges
_RUNNING = "guestToolsRunning"
_SHOWN = 6


def _by_permission(allowed: str) -> tuple[str, ...]:
    """Give the privileges on a VM that are needed where the operator allows something."""
    return privileges_for(move for move in MOVES.values() if move.needs == allowed and move.on in {On.VM, On.GUEST})


_ADDS = {
    "the configuration gives no lever ": '[[lever]] does = "{}"',
    "the configuration does not allow ": '"{}" among allow',
    "no second account": '[[account]] role = "unprivileged"',
    "no guest account whose login is accepted": "[[guest]] may_customize = true",
    "no guest account whose login is mayNot": "[[guest]] may_customize = false",
}
"""The line of a configuration that takes away what keeps a cell out of reach, by how the reason begins."""


def _line_that_adds(why: str) -> str:
    """Name the line of a configuration that would bring cells into reach that are not for a reason; empty if none would."""
    if why.startswith("no marked VM fits"):
        if "host disconnected" in why:
            return "hosts = [NAME], a host that carries no VM but marked ones"
        return '[[lever]] does = "startTools"' if "Tools ready" in why else ""
    return next((line.format(why.removeprefix(begin)) for begin, line in _ADDS.items() if why.startswith(begin)), "")


class _Vm(NamedTuple):
    """A VM as it was read."""

    ref: Ref
    name: str
    values: Mapping[str, Json]

    @property
    def linux(self) -> bool:
        return not str(self.values.get("config.guestId", "")).startswith("win")

    @property
    def ready(self) -> bool:
        """Whether its guest can be asked now."""
        on = self.values.get("runtime.powerState") == "poweredOn"
        return on and self.values.get("guest.toolsRunningStatus") == _RUNNING


class Testable:
    """Looks at what a run would need of a target; `logged` is what logging in gave."""

    def __init__(self, target: Target, config: Config, contract: Contract, logged: Logged, request: RunRequest) -> None:
        self.request = request
        self.target, self.config, self.contract = target, config, contract
        self.keys, self.sessions = logged
        self.vms: list[_Vm] = []
        self.hosts: tuple[str, ...] = ()
        self._around: dict[str, Occupancy] = {}
        self._weak = False
        self._held: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the marked VMs."""
        return tuple(vm.name for vm in self.vms)

    @property
    def families(self) -> dict[str, list[str]]:
        """The names of the marked VMs, by what is known to run in them."""
        found: dict[str, list[str]] = {}
        for vm in self.vms:
            family = self.config.family(vm.name) or family_of(str(vm.values.get("config.guestId", "")))
            found.setdefault("not known" if family == "other" else family, []).append(vm.name)
        return found

    def free_hosts(self) -> list[str]:
        """Name the hosts of the marked VMs on which there is no other VM; none if that cannot be known."""
        marked = {vm.ref.value for vm in self.vms}
        around = {name: self._around[name] for name in self.hosts if name in self._around}
        return [name for name, seen in around.items() if not seen.unknown and {*seen.vms} <= marked]

    def stages(self) -> dict[str, Callable[[], Iterator[Check]]]:
        """Give the stages by name, in the order in which they build on each other."""
        return {
            "object": self._object,
            "VMs": self._marked,
            "privileges": self._privileges,
            "levers": self._levers,
            "guests": self._guests,
            "rows": self._rows,
            "risk": self._risk,
        }

    def _object(self) -> Iterator[Check]:
        manager = reached(self.target, self.contract)
        yield Check(
            "object", Standing.OK, f"{self.contract.object}{f' is {manager.value}' if manager.value else ' itself'}"
        )

    def _marked(self) -> Iterator[Check]:
        marks = marks_of(self.target, self.config)
        listed = find_marked_vms(self.target, FULL, marks, _PATHS)
        self.vms = [
            _Vm(ref, str(values.get("name", ref.value)), values)
            for ref, values in listed.items()
            if not marks.refusal(values)
        ]
        seen = (
            f"{len(self.vms)} of {len(names_of(self.target, FULL))} carry the mark vcontract.owner={self.config.owner}"
        )
        if not self.vms:
            to_do = f"mark those that may be disturbed: {with_target('adopt --vm PATTERN', self.request)}"
            yield Check("VMs", Standing.BAD, seen, to_do, 5)
            return
        counts = [
            self._counted("runtime.powerState", {"poweredOn": "on", "poweredOff": "off"}),
            f"{sum(vm.linux for vm in self.vms)} Linux",
            self._counted(
                "guest.toolsRunningStatus", {_RUNNING: "Tools running", "guestToolsNotRunning": "Tools not running"}
            ),
        ]
        yield Check("VMs", Standing.OK, f"{seen}: {'; '.join(filter(None, counts))}")
        if used := claims_now(self.target, marks, ((vm.ref, vm.name, vm.values) for vm in self.vms)):
            seen = f"{len(used)} of {len(self.vms)} are in use: {told_claims(used.values())}"
            to_do = "wait for its end, clean up after it if it died (vcontract cleanup), or take them (--break-claim)"
            yield Check("claims", Standing.BAD, seen, to_do, 3)
        if any(entry.clones for entry in self.config.vm):
            yield self._parents()

    def _parents(self) -> Check:
        """Say of which VMs clones will be made; these must be on."""
        wanted = [(vm, count) for vm in self.vms if (count := self.config.clones(vm.name))]
        if not wanted:
            return Check("clones", Standing.BAD, "no marked VM has a name of which [[vm]] wants clones", "mend name", 2)
        off = [vm.name for vm, _ in wanted if vm.values.get("runtime.powerState") != "poweredOn"]
        if off:
            return Check("clones", Standing.BAD, f"{', '.join(off)} cannot be cloned, not being on", "power them on", 3)
        clones = ", ".join(f"{count} of {vm.name}" for vm, count in wanted)
        return Check("clones", Standing.OK, f"{clones} will be made, tested and destroyed; no other VM is disturbed")

    def _counted(self, path: str, words: Mapping[str, str]) -> str:
        counts = Counter(str(vm.values.get(path, "")) for vm in self.vms)
        return ", ".join(f"{count} {words.get(value, value)}" for value, count in sorted(counts.items()) if value)

    def _privileges(self) -> Iterator[Check]:
        """Ask of each account what it may do with the first VM; of the others what they must not."""
        if not self.vms:
            yield Check("privileges", Standing.NONE, "not looked at: they are asked for a marked VM")
            return
        methods = sorted({name for method in self.contract.methods for name in method.privileges})
        arranging = [*_ARRANGING, *(name for needed in self.config.allow for name in _by_permission(needed))]
        vm = self.vms[0]
        held = privileges_of(self.target, self.keys[FULL], [*dict.fromkeys([*methods, *arranging])], vm.ref)
        lacking = [name for name, how in held.items() if how != "held"]
        self._held = frozenset(held) - frozenset(lacking)
        self._weak = not held or any(privilege in methods for privilege in lacking)
        if not held:
            yield Check("privileges full", Standing.BAD, "the target does not tell them", "is it a vCenter?", 5)
        elif lacking:
            to_do = "give its role those, on the marked VMs and their folder"
            seen = f"{self.sessions[FULL]} lacks {', '.join(lacking)} on {vm.name}"
            yield Check("privileges full", Standing.BAD, seen, to_do, 5)
        else:
            yield Check("privileges full", Standing.OK, f"{self.sessions[FULL]} holds all {len(held)} on {vm.name}")
        for actor in (UNPRIVILEGED, READONLY):
            if actor in self.keys and methods:
                yield self._lacks(actor, methods, vm)

    def _lacks(self, actor: str, methods: list[str], vm: _Vm) -> Check:
        held = privileges_of(self.target, self.keys[actor], methods, vm.ref)
        kept = [name for name in methods if held.get(name) == "nowhere"]
        if kept:
            return Check(f"privileges {actor}", Standing.OK, f"{self.sessions[actor]} lacks {', '.join(kept)}")
        seen = f"{self.sessions[actor]} is not known to lack {' or '.join(methods)}"
        return Check(f"privileges {actor}", Standing.NONE, seen, "what rests on that is said with the rows")

    def _levers(self) -> Iterator[Check]:
        """Say which levers there are, and whether the hosts that may be lost are there."""
        names = {lever.does: None for lever in self.config.levers}
        refs = self._hosts()
        self.hosts = tuple(sorted(refs))
        self._around = {name: Tenants()(self.target, ref, FULL) for name, ref in refs.items()}
        for lever, seen in (
            ("power", "power operations"),
            ("tools", f"commands inside guests: {', '.join(names) or 'none is configured'}"),
        ):
            used = lever in self.config.allow and (lever != "tools" or bool(names))
            usage = seen if lever in self.config.allow else f'not used: "{lever}" is not among allow'
            yield Check(f"lever {lever}", Standing.OK if used else Standing.NONE, usage)
        if "host" not in self.config.allow or not self.config.hosts:
            none = (
                "no host may be disconnected" if "host" in self.config.allow else 'not used: "host" is not among allow'
            )
            yield Check("lever host", Standing.NONE, none)
            return
        for name in self.config.hosts:
            yield self._host(name, refs.get(name))

    def _hosts(self) -> dict[str, Ref]:
        """Find the hosts of the marked VMs by name."""
        by_name = {}
        refs = {ref for vm in self.vms if (ref := as_ref(vm.values.get("runtime.host"))) is not None}
        for ref in sorted(refs):
            outcome = read(self.target, FULL, ref, ["name"]).outcome
            if isinstance(outcome, Returned) and isinstance(outcome.value, dict):
                by_name[str(outcome.value.get("name", ""))] = ref
        return by_name

    def _host(self, name: str, ref: Ref | None) -> Check:
        if ref is None:
            seen = f"{name}: no marked VM is on a host of this name"
            return Check("lever host", Standing.BAD, seen, "correct hosts, or move a marked VM there", 5)
        held = privileges_of(self.target, self.keys[FULL], [_HOST], ref)
        if held.get(_HOST) != "held":
            return Check("lever host", Standing.BAD, f"{name}: the account lacks {_HOST}", "give its role that", 5)
        around = self._around[name]
        if around.unknown:
            to_do = "without that it is not disconnected"
            return Check("lever host", Standing.BAD, f"{name}: its VMs are not known: {around.unknown}", to_do, 5)
        if others := sorted({*around.vms} - {vm.ref.value for vm in self.vms}):
            carries = (
                f"{name}: {', '.join(others[:_SHOWN])}{' …' if others[_SHOWN:] else ''} on it carry no mark of ours"
            )
            return Check("lever host", Standing.BAD, f"{carries}: it is not disconnected", "move them elsewhere", 5)
        return Check("lever host", Standing.OK, f"{name} may be disconnected")

    def _guests(self) -> Iterator[Check]:
        """Log each guest account in to one guest that can be asked: ValidateCredentialsInGuest changes nothing."""
        ready = [vm for vm in self.vms if vm.linux and vm.ready]
        manager = as_ref(self.target.content.get("guestOperationsManager"))
        outcome = read(self.target, FULL, manager, ["authManager"]).outcome if manager and self.config.guest else None
        values = outcome.value if isinstance(outcome, Returned) and isinstance(outcome.value, dict) else {}
        auth = as_ref(values.get("authManager"))
        if not self.config.guest:
            yield Check("guests", Standing.BAD, "no account inside the guests is given", "give one as [[guest]]", 5)
        elif auth is None or not ready:
            why = "no marked Linux VM is on with Tools running" if auth else "the target offers no login to guests"
            yield Check("guests", Standing.NONE, f"not looked at: {why}")
        else:
            for account in self.config.guest:
                yield self._guest(account.username, auth, ready[0])

    def _guest(self, username: str, auth: Ref, vm: _Vm) -> Check:
        login = {
            "_typeName": "NamePasswordAuthentication",
            "interactiveSession": False,
            "username": username,
            "password": f"secret:guest.{username}",
        }
        call = Call(auth, "ValidateCredentialsInGuest", Arguments({"vm": vm.ref.json(), "auth": login}), FULL)
        outcome = self.target.send(call).outcome
        if isinstance(outcome, Returned):
            return Check(f"guest {username}", Standing.OK, f"{vm.name} accepts the login")
        seen = f"{vm.name} refuses the login: {in_words(outcome)}"
        return Check(f"guest {username}", Standing.BAD, seen, "check user name and password in the guest", 5)

    def _rows(self) -> Iterator[Check]:
        """Foresee which rows will stay untested; one line for each thing that keeps some from being tested."""
        if not self.vms or self._weak:
            seen = "no VM" if not self.vms else "the full account may not make the calls"
            yield Check("rows", Standing.NONE, f"not foreseen: {seen}")
            return
        site = Site(self.target, self.contract, self.config, RunRequest())
        testbed = open_testbed(site, given(self._facts(), {}, logs_in=False))
        _, away = reachable_cells(testbed)
        total = len(all_cells(self.contract))
        yield Check("cells", Standing.OK, f"{total - len(away)} of {total} can be reached; run --cells lists them")
        added = Counter(line for why in away.values() if (line := _line_that_adds(why)))
        for line, count in added.most_common():
            yield Check("cells", Standing.NONE, f"up to {count} more with {line}")
        for idle in [
            *self.config.idle(
                [row.id for row in rows_of(self.contract, bases_of(self.target.schema))],
                {*names()} - {self.contract.object},
            ),
            *self.config.absent(self.names, self.config.hosts),
        ]:
            yield Check("configuration", Standing.NONE, idle, "mend that, or take it out")
        left = untested(self.contract, bases_of(self.target.schema), away)
        waived = [row for row in left if self.config.waiver(row)]
        by_reason: dict[str, list[str]] = {}
        for row, why in left.items():
            if row not in waived:
                by_reason.setdefault(why, []).append(row)
        for why, rows in by_reason.items():
            more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
            seen = f"{len(rows)} will stay untested: {why}: {', '.join(rows[:_SHOWN])}{more}"
            yield Check("rows", Standing.BAD, seen, "mend that, or give the reason as [[waive]]", 5)
        if not by_reason:
            yield Check(
                "rows", Standing.OK, f"all can be tested{f', but {len(waived)} that are waived' if waived else ''}"
            )

    def _risk(self) -> Iterator[Check]:
        """Advise a level of risk, and say what it does and leaves."""
        level, why = self._advised()
        usual = decided(self.request).risk
        named = "" if level == usual else f" (none named: {usual})"
        yield Check("risk", Standing.OK, f"--risk {level} is advised{named}: {why}; {told(level)}")

    def _advised(self) -> tuple[str, str]:
        if not self.vms:
            return OBSERVE, "no VM carries the mark"
        if self.config.server.start or decided(self.request).risk == RISK_FULL:
            return RISK_FULL, "it is vcontract's own simulator, or a server that the run starts"
        running = sum(vm.ready for vm in self.vms)
        if running and "power" in self.config.allow and not self._weak and self._held >= _CLONING:
            return CLONES, f"{running} marked VMs are on and can be cloned, and none of them need be disturbed"
        return REFUSALS, "no marked VM can be cloned as things are"

    def _facts(self) -> Facts:
        """Give the facts of a run; where clones would be tested, their parents stand for them."""
        facts = survey_target(self.target, self.config, self.contract, (self.keys, self.sessions))
        wanted = clone_parents(self.config, facts)
        return replace(facts, vms={vm.ref.value: vm for vm, _ in wanted}) if wanted else facts
