"""Secrets are found in every spelling that a server may give them, and nothing else is taken for one."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from tests.spellings import IN_XML, PLAIN
from vcontract._client.encoded import plain
from vcontract._client.secrets import Secrets

CANARIES = {
    "simple": "Canary-0123456789",
    "special": "<&>\"'ü-Canary/0123+456",
    "spaced": "Canary 0123 456 789",
    "escaping": "Canary-\\u0041\\-%41-&amp;",
    "wide": "Canary-\U0001f600-пароль",
    "short": "Can4ry-8",
}
SECRETS = Secrets(CANARIES)
REPLY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<a xmlns="urn:vim25"><b x="&lt;1&gt;">before {} after</b>'
    "<c>VSPHERE\\Admin</c></a>"
)


@pytest.mark.parametrize("way", IN_XML)
@pytest.mark.parametrize("name", CANARIES)
def test_no_spelling_in_a_reply_is_kept(name: str, way: str) -> None:
    """Its name stands in its place, the reply is well-formed as before, and the rest of it is what it was."""
    told = IN_XML[way](CANARIES[name])
    if way == "in a comment" and "--" in CANARIES[name]:
        pytest.skip("cannot stand in a comment")
    for encoding in ("utf-8", "utf-16", "utf-16-be"):
        body = REPLY.format(told).replace("UTF-8", encoding).encode(encoding)
        shown = SECRETS.clean(body).decode(encoding)
        assert f"secret:{name}" in shown
        assert CANARIES[name] not in plain(shown)
        assert shown.startswith(REPLY.partition("before")[0].replace("UTF-8", encoding))
        assert shown.endswith(REPLY.partition(" after")[2])
        assert "before " in shown
        etree.fromstring(shown.encode(encoding))


@pytest.mark.parametrize("way", PLAIN)
@pytest.mark.parametrize("name", CANARIES)
def test_no_spelling_in_a_text_is_kept(name: str, way: str) -> None:
    """Of a value, a message, a reason or a traceback."""
    told = PLAIN[way](CANARIES[name])
    for shown in (
        SECRETS.redact(f"<{told}>"),
        SECRETS.redact_all(f"<{told}>"),
        str(SECRETS.redact_value([{"a": told}])),
    ):
        assert f"secret:{name}" in shown
        assert told not in shown
        assert CANARIES[name] not in plain(shown)


def test_what_a_server_gave_is_found_in_every_spelling() -> None:
    """A session or a ticket too, from the moment that it is known."""
    secrets, ticket = Secrets(), "52c1a9d0-ticket/+&-0123456789"
    assert secrets.learn(ticket, "ticket") == "secret:learned.ticket.1"
    for way in IN_XML.values():
        assert b"secret:learned.ticket.1" in secrets.clean(REPLY.format(way(ticket)).encode())


def test_a_document_in_a_rare_encoding_is_read() -> None:
    """What the parser would read is read here too."""
    body = REPLY.format(CANARIES["spaced"]).replace("UTF-8", "utf-7")
    spelt = body.replace("Canary", "+AEMAYQBuAGEAcgB5-").encode()
    assert "Canary" in spelt.decode("utf-7")
    assert b"secret:spaced" in SECRETS.clean(spelt)


WORDS = Secrets({"a": "returnval", "b": "Customization", "c": "20260101", "d": "VirtualMachine"})


def test_an_everyday_word_is_found_as_a_word_alone() -> None:
    """No name of the protocol is torn, neither an element nor a type, nor a longer word; a word in a text is replaced."""
    body = (
        '<returnval xsi:type="VirtualMachine" type="VirtualMachine"><n>CustomizationSpec my-Customization 20260101T00</n>'
        "<m>it is Customization.</m></returnval>"
    )
    shown = WORDS.clean(body.encode()).decode()
    assert shown == body.replace("is Customization.", "is secret:b.")
    assert WORDS.redact("the Customization of vcontract") == "the secret:b of vcontract"
    assert "secret:b" in WORDS.redact("Q3VzdG9taXphdGlvbg==")


TINY = Secrets({"one": "e", "two": "test", "three": "p<7", "four": "the"})


@pytest.mark.parametrize(
    "said",
    [
        "vcontract: the test of e ended; see the report",
        '<name>the test e</name><password xsi:nil="true"/>',
        "the password is the wrong one: test it",
        "https://e/test",
    ],
)
def test_a_tiny_password_mangles_no_text(said: str) -> None:
    """A letter or an everyday word stays where it is no password."""
    assert TINY.redact(said) == said
    assert TINY.redact_all(said) == said
    assert TINY.clean(said.encode()) == said.encode()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("password=e", "password=secret:one"),
        ("Password: test,", "Password: secret:two,"),
        ('{"passwd": "test"}', '{"passwd": "secret:two"}'),
        ("the password 'e' is wrong", "the password 'secret:one' is wrong"),
        ("<password>p&lt;7</password>", "<password>secret:three</password>"),
        (
            "<vimAccountPassword x='y'>e</vimAccountPassword>",
            "<vimAccountPassword x='y'>secret:one</vimAccountPassword>",
        ),
        ('<key>guest.password</key><value xsi:type="xsd:string">e</value>', None),
        ("https://me:test@vc/sdk", "https://me:secret:two@vc/sdk"),
        ("pwd=secret:one", "pwd=secret:one"),
    ],
)
def test_a_tiny_password_is_hidden_where_it_stands_as_one(said: str, shown: str | None) -> None:
    """After the word password, as the element or the key of one, and in a URL."""
    wanted = shown or said.replace(">e<", ">secret:one<")
    assert TINY.redact(said) == wanted
    assert TINY.clean(said.encode()) == wanted.encode()


def test_a_short_password_that_is_no_word_is_found_as_a_word() -> None:
    """Six characters of which one stands in no name are nobody's name; part of a longer word they stay."""
    secrets = Secrets({"odd": "Pa5$wd", "name": "esx-01"})
    said = "esx-01 has Pa5$wd, not xPa5$wd"
    assert secrets.redact(said) == "esx-01 has secret:odd, not xPa5$wd"
    assert secrets.clean(b"<m>Pa5&#36;wd</m>") == b"<m>secret:odd</m>"


