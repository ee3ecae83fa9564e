"""Says which field of a specification a vCenter will refuse, before the call: the rules of the model, with their sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Literal

import msgspec

from vcontract import __version__
from vcontract._api.reading.loose import Loose, SpecificationError, stated
from vcontract._api.reading.read import read_file
from vcontract._api.reading.typed import Read, read_typed
from vcontract._contract import version_number
from vcontract._contract.specification import specification_rules
from vcontract._errors import UsageError
from vcontract._model import VmFacts, family_of
from vcontract._model.spec_rules import found
from vcontract._schema import SHIPPED, load
from vcontract._terms import Json, Ref

LIVE, OFFLINE = "CustomizeGuest_Task", ("CustomizeVM_Task", "CloneVM_Task")
METHODS = (LIVE, *OFFLINE)
FAMILIES = ("linux", "windows", "other")
SCHEMA = "vcontract.spec-check/1"
_UNSETTLED = "no source says what a vCenter does with it"
_NOWHERE = Ref("VirtualMachine", "vm-0")
_REQUEST = ("InvalidRequest", "InvalidArgument")
_ASKED = {
    "guest": "the guest's family",
    "nics": "how many network adapters the VM has",
    "method": "by which method it is sent",
    "generator": "whether the vCenter has an application that makes up names and addresses",
    "decrypts": "whether the vCenter knows the key of encrypted passwords",
    "type": "which type the object has, for the file does not say",
}


class SpecFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of VM and vCenter; None is unknown, and what depends on it then is no more than "may be refused".

    `api`: API version of the vCenter, as 8.0.3.0. `guest`: linux, windows, other, or a `guestId` as ubuntu64Guest. `nics`:
    network adapters of the VM. `method`: CustomizeGuest_Task (a running guest), CustomizeVM_Task or CloneVM_Task (the next
    boot). `generator`: the vCenter has an application that makes up names and addresses. `decrypts`: it knows the key of
    encrypted passwords.
    """

    api: str | None = None
    guest: str | None = None
    nics: int | None = None
    method: str | None = None
    generator: bool | None = None
    decrypts: bool | None = None


class Problem(msgspec.Struct, frozen=True):
    """One field that a vCenter will, or may, refuse.

    `path` leads to the field, as `spec.identity.hostName.name`; `rule` is an id of contracts/ORACLE.md, `says` the rule in
    a sentence, `detail` what is wrong, if that is more. `faults` are WSDL names. `source` has the letters of the rule's
    sources, `evidence` says where to read them. `unknown`: for a `may`, what would settle it; `inferred` that no source does.
    """

    certainty: Literal["will", "may"]
    path: str
    rule: str
    says: str
    faults: tuple[str, ...]
    source: str
    evidence: tuple[str, ...]
    detail: str = ""
    unknown: tuple[str, ...] = ()
    inferred: bool = False


class SpecReport(msgspec.Struct, frozen=True):
    """What `vcontract spec check --format json` prints: the file, how it is written, what was known, what was found."""

    schema: str
    version: str
    file: str
    dialect: str
    facts: SpecFacts
    problems: tuple[Problem, ...]


def check_spec(spec: Mapping[str, Any] | Path | str, facts: SpecFacts | None = None) -> tuple[Problem, ...]:
    """Name the fields of a CustomizationSpec that a vCenter will refuse, those first, and those that it may refuse.

    `spec`: a file in any form that `vcontract spec check` reads, or an object of such a JSON file. Nothing is sent.
    Raises UsageError, in one line, for what is no specification, or facts that contradict themselves.
    """
    return report(spec, facts).problems


def report(spec: Mapping[str, Any] | Path | str, facts: SpecFacts | None = None) -> SpecReport:
    """Check as `check_spec` does, and say how the file is written."""
    known = _sound(facts or SpecFacts())
    name = "" if isinstance(spec, Mapping) else str(spec)
    loose = _given(spec) if isinstance(spec, Mapping) else read_file(name)
    try:
        read = read_typed(loose, load(SHIPPED[-1]))
    except SpecificationError as wrong:
        raise SpecificationError(f"{name}: {wrong}" if name else str(wrong)) from wrong.__cause__
    problems = [*_of_schema(read), *_of_release(read, known)]
    if not read.refused:
        problems += _of_rules(read, known)
    settled = {each.path for each in problems if each.certainty == "will"}
    kept = [each for each in problems if each.certainty == "will" or each.path not in settled]
    return SpecReport(
        SCHEMA, __version__, name, loose.dialect, known, tuple(sorted(kept, key=lambda each: each.certainty != "will"))
    )


def _given(spec: Mapping[str, Any]) -> Loose:
    """Take an object as a file that says the same."""
    root = {str(name): value for name, value in spec.items()}
    return Loose(root, "values", untyped=not stated(root))


