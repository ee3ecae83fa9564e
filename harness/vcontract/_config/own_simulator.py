"""Whether a target is our own simulator: only there the built-in accounts, levers, mark and hosts are used."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address

from vcontract._client import Limits, Trust
from vcontract._client.offered import VERSIONS, lists
from vcontract._client.soap import parse
from vcontract._client.wire import Connection, Endpoint, HttpReply, parse_url
from vcontract._errors import UsageError

MARK = "urn:vcontract-simulator"
"""The name space that the simulator lists beside those of every vCenter."""

PRODUCT = "(vcontract simulator)"
"""How the full name of the simulator ends, in the AboutInfo of its ServiceContent."""

LIMITS = Limits(connect=5.0, exchange=10.0, back=0.0, body=1 << 20)
"""Seconds and bytes that each of the two questions may take."""

_LOOPBACK = IPv4Network("127.0.0.0/8")
_ASKED = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><RetrieveServiceContent xmlns="urn:vim25">'
    b'<_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent></Body></Envelope>'
)
_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"urn:vim25"'}


def is_loopback_address(url: str) -> bool:
    """Whether the host of a URL is an address of this machine itself: 127.0.0.0/8 or ::1, never a name."""
    try:
        host = parse_url(url).host
    except UsageError:
        return False
    try:
        return IPv6Address(host) == IPv6Address("::1") if ":" in host else IPv4Address(host) in _LOOPBACK
    except AddressValueError:
        return False


def is_our_simulator(url: str, trust: Trust) -> bool:
    """Ask a target, without a login, whether it is our simulator; False for all but a loopback address, unasked.

    Both its version document and its ServiceContent must say so. No redirect is followed; a target that does not answer
    is not ours. Raises UsageError for an unusable CA file.
    """
    if not is_loopback_address(url):
        return False
    endpoint = parse_url(url)
    connection = Connection(endpoint, trust, LIMITS)
    try:
        return lists(connection.get(f"{endpoint.path}/{VERSIONS}"), MARK) and _named(endpoint, connection)
    finally:
        connection.close()


def _named(endpoint: Endpoint, connection: Connection) -> bool:
    reply = connection.post(endpoint.path, _ASKED, _HEADERS)
    root = parse(reply.body) if isinstance(reply, HttpReply) and reply.status == 200 else ""
    if isinstance(root, str):
        return False
    about = root.find(".//{urn:vim25}returnval/{urn:vim25}about/{urn:vim25}fullName")
    return about is not None and (about.text or "").endswith(PRODUCT)


def way_to_accounts(url: str) -> str:
    """Say how accounts get to be known of a target for which none is given; of this machine also why none is built in."""
    ways = 'use --username and --password-file, or an [[account]] of role "full" in the configuration'
    endpoint = parse_url(url)
    if is_loopback_address(url):
        return f"{ways}; none is built in, for it does not show to be vcontract's own simulator"
    if endpoint.host == "localhost" or endpoint.host.startswith("127."):
        scheme = "https" if endpoint.secure else "http"
        place = f"{scheme}://127.0.0.1:{endpoint.port}{endpoint.path}"
        return f"{ways}; for those of vcontract's own simulator give its address, {place}"
    return ways