def test_a_tiny_password_that_is_quoted_is_hidden_in_a_traceback() -> None:
    """Where nothing is judged, all that is a whole quoted text counts."""
    assert (
        TINY.redact_all("RuntimeError: ['e', \"test\", 'tests']")
        == "RuntimeError: ['secret:one', \"secret:two\", 'tests']"
    )


def test_what_holds_no_secret_stays_the_same_object() -> None:
    """Escapes of all kinds, and pieces of secrets, change nothing."""
    body = REPLY.format("100%41 &#67;anary-01234 \\u0043anary- <![CDATA[Canary]]>-0123 " + "Can4ry-" * 9).encode()
    assert SECRETS.clean(body) is body
    value = ["Canary", {"a": "0123456789"}, 7, None, True]
    assert SECRETS.redact_value(value) is value


def test_a_long_text_is_looked_through_piece_by_piece() -> None:
    """Every secret of many megabytes is found; of a text that is far too long and holds one, only the begin is kept."""
    body = "".join(f"<a>{number} Canary-0123456789 &amp;</a>" for number in range(30_000))
    assert (
        SECRETS.clean(f"<x>{body}</x>".encode())
        == f"<x>{body}</x>".replace(CANARIES["simple"], "secret:simple").encode()
    )
    assert SECRETS.clean(b"<x>" + b"\\u0043anary-0123456789 " * 200_000) == b"<x>secret:simple"


def test_two_secrets_side_by_side_are_both_found() -> None:
    """Also where they overlap: then nothing of either stays."""
    secrets = Secrets({"a": "abcd-1234-efgh", "b": "efgh-5678-ijkl"})
    assert secrets.redact("abcd-1234-efghefgh-5678-ijkl") == "secret:asecret:b"
    assert re.fullmatch("secret:a", secrets.redact("abcd-1234-efgh-5678-ijkl"))


def test_a_secret_of_any_length_is_found_wherever_it_begins() -> None:
    """However long it is, and whatever number of bytes stands before and behind it."""
    for length in range(8, 34):
        value = ("0Xq7-Zw9_Kp3" * 3)[:length]
        secrets = Secrets({"it": value})
        for before in range(17):
            body = f"<a>{'.' * before}{value}</a>".encode()
            assert secrets.clean(body) == f"<a>{'.' * before}secret:it</a>".encode()
