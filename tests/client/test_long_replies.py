"""Replies that are too long, deep or full are cut and told as such; what is right in them stays right."""

from __future__ import annotations

import pytest

from tests.client.test_soap import ENVELOPE, FAULT, OFF, VOID
from vcontract._client.long_replies import DEEPEST, LONGEST_TEXT, MOST_ELEMENTS, shortened
from vcontract._client.soap import LONGEST_MESSAGE, interpret, read
from vcontract._client.wire import HttpReply
from vcontract._run.summary import beside
from vcontract._schema import Schema, load
from vcontract._terms import LONG, Arguments, Call, Faulted, Lost, Operation, Outcome, Ref, Returned

TEN = 10 * 1024 * 1024
MESSAGE = f"the fault has a message of {LONGEST_TEXT:,} characters; only the first {LONGEST_MESSAGE:,} are kept"
TEXT = f"the reply has a text of {{:,}} characters; only the first {LONGEST_TEXT:,} are kept"


@pytest.fixture(scope="module")
def schema() -> Schema:
    """Load a shipped WSDL once."""
    return load("8.0.3.0")


def heard(schema: Schema, body: bytes, status: int = 500) -> tuple[Outcome, tuple[str, ...]]:
    """Interpret a body as a session does; the problems that tell of its length without the mark before them."""
    reply = HttpReply(status, (("content-type", "text/xml"),), shortened(body))
    return interpret(schema, "Logout", reply)


def fault(text: str, detail: str = OFF) -> bytes:
    """Give a fault."""
    return ENVELOPE.format(FAULT.format(text=text, detail=detail)).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_message_of_ten_megabytes_in_the_right_fault_is_right(schema: Schema, encoding: str) -> None:
    """It is cut, what it was is said, and nothing is called a deviation."""
    body = f'<?xml version="1.0" encoding="{encoding}"?>{fault("é" * TEN).decode()}'.encode(encoding)
    outcome, problems = heard(schema, body)
    assert isinstance(outcome, Faulted)
    assert outcome.fault.type == "InvalidPowerState"
    assert outcome.fault.fields == {"existingState": "poweredOff"}
    assert outcome.fault.message == "é" * LONGEST_MESSAGE
    assert problems == (LONG + TEXT.format(TEN), LONG + MESSAGE)


def test_a_message_in_many_sections_is_right(schema: Schema) -> None:
    """Short pieces make a long text too."""
    outcome, problems = heard(
        schema, fault("<![CDATA[" + "x" * 99 + "]]>" * 1 + ("<![CDATA[" + "x" * 99 + "]]>") * 110_000)
    )
    assert isinstance(outcome, Faulted)
    assert problems == (LONG + TEXT.format(99 * 110_001), LONG + MESSAGE)


@pytest.mark.parametrize("long", ["<a>{}</a>", "<a><!--{}-->b</a>", "<a b='{}'/>", "<a xmlns:c='{}'/>", "<?pi {}?>"])
def test_what_is_long_elsewhere_is_not_malformed(schema: Schema, long: str) -> None:
    """In a value, a comment, an attribute, a name space, an instruction."""
    outcome, problems = heard(schema, fault("short", OFF.replace("</Inv", long.format("x" * TEN) + "</Inv")))
    assert isinstance(outcome, Faulted)
    assert not [problem for problem in problems if "well-formed" in problem]
    cut = [problem.partition(" characters")[0] for problem in problems if problem.startswith(LONG)]
    wanted = {"<a>{}</a>": "text", "<a b='{}'/>": "attribute"}.get(long)
    assert cut == ([f"{LONG}the reply has a{'n' if wanted[0] == 'a' else ''} {wanted} of {TEN:,}"] if wanted else [])


def test_what_is_deep_is_cut_and_not_judged_below(schema: Schema) -> None:
    """A fault whose causes are a thousand, each of which is legal."""
    cause = "<faultCause><fault xsi:type='InvalidState'>", "</fault><localizedMessage>x</localizedMessage></faultCause>"
    deep = OFF.replace("<existing", cause[0] * 1000 + cause[1] * 1000 + "<existing")
    outcome, problems = heard(schema, fault("off", deep))
    assert isinstance(outcome, Faulted)
    assert outcome.fault.type == "InvalidPowerState"
    assert outcome.fault.fields["existingState"] == "poweredOff"
    assert problems == (f"{LONG}the reply has elements on 2,005 levels; only the first {DEEPEST} are kept",)


def test_what_is_deep_and_malformed_is_malformed(schema: Schema) -> None:
    """That it is long is no excuse."""
    for body in (b"<a>" * 5000, fault("x" * TEN)[:-3], b"<a>" + b"x" * TEN):
        outcome, problems = heard(schema, body)
        assert isinstance(outcome, Lost)
        assert problems == ("the reply is no SOAP envelope: something that is not well-formed XML",)
    outcome, _ = heard(schema, b"<!DOCTYPE a [<!ENTITY x '" + b"y" * TEN + b"'>]><a>&x;</a>")
    assert outcome == Lost("status 500 with a document type declaration")


def test_of_millions_of_elements_the_first_are_kept(schema: Schema) -> None:
    """The others are counted, and neither built nor read, so that time and memory are bounded."""
    body = VOID.encode().replace(b"/></s:B", b">" + b"<a/>" * 3_000_000 + b"</LogoutResponse></s:B")
    outcome, problems = heard(schema, body, 200)
    root, _ = read(shortened(body))
    assert not isinstance(root, str)
    assert sum(1 for _ in root.iter()) == MOST_ELEMENTS
    assert outcome == Returned(None)
    assert problems[0].startswith(f"{LONG}the reply has about 3,000,")
    assert problems[0].endswith(f" elements; only the first {MOST_ELEMENTS:,} are kept")
    assert len(problems) == 1


def test_a_recording_of_what_was_cut_tells_the_same(schema: Schema) -> None:
    """What is cut says so in itself, so that the saved bytes are heard as the live ones were; and nothing is cut twice."""
    once = shortened(fault("x" * TEN))
    assert shortened(once) == once
    assert heard(schema, once) == heard(schema, fault("x" * TEN))
    assert LONGEST_TEXT < len(once) < 2 * LONGEST_TEXT


def test_that_a_reply_was_cut_is_no_deviation() -> None:
    """It is told beside the verdict, also of a judged call; what else is wrong with the reply counts as ever."""
    call = Call(Ref("VirtualMachine", "vm-1"), "PowerOffVM_Task", Arguments({}), "full")
    problems = (LONG + MESSAGE, "status 200 with a Fault")
    done = Operation(1, call, 0, 1, Returned(None), 500, problems, "judge")
    assert done.deviations == [problems[1]]
    assert beside([done, done]) == [f"PowerOffVM_Task: {LONG}{MESSAGE} (2x)"]


def test_what_is_long_but_not_too_long_is_left_alone() -> None:
    """Many elements, and texts up to the limit."""
    for body in (fault("x" * (LONGEST_TEXT - 200)), fault("".join(f"<a>{number}</a>" for number in range(200_000)))):
        assert shortened(body) is body
