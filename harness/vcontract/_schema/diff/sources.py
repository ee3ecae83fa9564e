"""The two sides of a comparison: a folder, a file, a URL, or an API release."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vcontract._errors import SchemaError
from vcontract._schema.closure import present, roots
from vcontract._schema.metadata import Metadata, known_versions
from vcontract._schema.ship import roots_of
from vcontract._schema.wsdl import Schema, load, load_roots

_NO_NAMESPACE = {"None", "http://schemas.xmlsoap.org/soap/envelope/"}
"""What stands in the place of the name space of messages that zeep makes up itself."""


@dataclass(frozen=True)
class Source:
    """One side: what the user called it, a URI of it, its WSDL, and what its release has beyond the roots of that."""

    name: str
    uri: str
    schema: Schema
    elsewhere: frozenset[str] = frozenset()


def open_pair(old: str, new: str, wanted: Sequence[str] = ()) -> tuple[Source, Source]:
    """Open both sides; that of a release is built from the roots `wanted`, by default those of the shipped sets.

    A root may be missing in one release. SchemaError: neither is a release and roots are wanted, no release has a root,
    or a WSDL cannot be read.
    """
    releases = [release for release in (old, new) if release in known_versions()]
    if wanted and not releases:
        raise SchemaError(f"--root is for API releases, which are built; {old} and {new} are taken as they are")
    for root in wanted:
        _known(root, releases)
    first, second = (_open(release, wanted) for release in (old, new))
    return first, second


def _known(root: str, releases: Sequence[str]) -> None:
    """Refuse a root that no release has; the last one says what is nearest."""
    for release in releases:
        try:
            roots(Metadata(release), [root])
        except SchemaError as error:
            reason = error
        else:
            return
    raise reason


def _open(name: str, wanted: Sequence[str]) -> Source:
    if name in known_versions():
        return _release(name, wanted)
    with warnings.catch_warnings(record=True) as said:  # zeep leaves out what it cannot read, and warns
        warnings.simplefilter("always")
        schema = load(name)
    if said:
        raise SchemaError(f"{name}: {' '.join(str(said[0].message).split())}")
    _read(schema, name)
    path = Path(name) / "vimService.wsdl" if Path(name).is_dir() else Path(name)
    return Source(name, name if "://" in name else quote(path.as_posix()), schema)


def _release(name: str, wanted: Sequence[str]) -> Source:
    metadata = Metadata(name)
    chosen = tuple(present(metadata, wanted)) if wanted else roots_of(name)
    if not chosen:
        raise SchemaError(f"API {name} has none of the roots {', '.join(wanted)}")
    schema = load_roots(name, chosen) if wanted else load(name)
    methods = {method.name for managed in metadata.managed.values() for method in managed.methods}
    lists = {f"ArrayOf{type_name[:1].upper()}{type_name[1:]}" for type_name in metadata.types}
    held = {*schema.operations, *schema.types}
    return Source(name, schema.soap_action, schema, frozenset({*metadata.types, *methods, *lists} - held))


def _read(schema: Schema, name: str) -> None:
    """Read all of a WSDL that somebody else wrote: what cannot be is said now, in one line."""
    if schema.namespace in _NO_NAMESPACE:
        raise SchemaError(f"{name}: its messages are not document/literal with one part each, as vSphere's are")
    try:
        _ = [*schema.types.values()]
        operations = list(schema.operations.values())
    except (LookupError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise SchemaError(f"{name}: a definition is of a form that is not read: {error}") from error
    for operation in operations:
        if None in operation.faults:
            raise SchemaError(f"{name}: {operation.name} declares a fault whose type has no name")
