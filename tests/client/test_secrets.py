"""Secrets go in last and come out first."""

from __future__ import annotations

from lxml import etree

from vcontract.client.secrets import Secrets

VALUES = {"guest.root": 'p<&>"word', "guest.root2": "another-long-one", "short": "guest", "shown": "documented-one"}
SECRETS = Secrets(VALUES, public=["shown"])


def test_names_become_values_on_the_wire() -> None:
    """Values are escaped, longer names are not taken for shorter ones, unknown ones stay."""
    text = b"secret:guest.root2|secret:guest.root.|secret:guest.root3|secret:none|secret:short"
    envelope = b'<a b="secret:guest.root">' + text + b"</a>"
    root = etree.fromstring(SECRETS.resolve(envelope))
    assert root.get("b") == VALUES["guest.root"]
    assert root.text == f"another-long-one|{VALUES['guest.root']}.|secret:guest.root3|secret:none|guest"
    assert Secrets().resolve(envelope) == envelope


def test_values_never_reach_a_record() -> None:
    """They become names anywhere in a value, also joined to other words; short ones in a sentence and public ones stay."""
    said = {"a": ["the password 'another-long-one' is wrong", 7, None], "vm": "another-long-one-vm"}
    assert SECRETS.redact_value(said) == {
        "a": ["the password 'secret:guest.root2' is wrong", 7, None],
        "vm": "secret:guest.root2-vm",
    }
    assert SECRETS.redact("the guest is documented-one") == "the guest is documented-one"
    assert SECRETS.redact('p<&>"word') == "secret:guest.root"
    assert Secrets().redact("x") == "x"
    assert Secrets().redact_value(said) is said
