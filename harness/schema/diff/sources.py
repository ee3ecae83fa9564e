"""The two sides of a comparison: a folder, a file, a URL, or an API release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from harness.errors import SchemaError
from harness.schema.closure import present, roots
from harness.schema.metadata import Metadata, known_versions
from harness.schema.ship import roots_of
from harness.schema.wsdl import Schema, load, load_roots


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
    releases = [each for each in (old, new) if each in known_versions()]
    if wanted and not releases:
        raise SchemaError(f"--root is for API releases, which are built; {old} and {new} are taken as they are")
    for root in wanted:
        _known(root, releases)
    first, second = (_open(each, wanted) for each in (old, new))
    return first, second


def _known(root: str, releases: Sequence[str]) -> None:
    """Refuse a root that no release has; the last one says what is nearest."""
    for release in releases:
        try:
            roots(Metadata(release), [root])
        except SchemaError as error:
            told = error
        else:
            return
    raise told


def _open(name: str, wanted: Sequence[str]) -> Source:
    if name in known_versions():
        return _release(name, wanted)
    if "://" in name and "@" in urlsplit(name).netloc:
        raise SchemaError("the URL of a WSDL holds a user name, which would be shown; leave it out")
    schema = load(name)
    _read(schema, name)
    return Source(name, name if "://" in name else quote(Path(name).as_posix()), schema)


def _release(name: str, wanted: Sequence[str]) -> Source:
    metadata = Metadata(name)
    chosen = tuple(present(metadata, wanted)) if wanted else roots_of(name)
    if not chosen:
        raise SchemaError(f"API {name} has none of the roots {', '.join(wanted)}")
    schema = load_roots(name, chosen) if wanted else load(name)
    methods = {each.name for managed in metadata.managed.values() for each in managed.methods}
    lists = {f"ArrayOf{each[:1].upper()}{each[1:]}" for each in metadata.types}
    held = {*schema.operations, *schema.types}
    return Source(name, schema.soap_action, schema, frozenset({*metadata.types, *methods, *lists} - held))


def _read(schema: Schema, name: str) -> None:
    """Read all of a WSDL that somebody else wrote: what cannot be is said now, in one line."""
    try:
        _ = [*schema.operations.values(), *schema.types.values()]
    except (LookupError, AttributeError, TypeError, ValueError, StopIteration) as error:
        raise SchemaError(f"{name}: a definition is of a form that is not read: {error}") from error
