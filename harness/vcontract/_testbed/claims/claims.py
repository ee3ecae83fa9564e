"""The claims of one run: written before it disturbs anything, read back, and let go when all is put back.

A claim is a mark of a VM, as its owner is: a custom attribute where the target has one of that name and the account may set
it, else an entry in extraConfig, whose writing fails if the VM was reconfigured since it was read (ReconfigVM_Task with
changeVersion, vSphere Web Services SDK). It holds until a moment by the server's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from vcontract._client import Guard, Marks, Target
from vcontract._client.marks import CHANGE, CONFIG, VALUES, Claim, ClaimWatch, option_call
from vcontract._client.tasks import follow, info
from vcontract._config.printed_command import command
from vcontract._errors import ClaimedError, HaltedError
from vcontract._terms import TIME, Arguments, Call, Faulted, Json, Lost, Ref, as_ref
from vcontract._testbed.actors import FULL

LASTING = 24 * 3600.0
"""Seconds for which a claim holds, beside those for which the run is asked to last."""
_PATIENCE = 600.0
"""Seconds that the reconfiguration of a VM may take."""
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0)
"""Seconds between two tries where somebody else changes the VM meanwhile."""
_INSTANCE = Ref("ServiceInstance", "ServiceInstance")
_RACED = frozenset({"ConcurrentAccess", "TaskInProgress"})
_NO_REPLY, _LOST = "no reply came", 2
"""What is said where a reply was lost, and how often the claim is set again then: what is set twice is the same."""
_NAMED = 3
"""So many VMs are named on a line."""
_HIDDEN = "the target took the claim and does not show it"


class Claims:
    """The claims of one run on VMs of one target, in the name of `run`; none are made if that is empty.

    `account` is whose they are, as they say, and `seconds` how long the run is asked to last. With `breaks` what others claim
    is claimed too. `notes` are lines on what could not be claimed, or what was taken from others; `sent` counts the requests
    that it took to claim.
    """

    def __init__(
        self, target: Target, guard: Guard, run: str, account: str, *, seconds: float = 0.0, breaks: bool = False
    ) -> None:
        self.notes: list[str] = []
        self.sent = 0
        self._target, self._guard = target, guard
        self._run, self._account, self._seconds, self._breaks = run, account, seconds, breaks
        self._form = VALUES if guard.marks.claiming else CONFIG
        self._until = ""
        self._written: set[str] = set()

    def take(self, vms: Mapping[str, str], sparing: Collection[str] = ()) -> None:
        """Claim VMs, by moId with their names, in the same order as every run, and make sure that each is claimed.

        Those that a run of `sparing` claims are left to it. Raises ClaimedError if another run claims one of the others, or
        claims it at the same time; then none is.
        """
        if sparing:
            vms = {
                moid: name
                for moid, name in vms.items()
                if (other := self._other(moid)) is None or other.run not in sparing
            }
        if not self._run or not vms:
            return
        before = self._target.recorder.requests
        self._target.send(Call(_INSTANCE, TIME, Arguments({}), FULL))
        now = self._guard.claims.time(self._target.recorder.now())
        if now is None:
            self.notes.append("no VM is claimed, for the server does not tell its time: let no other run disturb them")
            return
        self._written = set(vms)
        self._until = (now + timedelta(seconds=LASTING + self._seconds)).isoformat(timespec="seconds")
        try:
            with self._guard.claims.breaking(self._breaks):
                refused = self._taken(vms)
        except ClaimedError as error:
            left = self.release()
            raise ClaimedError("; ".join([self._in_use(vms, str(error)), *left])) from error
        for why, moids in refused.items():
            names = few([vms[moid] for moid in moids])
            self.notes.append(f"not claimed, so let no other run disturb them meanwhile: {names} ({why})")
        self.sent = self._target.recorder.requests - before

    def release(self) -> list[str]:
        """Let the VMs go that this run claims; gives a line on those that stay claimed."""
        failed = self._set(dict.fromkeys(sorted(self._written), ""))
        return self.staying("; ".join(failed)) if failed else []

    def staying(self, why: str) -> list[str]:
        """Say that claims stay, and why, if any do."""
        count = len(self._guard.claims.claimed & self._written)
        away = command("cleanup", {"target": (self._target.url,)})
        return [f"{count} VMs stay claimed until {self._until} ({why}); `{away}` lets them go"] if count else []

    def _taken(self, vms: Mapping[str, str]) -> dict[str, list[str]]:
        """Write the claims and read them back; gives the VMs that could not be claimed, by the reason."""
        texts = {moid: Claim(self._run, moid, self._until, self._account).text() for moid in sorted(vms)}
        first = next(iter(texts))  # whoever comes second learns it there, before anything else is written
        refused = self._set({first: texts[first]})
        for why, moids in self._set({moid: text for moid, text in texts.items() if moid != first}).items():
            refused[why] += moids
        reasons = {moid: why for why, moids in refused.items() for moid in moids}
        unclaimed: dict[str, list[str]] = defaultdict(list)
        for moid in texts:
            if (other := self._other(moid)) is not None:
                raise ClaimedError(f"{moid}: {other.told()} claims it")
            if moid not in self._guard.claims.claimed:
                unclaimed[reasons.get(moid, _HIDDEN)].append(moid)
        return unclaimed

    def _set(self, texts: Mapping[str, str]) -> dict[str, list[str]]:
        """Set claims (an empty text: none) of VMs; gives those for which that failed, by the reason. Raises ClaimedError."""
        failed: dict[str, list[str]] = defaultdict(list)
        left = dict(texts)
        for number, pause in enumerate((*_PAUSES, 0.0)):
            again = {*(_RACED if pause else ()), *({_NO_REPLY} if number < _LOST else ())}
            begun: dict[str, list[Ref | str]] = {}
            claimed: ClaimedError | None = None
            for moid, text in left.items():
                try:
                    begun[moid] = self._begun(Ref("VirtualMachine", moid), text)
                except ClaimedError as error:
                    claimed = error
                    break
            reasons = {moid: next(filter(None, map(self._ended, parts)), "") for moid, parts in begun.items()}
            if claimed is not None:
                raise claimed
            left = {moid: left[moid] for moid, why in reasons.items() if why in again}
            for moid, why in reasons.items():
                if why and moid not in left:
                    failed[why].append(moid)
            if not left:
                break
            self._target.recorder.sleep(pause)
        return failed

    def _begun(self, vm: Ref, text: str) -> list[Ref | str]:
        """Make the calls that set the claim of a VM; gives the task of each, or why it failed. Raises ClaimedError."""
        if gone := self._target.over or self._target.pulse.stopped:
            return [gone]
        try:
            seen = self._guard.read_marks(self._target, vm, FULL, (CHANGE,))
            if isinstance(seen, str):
                return [str(seen)]
            return [self._sent(call) for call in self._calls(vm, text, seen[1] or {})] if seen[1] is not None else []
        except ClaimedError:
            if text:
                raise
            return []  # it is another's by now, and none of ours to let go
        except HaltedError as error:
            return [str(error)]

    def _calls(self, vm: Ref, text: str, values: Mapping[str, Json]) -> Iterator[Call]:
        """Give the calls: in whatever form somebody else's claim is broken, or ours let go, and then in ours."""
        claims = self._guard.marks.claims(values, vm.value)
        ours = self._guard.marks.claimant
        if self._breaks and text and (other := self._guard.claims.other(vm.value, values, self._target.recorder.now())):
            self.notes.append(f"took {vm.value} from {other.told()} (--break-claim)")
        for form, claim in claims.items():
            if (form != self._form and self._breaks) if text else claim.run == ours:
                yield self._call(vm, form, "", values)
        if text:
            yield self._call(vm, self._form, text, values)

    def _call(self, vm: Ref, form: str, text: str, values: Mapping[str, Json]) -> Call:
        if form == VALUES:
            return self._guard.marks.attribute_call(self._target.manager("customFieldsManager"), vm, text, FULL)
        return option_call(vm, text, str(values.get(CHANGE) or ""), FULL)

    def _sent(self, call: Call) -> Ref | str:
        """Send a call; gives its task, else why it failed, or nothing. An attribute that may not be set leaves extraConfig."""
        outcome = self._target.send(call, "arrange").outcome
        if isinstance(outcome, Lost):
            return _NO_REPLY
        if not isinstance(outcome, Faulted):
            return as_ref(outcome.value) or ""
        if call.object.type != "VirtualMachine" and self._form == VALUES and self._text_of(call):
            self._form = CONFIG
            return min(_RACED)  # so it is tried again, in the other form
        return outcome.fault.type

    def _text_of(self, call: Call) -> str:
        return next(iter(self._guard.marks.claims_by(call).values()), "")

    def _ended(self, begun: Ref | str) -> str:
        """Follow a task to its end; says why it failed, if it did."""
        if isinstance(begun, str):
            return begun
        last = info(follow(self._target, FULL, begun, deadline_seconds=_PATIENCE)[-1])
        if last.get("state") == "success":
            return ""
        fault = (last.get("error") or {}).get("fault") or {}
        return str(fault.get("_typeName", "no end in time"))

    def _other(self, moid: str) -> Claim | None:
        """Read a VM's marks, and give the claim of another run on it."""
        seen = self._guard.read_marks(self._target, Ref("VirtualMachine", moid), FULL)
        values = None if isinstance(seen, str) else seen[1]
        return self._guard.claims.other(moid, values or {}, self._target.recorder.now())

    def others(self, vms: Mapping[str, str]) -> dict[str, tuple[str, Claim]]:
        """Give those of some VMs that other runs claim, with their names and the claims; none if what others claim is taken."""
        seen = {} if self._breaks else {moid: (name, self._other(moid)) for moid, name in sorted(vms.items())}
        return {moid: (name, claim) for moid, (name, claim) in seen.items() if claim is not None}

    def _in_use(self, vms: Mapping[str, str], why: str) -> str:
        """Say who uses which of the VMs."""
        told = told_claims(self.others(vms).values()) or why
        return (
            f"{self._target.url}: VMs are in use: {told}: wait for its end, clean up after it if it died (vcontract "
            "cleanup), or name other VMs (owner); --break-claim takes them from it"
        )


def claims_now(
    target: Target, marks: Marks, vms: Iterable[tuple[Ref, str, Mapping[str, Json]]]
) -> dict[str, tuple[str, Claim]]:
    """Give the VMs (by moId) that somebody claims now, with their names and the claims; of each its marks were read."""
    watch = ClaimWatch(marks)
    watch.heard(target.send(Call(_INSTANCE, TIME, Arguments({}), FULL)))
    now = target.recorder.now()
    seen = ((ref, name, watch.other(ref.value, values, now)) for ref, name, values in vms)
    return {ref.value: (name, claim) for ref, name, claim in seen if claim is not None}


def claimant_of(verb: str) -> str:
    """Make a name for the claims of a verb that is no run with a directory."""
    return f"{verb}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{token_hex(3)}"


def told_claims(seen: Iterable[tuple[str, Claim]]) -> str:
    """Say who claims which VMs, given by name."""
    used: dict[str, list[str]] = defaultdict(list)
    for name, claim in seen:
        used[claim.told()].append(name)
    return "; ".join(f"{few(names)} by {who}" for who, names in used.items())


def few(names: Sequence[str]) -> str:
    """List the first of some names, and say how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
