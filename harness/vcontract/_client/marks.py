"""The marks that allow the harness to disturb a VM: its owner, the run that uses it and, if a run made it, that run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import msgspec

from vcontract._terms import TIME, Arguments, Call, Json, Operation, Ref, Returned, as_ref, moment, subject

OWNER, RUN, CLAIM = "vcontract.owner", "vcontract.run", "vcontract.claim"
"""Keys in a VM's extraConfig; custom attributes by the names of the first and the last count as well."""

CONFIG, VALUES = "config.extraConfig", "customValue"
CHANGE = "config.changeVersion"
"""The property that changes with each reconfiguration of a VM: one that names it fails if another came before."""
_PREFIX = "vcontract."
_CLAIM = re.compile(r"run=(\S+) vm=(\S+) until=(\S+) by=(.*)", re.DOTALL)
_SET_FIELD, _RECONFIGURE = "SetField", "ReconfigVM_Task"


class Claim(msgspec.Struct, frozen=True):
    """Says that a run uses a VM, and nobody else may.

    `run` is the mark of the run, `vm` the moId of the VM, `until` a moment by the server's clock (ISO 8601; what is no moment
    never comes), `by` the account. As a mark it is one line of text.
    """

    run: str
    vm: str
    until: str
    by: str

    @classmethod
    def of_text(cls, text: str, vm: str) -> Claim | None:
        """Read the mark of a VM; None if it is none of this VM, as on a clone.

        One that cannot be read is somebody's all the same.
        """
        if not text:
            return None
        read = _CLAIM.fullmatch(text)
        claim = cls(*read.groups()) if read is not None else cls("", vm, "", text)
        return claim if claim.vm == vm else None

    def text(self) -> str:
        """Write the mark."""
        return f"run={self.run} vm={self.vm} until={self.until} by={self.by}"

    def told(self) -> str:
        """Say by whom and until when, for people."""
        return (
            f"run {self.run} of {self.by} until {self.until}" if self.run else f"somebody who wrote {self.by[:200]!r}"
        )

    def is_over(self, now: datetime | None) -> bool:
        """Whether the claim has ended at a moment of the server; not if either is not known."""
        try:
            return now is not None and moment(self.until) <= now
        except ValueError:
            return False


class Marks(msgspec.Struct, frozen=True):
    """How the marks of one configuration look on one target.

    `owner` is the value that makes a VM ours; `attribute` is the key of the custom attribute OWNER, `claiming` that of CLAIM
    (0: the target has none). `claimant` is the name of the run in its claims, as a reply shows it (empty: it makes none).
    """

    owner: str
    attribute: int = 0
    claiming: int = 0
    claimant: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The properties of a VM that show its marks."""
        return (CONFIG, VALUES) if self.attribute or self.claiming else (CONFIG,)

    def only(self, values: dict[str, Json]) -> dict[str, Json]:
        """Keep of a VM's values the marks alone; the rest of extraConfig is not needed, and may be secret."""
        kept = dict(values)
        if CONFIG in values:
            kept[CONFIG] = [
                option_value
                for option_value in values[CONFIG] or ()
                if str(option_value.get("key", "")).startswith(_PREFIX)
            ]
        if VALUES in values:
            kept[VALUES] = [
                field_value
                for field_value in values[VALUES] or ()
                if field_value.get("key") in {self.attribute, self.claiming} - {0}
            ]
        return kept

    def refusal(self, values: Mapping[str, Json]) -> str:
        """Give the reason why a VM is not ours; empty if it is.

        All marks that it has must name the owner: if one names another, somebody may have taken the VM back.
        """
        owners = self.owners(values)
        if not owners:
            return f"it carries no mark {OWNER}"
        others = [owner for owner in owners if owner != self.owner]
        return f"its mark {OWNER} is {others[0]!r}, not {self.owner!r}" if others else ""

    def owners(self, values: Mapping[str, Json]) -> list[str]:
        """List the owners that the marks of a VM name: that of extraConfig, then that of the custom attribute."""
        return [owner for owner in (option(values, OWNER), _attribute(values, self.attribute)) if owner]

    def claims(self, values: Mapping[str, Json], vm: str) -> dict[str, Claim]:
        """Give the claims on a VM (moId) that its marks show, by their form: VALUES a custom attribute, CONFIG extraConfig."""
        texts = {VALUES: _attribute(values, self.claiming), CONFIG: option(values, CLAIM)}
        return {form: claim for form, text in texts.items() if (claim := Claim.of_text(text, vm)) is not None}

    def claims_by(self, call: Call) -> dict[str, str]:
        """Give the text that a call sets as the claim of a VM (moId), and nothing beside; empty if it is no such call."""
        values = call.payload.values if isinstance(call.payload, Arguments) else {}
        if call.method == _SET_FIELD and self.claiming and values.get("key") == self.claiming:
            vm = as_ref(values.get("entity"))
            return {vm.value: str(values.get("value"))} if vm is not None and vm.type == "VirtualMachine" else {}
        spec = values.get("spec") if call.method == _RECONFIGURE else None
        if not isinstance(spec, Mapping) or not spec.keys() <= {"_typeName", "extraConfig", "changeVersion"}:
            return {}
        texts = {
            option_value.get("key"): _plain(option_value.get("value")) for option_value in spec.get("extraConfig") or ()
        }
        return {subject(call): texts[CLAIM]} if texts.keys() == {CLAIM} else {}

    def attribute_call(self, manager: Ref, vm: Ref, text: str, actor: str) -> Call:
        """Make the call that sets the claim of a VM as a custom attribute; `manager` is the CustomFieldsManager."""
        return Call(manager, _SET_FIELD, Arguments({"entity": vm.json(), "key": self.claiming, "value": text}), actor)


