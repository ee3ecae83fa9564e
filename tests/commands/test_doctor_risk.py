"""The level of risk that doctor advises."""

from __future__ import annotations

import pytest

from tests.mangler import Mangled, mangled, simulator
from vcontract._commands.doctor import diagnose
from vcontract._config.request import RunRequest
from vcontract._run.preparation import Preparation

__all__ = ["mangled", "simulator"]

ACCOUNTS = {"administrator@vsphere.local": "clones", "viewer@vsphere.local": "refusals"}


@pytest.mark.parametrize("username", ACCOUNTS)
def test_what_can_be_done_without_harm_is_advised(username: str, mangled: Mangled) -> None:
    """On a server that is not ours: clones for an account that may make some, else refusals; it says what they do."""
    hidden = mangled(
        lambda exchange: exchange.ask().with_body(lambda body: body.replace(b"urn:vcontract-sim", b"urn:x"))
    )
    asked = RunRequest(target=hidden.url, username=username)
    found = diagnose(asked, lambda _: None, None, Preparation(password="vcontract"))
    (advice,) = [check.seen for check in found.checks if check.name == "risk"]
    assert advice.startswith(f"--risk {ACCOUNTS[username]} is advised")
    assert "untested stays" in advice
