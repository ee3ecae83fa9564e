"""Secrets go in last and come out first."""

from __future__ import annotations

from lxml import etree

from vcontract._client.secrets import Secrets

VALUES = {"guest.root": 'p<&>"word', "guest.root2": "another-long-one", "short": "guest", "shown": "documented-one"}
SECRETS = Secrets(VALUES, public=["shown"])


def passwords(*values: str) -> bytes:
    """Write an envelope with an element `password` for each value."""
    return b"<a>%s</a>" % "".join(f"<password>{value}</password>" for value in values).encode()


def test_names_become_values_on_the_wire() -> None:
    """Values are escaped, longer names are not taken for shorter ones, unknown ones stay."""
    names = ("guest.root2", "guest.root", "guest.root3", "none", "short")
    envelope = passwords(*(f"secret:{name}" for name in names), "secret:guest.root.")
    root = etree.fromstring(SECRETS.resolve(envelope))
    given = [element.text for element in root]
    assert given[:3] == ["another-long-one", VALUES["guest.root"], "secret:guest.root3"]
    assert given[3:] == ["secret:none", "guest", f"{VALUES['guest.root']}."]
    assert Secrets().resolve(envelope) == envelope


def test_a_password_goes_where_passwords_stand() -> None:
    """And nowhere else, whatever a saved call says: an account's into a Login, a guest's into a `password`."""
    secrets = Secrets(
        {"account.full": "of-the-account", "guest.root": "of-the-guest", "guest.nobody": "x"}, made_up=["guest.nobody"]
    )
    learned = secrets.learn("52000000-0000-0000-0000-000000000000", "UserSession")
    for place in (
        "<name>%s</name>",
        "<a b='%s'/>",
        "<passwords>%s</passwords>",
        "<password/>%s",
        "%s",
        "<password>x%s</password>",
    ):
        body = b"".join(place.replace("%s", f"secret:{name}").encode() for name in ("account.full", "guest.root"))
        for method in ("Login", "Rename_Task"):
            assert secrets.resolve(body, method) == body, place
    for around in (
        "<password>%s</password>",
        '<x:password xsi:type="s"> %s</x:password>',
        "<password><![CDATA[%s]]></password>",
    ):
        guest, account = (around.replace("%s", f"secret:{name}").encode() for name in ("guest.root", "account.full"))
        assert b"of-the-guest" in secrets.resolve(guest, "CustomizeGuest_Task")
        assert b"of-the-account" in secrets.resolve(account, "Login")
        assert secrets.resolve(account, "CustomizeGuest_Task") == account
    assert b"52000000" in secrets.resolve(f"<sessionId>{learned}</sessionId>".encode(), "TerminateSession")
    assert secrets.resolve(b"<name>secret:guest.nobody</name>", "Rename_Task") == b"<name>x</name>"


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