class ClaimWatch:
    """What one run knows of claims on VMs, its own and those of others; it hears what the guard hears.

    `claimed` are the VMs (moIds) that it was seen to claim. Moments are those of
    the recorder.
    """

    def __init__(self, marks: Marks) -> None:
        self._breaks = False
        self.claimed: set[str] = set()
        self._marks = marks
        self._told_time: tuple[datetime, float] | None = None

    @contextmanager
    def breaking(self, yes: bool) -> Iterator[None]:  # noqa: FBT001 - it says whether
        """Let what others claim be claimed meanwhile, if so."""
        self._breaks = yes
        try:
            yield
        finally:
            self._breaks = False

    def saw(self, vm: str, values: Mapping[str, Json]) -> None:
        """Take a read of a VM's marks."""
        if self.own(vm, values) is not None:
            self.claimed.add(vm)

    def heard(self, done: Operation) -> None:
        """Take an operation that was answered: the server's time, or that a claim was let go."""
        if done.call.method == TIME and isinstance(done.outcome, Returned):
            with suppress(ValueError):
                self._told_time = moment(done.outcome.value), done.start
        self.claimed -= {vm for vm, text in self._marks.claims_by(done.call).items() if not text}

    def time(self, now: float) -> datetime | None:
        """Give the server's time at a moment, by what it told last; None if it never did."""
        if self._told_time is None:
            return None
        time, then = self._told_time
        return time + timedelta(seconds=now - then)

    def own(self, vm: str, values: Mapping[str, Json]) -> Claim | None:
        """Give the claim of this run that a VM shows; None if there is none."""
        claims = self._marks.claims(values, vm) if self._marks.claimant else {}
        return next((claim for claim in claims.values() if claim.run == self._marks.claimant), None)

    def other(self, vm: str, values: Mapping[str, Json], now: float) -> Claim | None:
        """Give the claim of another run that a VM shows and that has not ended; None if there is none."""
        claims, time = self._marks.claims(values, vm), self.time(now)
        return next(
            (claim for claim in claims.values() if claim.run != self._marks.claimant and not claim.is_over(time)), None
        )

    def refusal(self, vm: str, values: Mapping[str, Json], now: float, call: Call) -> str:
        """Say why a call about a VM with these marks must not be sent at a moment, for a claim; empty if it may."""
        sets = self._marks.claims_by(call)
        other = self.other(vm, values, now)
        if other is not None and not (sets and self._breaks):
            return f"{other.told()} claims it"
        if sets or vm not in self.claimed:
            return ""
        own = self.own(vm, values)
        if own is None:
            return "the claim of this run on it is gone"
        return f"the claim of this run on it ended at {own.until}" if own.is_over(self.time(now)) else ""


def option_call(vm: Ref, text: str, version: str, actor: str) -> Call:
    """Make the call that sets the claim of a VM in its extraConfig; it fails if the VM is not of this changeVersion any more.

    An empty version is not asked for.
    """
    spec = {"_typeName": "VirtualMachineConfigSpec", "extraConfig": options(claim=text)}
    return Call(vm, _RECONFIGURE, Arguments({"spec": spec | ({"changeVersion": version} if version else {})}), actor)


def _attribute(values: Mapping[str, Json], key: int) -> str:
    """Give the value of a custom attribute; empty if it has none, or if there is no such attribute (0)."""
    texts = [
        _plain(field_value.get("value"))
        for field_value in (values.get(VALUES) or () if key else ())
        if field_value.get("key") == key
    ]
    return texts[-1] if texts else ""


def option(values: Mapping[str, Json], key: str) -> str:
    """Give the value of a key in a VM's extraConfig; the last one counts, as a server may append instead of replacing."""
    texts = [
        _plain(option_value.get("value")) for option_value in values.get(CONFIG) or () if option_value.get("key") == key
    ]
    return texts[-1] if texts else ""


def options(**named: str) -> list[Json]:
    """Give marks as OptionValues, by the part of the key after `vcontract.`."""
    return [
        {"_typeName": "OptionValue", "key": _PREFIX + name, "value": {"_typeName": "string", "_value": value}}
        for name, value in named.items()
    ]


def _plain(value: Json) -> str:
    plain = value.get("_value") if isinstance(value, Mapping) else value
    return "" if plain is None else str(plain)