def _sound(facts: SpecFacts) -> SpecFacts:
    """Refuse facts that cannot be. Raises UsageError with what may be."""
    if facts.method is not None and facts.method not in METHODS:
        raise UsageError(f"method {facts.method!r}: must be one of {', '.join(METHODS)}")
    if facts.nics is not None and facts.nics < 0:
        raise UsageError(f"nics {facts.nics}: must be 0 or more")
    if facts.api is not None and not version_number(facts.api):
        raise UsageError(f"api {facts.api!r}: must be an API version, as 8.0.3.0")
    if facts.guest is not None and facts.guest not in FAMILIES and not facts.guest.endswith("Guest"):
        raise UsageError(f"guest {facts.guest!r}: must be {', '.join(FAMILIES)}, or a guestId as ubuntu64Guest")
    return facts


def _problem(certainty: Literal["will", "may"], rule: str, path: str, **more: Any) -> Problem:
    said = specification_rules()[rule]
    if not said.sourced:  # what nobody shows is no promise, whatever else holds
        certainty = "may"
    return Problem(certainty, path, rule, said.says, more.pop("faults", ()), said.source, said.evidence, **more)


def _of_schema(read: Read) -> Iterator[Problem]:
    for path, says in read.refused:
        yield _problem("will", "W1", path, faults=_REQUEST, detail=says)


def _of_release(read: Read, facts: SpecFacts) -> Iterator[Problem]:
    """Find fields and types that came with a release: an older server has no place for them."""
    server = version_number(facts.api) if facts.api else None
    oldest = version_number(SHIPPED[0])
    told: set[str] = set()
    for path, name, came in read.newer:
        new = version_number(came)
        if any(path.startswith(f"{other}.") or path == other for other in told):
            continue
        if server is not None and new > server:
            told.add(path)
            yield _problem("will", "W1", path, faults=_REQUEST, detail=f"{name} came with API {came}")
        elif server is None and new > oldest:
            told.add(path)
            detail = f"{name} came with API {came}; an older server does not know it"
            yield _problem(
                "may", "W1", path, faults=_REQUEST, detail=detail, unknown=("the API version of the vCenter",)
            )


def _of_rules(read: Read, facts: SpecFacts) -> Iterator[Problem]:
    """Hold the rules against each world that the facts leave open; what breaks one in all of them will be refused."""
    worlds = list(_worlds(read, facts))
    seen: dict[tuple[str, str], dict[tuple[Json, ...], tuple[bool, tuple[str, ...]]]] = {}
    names = list(_ASKED)
    for world in worlds:
        vm = VmFacts(
            _NOWHERE, "", world["nics"], world["guest"], generator=world["generator"], decrypts=world["decrypts"]
        )
        spec = read.alternatives[world["type"]]
        key = tuple(world[name] for name in names)
        for what, faults, rule, path in found(spec, vm, offline=world["method"] != LIVE):
            where = seen.setdefault((rule, f"spec.{path}"), {})
            where[key] = (what != "inferred" or where.get(key, (False, ()))[0], faults)
    for (rule, path), held in seen.items():
        hard = [faults for is_hard, faults in held.values() if is_hard]
        faults = tuple(dict.fromkeys(fault for each in hard for fault in each))
        if len(hard) == len(worlds):
            yield _problem("will", rule, path, faults=faults)
        else:
            unknown = tuple(
                _ASKED[name] for at, name in enumerate(names) if _decides(at, held, len(worlds), worlds, names)
            )
            detail = "" if unknown else _UNSETTLED
            yield _problem("may", rule, path, faults=faults, detail=detail, unknown=unknown, inferred=not hard)


def _worlds(read: Read, facts: SpecFacts) -> Iterator[dict[str, Json]]:
    """Give every combination of what is not known."""
    count = len(read.spec.get("nicSettingMap") or ())
    guest = None if facts.guest is None else facts.guest if facts.guest in FAMILIES else family_of(facts.guest)
    either = (False, True)
    choices: dict[str, tuple[Json, ...]] = {
        "guest": FAMILIES if guest is None else (guest,),
        "nics": (count, count + 1) if facts.nics is None else (facts.nics,),
        "method": (LIVE, OFFLINE[0]) if facts.method is None else (facts.method,),
        "generator": either if facts.generator is None else (facts.generator,),
        "decrypts": either if facts.decrypts is None else (facts.decrypts,),
        "type": tuple(range(len(read.alternatives))),
    }
    for combination in product(*choices.values()):
        yield dict(zip(choices, combination, strict=True))


def _decides(
    at: int,
    held: Mapping[tuple[Json, ...], tuple[bool, tuple[str, ...]]],
    count: int,
    worlds: list[dict[str, Json]],
    names: list[str],
) -> bool:
    """Whether a problem is there, or is certain, in one world and not in another that differs in one fact alone."""
    if len({world[names[at]] for world in worlds}) == 1 or not count:
        return False
    rest: dict[tuple[Json, ...], set[bool | None]] = {}
    for world in worlds:
        key = tuple(world[name] for name in names)
        status = held[key][0] if key in held else None
        rest.setdefault(key[:at] + key[at + 1 :], set()).add(status)
    return any(len(statuses) > 1 for statuses in rest.values())
