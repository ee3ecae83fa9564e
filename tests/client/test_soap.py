"""Replies of every kind, good and bad, become an outcome and short problems; none of them becomes an exception."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from vcontract._client.soap import LONGEST_MESSAGE, interpret
from vcontract._client.wire import HttpReply
from vcontract._schema import Schema, load
from vcontract._terms import Fault, Faulted, Lost, Outcome, Returned

RECORDINGS = Path(__file__).parent.parent / "recordings"
ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
VOID = ENVELOPE.format('<LogoutResponse xmlns="urn:vim25"/>')
FAULT = "<s:Fault><faultcode>c</faultcode><faultstring>{text}</faultstring><detail>{detail}</detail></s:Fault>"
OFF = (
    '<InvalidPowerStateFault xmlns="urn:vim25" xsi:type="InvalidPowerState">'
    "<existingState>poweredOff</existingState></InvalidPowerStateFault>"
)


@pytest.fixture(scope="module")
def schema() -> Schema:
    """Load a shipped WSDL once."""
    return load("8.0.3.0")


def read(
    schema: Schema, body: str | bytes, status: int = 200, kind: str = "text/xml; charset=utf-8", method: str = "Logout"
) -> tuple[Outcome, tuple[str, ...]]:
    """Interpret a body as the reply to a method."""
    raw = body.encode() if isinstance(body, str) else body
    return interpret(schema, method, HttpReply(status, (("content-type", kind),), raw))


def test_a_good_reply_has_no_problems(schema: Schema) -> None:
    """Void in both spellings, with a Header and a comment, and a fault with its fields and its text."""
    assert read(schema, VOID) == (Returned(None), ())
    spelt = VOID.replace('urn:vim25"/>', 'urn:vim25"></LogoutResponse>')
    spelt = spelt.replace("<s:Body>", "<s:Header/><!-- x --><s:Body>")
    assert read(schema, spelt) == (Returned(None), ())
    fault = ENVELOPE.format(FAULT.format(text="It&apos;s off", detail=OFF))
    wanted = Faulted(Fault("InvalidPowerState", {"existingState": "poweredOff"}, "It's off"))
    assert read(schema, fault, 500) == (wanted, ())


@pytest.mark.parametrize(
    ("status", "kind", "content", "problem"),
    [
        (200, "text/xml", FAULT.format(text="", detail=OFF), "status 200 with a Fault"),
        (503, "text/xml", FAULT.format(text="", detail=OFF), "status 503 with a Fault"),
        (500, "text/xml", '<LogoutResponse xmlns="urn:vim25"/>', "status 500 without a Fault"),
        (200, "text/html", '<LogoutResponse xmlns="urn:vim25"/>', "content type is text/html, not text/xml"),
        (200, "", '<LogoutResponse xmlns="urn:vim25"/>', "content type is missing, not text/xml"),
        (200, "text/xml", '<LogoutResponse xmlns="urn:vim25"/><x/>', "the envelope has 1 bodies with 2 elements"),
        (
            200,
            "text/xml",
            '<LogoutResponse xmlns="urn:vim2"/>',
            "Logout: the reply is {urn:vim2}LogoutResponse, not {urn:vim25}LogoutResponse",
        ),
        (500, "text/xml", FAULT.format(text="", detail=OFF + OFF), "the detail has 2 elements"),
        (500, "text/xml", "<s:Fault><faultcode>x</faultcode><faultstring/></s:Fault>", "the Fault has no detail"),
        (500, "text/xml", f"<s:Fault><faultstring/><detail>{OFF}</detail></s:Fault>", "the Fault has no faultcode"),
        (
            500,
            "text/xml",
            f"<s:Fault><faultcode>x</faultcode><detail>{OFF}</detail></s:Fault>",
            "the Fault has no faultstring",
        ),
        (
            500,
            "text/xml",
            f'<Fault xmlns=""><faultcode>x</faultcode><faultstring/><detail>{OFF}</detail></Fault>',
            "name space of the Fault is missing",
        ),
    ],
)
def test_each_deviation_is_one_problem(schema: Schema, status: int, kind: str, content: str, problem: str) -> None:
    """The reply is understood all the same, and what is wrong with it is said."""
    outcome, problems = read(schema, ENVELOPE.format(content), status, kind)
    assert problems == (problem,)
    assert not isinstance(outcome, Lost)


@pytest.mark.parametrize(
    ("status", "body", "reason", "problem"),
    [
        (
            500,
            "<!DOCTYPE html><html><body>no</body></html>",
            "status 500 with an HTML page",
            "the reply is no SOAP envelope: an HTML page",
        ),
        (502, "<html><br></html>", "status 502 with an HTML page", "the reply is no SOAP envelope: an HTML page"),
        (200, "", "status 200 with nothing in it", "the reply is no SOAP envelope: nothing in it"),
        (200, b"\x00\xff\xfe", "status 200 with something that is not well-formed XML", "the reply is no"),
        (200, VOID[:-5], "status 200 with something that is not well-formed XML", "the reply is no"),
        (200, "<?xml version='1.0' encoding='nonsense'?><a/>", "status 200 with something that is", "the reply is no"),
        (200, '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', "status 200 with a document type", "the r"),
        (200, "<a/>", "status 200 with no content in the envelope", "the reply is no SOAP envelope: root element a"),
        (200, ENVELOPE.format(""), "status 200 with no content", "the envelope has 1 bodies with 0 elements"),
        (
            200,
            ENVELOPE.format('<LoginResponse xmlns="urn:vim25"/>'),
            "the reply is LoginResponse, which answers",
            "response element is LoginResponse, not LogoutResponse",
        ),
        (200, "<a>" * 5000, "status 200 with something that is not well-formed XML", "the reply is no"),
    ],
)
def test_what_cannot_be_understood_is_lost(
    schema: Schema, status: int, body: str | bytes, reason: str, problem: str
) -> None:
    """No telling what happened: Lost, with the problem that makes it more than a lost reply."""
    outcome, problems = read(schema, body, status)
    assert isinstance(outcome, Lost)
    assert outcome.reason.startswith(reason)
    assert problems[0].startswith(problem)
    assert len(problems) == 1


@pytest.mark.parametrize(
    "code", ["VersionMismatchFaultCode", "vim25:VersionMismatchFaultCode", "\n x:VersionMismatchFaultCode "]
)
@pytest.mark.parametrize(
    "detail",
    [
        "",
        "<detail/>",
        '<detail><InvalidRequestFault xmlns="urn:vim25" xsi:type="InvalidRequest"/></detail>',
        '<detail><x xmlns="urn:else">1</x><y/></detail>',
    ],
)
def test_a_refused_version_is_a_fault_without_a_type(schema: Schema, code: str, detail: str) -> None:
    """With a detail or without, of whatever kind: who does not know the version need not write its types."""
    text = 'Unsupported version URI "urn:vim25/99.9"'
    content = f"<s:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>{detail}</s:Fault>"
    wanted = Faulted(Fault("VersionMismatchFaultCode", {}, text))
    assert read(schema, ENVELOPE.format(content), 500) == (wanted, ())
    assert read(schema, ENVELOPE.format(content), 200) == (wanted, ("status 200 with a Fault",))


def test_an_entity_bomb_does_not_go_off(schema: Schema) -> None:
    """Entities are never expanded: neither a thousand million laughs in a text nor in an attribute."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for use in ("<a>&l9;</a>", "<a b='&l9;'/>"):
        outcome, problems = read(schema, f'<!DOCTYPE a [<!ENTITY l0 "lol">{entities}]>{use}')
        assert isinstance(outcome, Lost)
        assert problems
    outside = read(schema, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')[0]
    assert outside == Lost("status 200 with a document type declaration")


def test_what_a_server_says_is_kept_short(schema: Schema) -> None:
    """A huge faultstring is cut; huge or countless problems are, too."""
    many = OFF.replace("</Inv", f"<a{'b' * 5000}/>" * 200 + "</Inv")
    outcome, problems = read(schema, ENVELOPE.format(FAULT.format(text="m" * 10**6, detail=many)), 500)
    assert isinstance(outcome, Faulted)
    assert outcome.fault.message == "m" * LONGEST_MESSAGE
    assert len(problems) == 50
    assert max(map(len, problems)) == 300


def test_an_answer_to_an_unknown_method_is_a_problem(schema: Schema) -> None:
    """A server that answers a method that does not exist is told on."""
    outcome, problems = read(schema, ENVELOPE.format('<NoSuchResponse xmlns="urn:vim25"/>'), method="NoSuch")
    assert outcome == Returned(None)
    assert problems == ("NoSuch, which the WSDL does not have, was answered",)


def test_nothing_that_a_server_sends_raises(schema: Schema) -> None:
    """Real replies with bytes cut out, doubled and swapped always give an outcome."""
    generator = random.Random(1)  # noqa: S311 - a repeatable choice, no secret
    seen = set()
    for file in sorted(RECORDINGS.glob("*[!t].xml")):
        original = file.read_bytes()
        method = file.name.split("_")[1]
        for _ in range(100):
            at, size = generator.randrange(len(original)), generator.randrange(1, 60)
            piece = generator.choice([b"", original[at : at + size] * 2, b"<x/>", b"&lt;", b'xsi:type="Task"', b"\x80"])
            body = original[:at] + piece + original[at + size :]
            outcome, _ = read(schema, body, generator.choice([200, 500]), method=method)
            seen.add(type(outcome))
    assert seen == {Returned, Faulted, Lost}


@pytest.mark.parametrize("body", [
    b"\xef\xbb\xbf" + VOID.encode(),
    b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\r\n" + VOID.encode(),
    VOID.encode("utf-16"),
    b"<?xml version='1.0'?>\n<!-- x -->\n<?x y?>" + VOID.encode() + b"\n<!-- y -->\n",
    VOID.replace("<s:Body>", "\n <s:Header><x xmlns='urn:else'/></s:Header>\n <s:Body>\n ").encode(),
    VOID.replace("<s:", "<e:").replace("</s:", "</e:").replace(":s=", ":e=").encode(),
])  # fmt: skip
def test_what_is_only_written_otherwise_has_no_problems(schema: Schema, body: bytes) -> None:
    """A byte order mark, another encoding, comments, instructions, blanks, headers, other prefixes."""
    assert read(schema, body) == (Returned(None), ())
    assert read(schema, body, kind='Text/XML;charset="UTF-8"') == (Returned(None), ())
