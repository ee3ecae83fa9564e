"""What a target offers without a login: the list of its API versions, and the schema that fits."""

from __future__ import annotations

import math

from vcontract._client.actors import NOBODY, Exchanges
from vcontract._client.lasting import BUSY, patiently, seconds_of
from vcontract._client.pacing import Pacing
from vcontract._client.recording import GET, Tape
from vcontract._client.wire import Endpoint, HttpReply
from vcontract._errors import HarnessError, SchemaError, TargetError
from vcontract._schema import Schema, load, newest_usable, parse_name_spaces, parse_versions_document
from vcontract._terms import OTHER_VERSION, UNSENT, Faulted, Lost, Outcome

VERSIONS = "vimServiceVersions.xml"


def versions(endpoint: Endpoint, connection: Exchanges, pacing: Pacing, tape: Tape | None) -> HttpReply | Lost:
    """Fetch the list of versions, with retries while the server is busy."""
    path = f"{endpoint.path}/{VERSIONS}"
    sent = tape.now() if tape is not None else 0.0
    with pacing:
        reply = patiently(
            lambda: connection.get(path),
            lambda got: seconds_of(got) if isinstance(got, HttpReply) and got.status in BUSY else None,
            math.inf,
        )
    connection.close()
    if tape is not None:
        tape.exchange(NOBODY, GET, path, sent, tape.now(), reply)
    return reply


def listed_versions(endpoint: Endpoint, reply: HttpReply | Lost) -> tuple[str, ...]:
    """Read the list of versions. Raises TargetError."""
    path = f"{endpoint.path}/{VERSIONS}"
    if isinstance(reply, Lost):
        reason = reply.reason.removeprefix(UNSENT) + advice(reply.reason)
        raise TargetError(f"{endpoint.url} cannot be reached: {reason}")
    if reply.status in BUSY:
        raise TargetError(f"{endpoint.url} is too busy: {path} has status {reply.status}; try again later")
    if reply.status != 200:
        raise TargetError(f"{endpoint.url} is no vCenter: {path} has status {reply.status}{_elsewhere(reply)}")
    try:
        return parse_versions_document(reply.body)
    except HarnessError as error:
        raise TargetError(f"{endpoint.url} is no vCenter: {path} is no list of versions: {error}") from error


def offered_schema(endpoint: Endpoint, offered: tuple[str, ...]) -> Schema:
    """Load the newest schema of those that a list of versions names. Raises TargetError."""
    version = newest_usable(offered)
    if version is None:
        raise TargetError(f"{endpoint.url} offers API {', '.join(offered) or 'nothing'}; no WSDL can be made for it")
    return load(version)


def lists(reply: HttpReply | Lost, name_space: str) -> bool:
    """Whether a reply is a list of versions that names a name space."""
    if not isinstance(reply, HttpReply) or reply.status != 200:
        return False
    try:
        return name_space in parse_name_spaces(reply.body)
    except SchemaError:
        return False


def advice(reason: str) -> str:
    """Give the way out of a reason why no connection came about, to be put behind it; empty if none is known."""
    if "certificate not trusted" in reason:
        return "; give the CA that signed it (ca_file), its thumbprint, or --insecure to accept any"
    if "WRONG_VERSION_NUMBER" in reason:
        return "; does it speak http instead of https?"
    return ""


def _elsewhere(reply: HttpReply) -> str:
    return f", it points to {reply.header('location')}" if reply.header("location") else ""


def refused_version(outcome: Outcome, method: str, api_version: str) -> str:
    """Say what to do about a server that refuses a method at the API version that is spoken; empty if it does not."""
    if not isinstance(outcome, Faulted) or outcome.fault.type != OTHER_VERSION:
        return ""
    said = " ".join(outcome.fault.message.split())
    why = f" ({said})" if said else ""
    return f"it refuses {method} at API {api_version}{why}; name a version that it serves, as --wsdl 8.0.1.0 does"


def in_words(outcome: Outcome) -> str:
    """Describe an outcome in one line, for the message about a call that did not return what it should."""
    if isinstance(outcome, Faulted):
        return f"{outcome.fault.type}: {outcome.fault.message}".replace("\n", " ").rstrip(": ")
    return outcome.reason if isinstance(outcome, Lost) else "an empty reply"
