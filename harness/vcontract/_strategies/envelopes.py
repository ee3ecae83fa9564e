"""The one edit that calls to other objects need too; the rest is in the tiers."""

from __future__ import annotations

from vcontract._terms import Envelope, Json


def other_version(body: bytes, version: str, origin: dict[str, Json]) -> Envelope:
    """Ask with the API version of an older client."""
    return Envelope(body, f"version:{version}", {"SOAPAction": f'"urn:vim25/{version}"'}, origin)
