"""What stands before a server lets no call wait: the run looks itself, and comes to the same verdict."""

from __future__ import annotations

import pytest

from tests.mangler import Exchange, Mangled, Reply, Run
from vcontract._client.updates import WAIT

METHOD = "StartGuestNetwork_Task"
REFUSED = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Fault><faultcode>ServerFaultCode</faultcode>'
    b'<faultstring>not here</faultstring><detail><NotSupportedFault xmlns="urn:vim25"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="NotSupported"/></detail></Fault></Body></Envelope>'
)
XML = (("content-type", "text/xml"),)
AT_ONCE = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>'
    b'<WaitForUpdatesExResponse xmlns="urn:vim25"></WaitForUpdatesExResponse></Body></Envelope>'
)


def refuses(exchange: Exchange) -> Reply | bytes:
    """Know no collector of the session's own."""
    return exchange.reply(500, REFUSED, XML) if exchange.method == "CreatePropertyCollector" else exchange.ask()


def cuts(exchange: Exchange) -> Reply | bytes:
    """End the connection of a call that waits, as a proxy with little patience does."""
    return b"" if exchange.method == WAIT else exchange.ask()


def comes_back_at_once(exchange: Exchange) -> Reply | bytes:
    """Answer a call that waits at once, with nothing."""
    return exchange.reply(200, AT_ONCE, XML) if exchange.method == WAIT else exchange.ask()


@pytest.mark.parametrize("act", [refuses, cuts, comes_back_at_once])
def test_the_run_looks_itself(act: object, mangled: Mangled, ran: Run) -> None:
    """Nothing is found, nothing is given up; who lets no call wait is hardly asked to."""
    server = mangled(act)
    result, operations = ran(server.url, METHOD, calls=20, exchange=20.0)
    assert result.findings == []
    assert result.calls == 20
    assert not [note for note in result.notes if "did not come about" in note or "not restored" in note]
    assert sum(done.call.method == WAIT for done in operations) <= 2 * 3
    assert not result.clones.left
