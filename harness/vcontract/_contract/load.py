"""Contract files (TOML) to contracts, strict about every key."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from vcontract._contract.rows import (
    EVERY_METHOD,
    Contract,
    DocumentedFault,
    Method,
    Promise,
    Situation,
    parse_permit,
)
from vcontract._errors import ContractError
from vcontract._shipped import shipped
from vcontract._toml_file import read_toml


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    object: str
    since: str
    source: str
    content: str = ""
    singleton: bool = False
    partial: bool = False
    properties: tuple[str, ...] | None = None


class _Situation(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str
    when: tuple[str, ...]
    source: str
    permits: dict[str, tuple[str, ...]]
    needs: tuple[str, ...] = ()
    leaves: tuple[str, ...] | None = None
    synchronous: bool = False
    mid_task: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    contract: _Head
    method: tuple[Method, ...] = ()
    fault: tuple[DocumentedFault, ...] = ()
    situation: tuple[_Situation, ...] = ()
    promise: tuple[Promise, ...] = ()


def names(folder: Path | None = None) -> tuple[str, ...]:
    """List the objects that have a contract."""
    return tuple(sorted(p.stem for p in (folder or shipped("contracts")).glob("*.toml") if p.stem != "every_method"))


def load(name: str, folder: Path | None = None) -> Contract:
    """Load an object's contract with what every method promises; ContractError for a missing or faulty file.

    As long as its files stay as they are it is one and the same, so that what is computed from it is computed once a process.
    """
    folder = folder or shipped("contracts")
    if name not in names(folder):
        raise ContractError(f"no contract for {name} in {folder}; there are: {', '.join(names(folder)) or 'none'}")
    return _read(name, folder, tuple(_bytes(folder / f"{each}.toml") for each in (name, "every_method")))


def load_with(method: str) -> Contract:
    """Load the first contract that has a method, by its WSDL name. Raises ContractError, with those that there are."""
    every = [load(name) for name in names()]
    found = next((each for each in every if any(method == known.name for known in each.methods)), None)
    if found is None:
        known = ", ".join(known.name for each in every for known in each.methods)
        raise ContractError(f"no contract has a method {method}; there are {known}")
    return found


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as cause:
        raise ContractError(f"{file}: cannot be read: {cause.strerror}") from cause


@lru_cache(maxsize=16)
def _read(name: str, folder: Path, written: tuple[bytes, ...]) -> Contract:
    """Read the files anew where other bytes stand in them than before."""
    del written
    own = read_toml(folder / f"{name}.toml", _File, ContractError)
    every = read_toml(folder / "every_method.toml", _File, ContractError)
    if own.contract.object != name:
        raise ContractError(f"{folder / name}.toml: contract.object is {own.contract.object!r}, not the file's name")
    if every.contract.object != EVERY_METHOD:
        raise ContractError(f"{folder}/every_method.toml: contract.object must be {EVERY_METHOD!r}")
    methods = {method.name for method in own.method}
    situations = tuple(
        _situation(situation, path, methods)
        for path, file in (("every_method.toml", every), (f"{name}.toml", own))
        for situation in file.situation
    )
    _check_ids(situations, name)
    head = own.contract
    return Contract(
        head.object,
        head.since,
        head.source,
        head.content,
        head.singleton,
        head.partial,
        head.properties,
        own.method,
        situations,
        own.promise,
        every.fault,
    )


def _situation(raw: _Situation, path: str, methods: set[str]) -> Situation:
    where = f"{path}: situation {raw.id}"
    for method in raw.permits:
        if method != "all" and method not in methods:
            raise ContractError(f"{where}: permits.{method} names no method of the contract")
    permits = {method: tuple(parse_permit(text, where) for text in texts) for method, texts in raw.permits.items()}
    return Situation(
        raw.id, raw.title, raw.when, raw.source, permits, raw.needs, raw.leaves, raw.synchronous, raw.mid_task
    )


def _check_ids(situations: tuple[Situation, ...], name: str) -> None:
    ids = [situation.id for situation in situations]
    if doubled := sorted({situation_id for situation_id in ids if ids.count(situation_id) > 1}):
        raise ContractError(f"{name}: situation ids used twice: {', '.join(doubled)}")
    for situation in situations:
        if unknown := [other for other in situation.leaves or () if other not in ids]:
            raise ContractError(f"{name}: situation {situation.id} leaves unknown situations: {', '.join(unknown)}")
