"""From the bytes of a reply to an outcome, with every deviation from the wire contract noted beside it.

The shape of replies and faults is SOAP 1.1 as recorded from real vCenter servers: a value comes with status 200 in
`<METHODResponse xmlns="urn:vim25">`, a fault with status 500 in `<Fault>` with one typed child in `<detail>`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import msgspec
from lxml import etree

from vcontract._client.long_replies import Cuts, cuts_of, rebuilt, told
from vcontract._terms import LONG, OTHER_VERSION, UNSENT, Fault, Faulted, Lost, Outcome, Returned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vcontract._client.wire import HttpReply
    from vcontract._schema import Schema

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_BODY = b"<soap-env:Body>"
LONGEST_MESSAGE = 2000
_LIMITS = frozenset(
    {
        etree.ErrorTypes.ERR_RESOURCE_LIMIT,
        etree.ErrorTypes.ERR_NAME_TOO_LONG,
        etree.ErrorTypes.ERR_COMMENT_NOT_FINISHED,
        etree.ErrorTypes.ERR_PI_NOT_FINISHED,
    }
)
"""How libxml2 says that a document goes beyond its limits, among others."""
_HTML = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(!doctype\s+html|html)\b", re.IGNORECASE)
_LONGEST_PROBLEM = 300
_MOST_PROBLEMS = 50
Problems = tuple[str, ...]


class OperationIds:
    """Names each request of a run in the SOAP header `operationID`, which a vCenter writes beside the call in its vpxd.log.

    The form is pyVmomi's (`SoapStubAdapter`, requestContext): an element without a name space. `run` is the mark of the run;
    empty: no request is named, as none is after `refused`.
    """

    def __init__(self, run: str = "") -> None:
        self.run = run
        self.refused = False

    def tried(self, ask: Callable[[], Outcome]) -> Outcome:
        """Give the answer to a request; if only without a name it is answered, from then on none is named."""
        outcome = ask()
        if (
            not self.run
            or isinstance(outcome, Returned)
            or (isinstance(outcome, Lost) and outcome.reason.startswith(UNSENT))
        ):
            return outcome
        self.refused = True
        unnamed = ask()
        self.refused = isinstance(unnamed, Returned)
        return unnamed if self.refused else outcome

    def of(self, op: int) -> str:
        """Give the name of an operation; empty if it has none."""
        return f"{self.run}-{op}" if self.run and not self.refused else ""

    def named(self, body: bytes, op: int) -> bytes:
        """Put the name of an operation into a request; one that is no longer as it was serialised here may stay as it is."""
        name = escape(self.of(op)).encode()
        header = b"<soap-env:Header><operationID>%s</operationID></soap-env:Header>" % name
        return body.replace(_BODY, header + _BODY, 1) if name and b"Header" not in body else body


def interpret(schema: Schema, method: str, reply: HttpReply, types: set[str] | None = None) -> tuple[Outcome, Problems]:
    """Read the reply to a call of `method`.

    Gives Returned, Faulted, or Lost if the reply is neither, and the problems as short texts, those of the schema with
    the content among them. Raises nothing, whatever a server may send. What of a reply was too long to be kept is said in
    a text that begins with `LONG`, which is no deviation; where elements were left out, the content is not held against
    the schema. The types of the objects in the outcome are added to `types`.
    """
    root, cuts = read(reply.body)
    outcome, problems, unfit = _interpreted(schema, method, reply, root, set() if types is None else types)
    if not (cuts or problems or unfit):
        return outcome, ()
    if not cuts.keys() & {"levels", "elements"}:
        problems = [*problems, *unfit]
    return outcome, tuple(problem[:_LONGEST_PROBLEM] for problem in [*told(cuts), *problems][:_MOST_PROBLEMS])


def _interpreted(
    schema: Schema, method: str, reply: HttpReply, root: etree._Element | str, types: set[str]
) -> tuple[Outcome, Sequence[str], Problems]:
    """Give the outcome, what is wrong with its envelope, and what breaks the schema."""
    if isinstance(root, str):
        return Lost(f"status {reply.status} with {root}"), (f"the reply is no SOAP envelope: {root}",), ()
    problems = _content_type(reply.header("content-type"))
    content = _content(root, problems)
    if content is None:
        return Lost(f"status {reply.status} with no content in the envelope"), problems, ()
    if local_name(content) == "Fault":
        if reply.status != 500:
            problems.append(f"status {reply.status} with a Fault")
        return _fault(schema, content, problems, types)
    if reply.status != 200:
        problems.append(f"status {reply.status} without a Fault")
    if local_name(content) != f"{method}Response":
        problems.append(f"response element is {local_name(content)}, not {method}Response")
        return Lost(f"the reply is {local_name(content)}, which answers another call"), problems, ()
    if method not in schema.operations:
        problems.append(f"{method}, which the WSDL does not have, was answered")
        return Returned(), problems, ()
    value, unfit = schema.decode_reply(method, content, reply.body, types)
    return Returned(value), problems, unfit


def parse(body: bytes) -> etree._Element | str:
    """Parse without DTD, entities or network; gives a text that says what the bytes are if they are no document."""
    return read(body)[0]


def read(body: bytes) -> tuple[etree._Element | str, Cuts]:
    """Parse as `parse` does; gives also what was cut as it is too long or too deep."""
    cuts = cuts_of(body)
    root = _parsed(body)
    if root is None:
        root, more = rebuilt(body)
        cuts |= more
    return root, cuts


def _parsed(body: bytes) -> etree._Element | str | None:
    """Parse within libxml2's limits; None if the bytes go beyond them."""
    if not body.strip():
        return "nothing in it"
    if _HTML.match(body, 0, 1000):
        return "an HTML page"
    # One parser for each reply: lxml's parsers carry the errors of the last document, and threads would share them.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if getattr(error, "code", 0) in _LIMITS:
            return None
        return "something that is not well-formed XML"
    if root.getroottree().docinfo.internalDTD is not None:
        return "a document type declaration"
    return root


def _content_type(value: str) -> list[str]:
    kind = value.partition(";")[0].strip().lower()
    return [] if kind == "text/xml" else [f"content type is {kind or 'missing'}, not text/xml"]


def _content(root: etree._Element, problems: list[str]) -> etree._Element | None:
    """Find the one element in the body of the envelope."""
    if local_name(root) != "Envelope":
        problems.append(f"the reply is no SOAP envelope: root element {local_name(root)}")
        return None
    if _space(root) != SOAP:
        problems.append(f"name space of the envelope is {_space(root) or 'missing'}")
    bodies = [child for child in root if local_name(child) == "Body"]
    contents = [child for body in bodies for child in body if isinstance(child.tag, str)]
    if len(bodies) != 1 or len(contents) != 1:
        problems.append(f"the envelope has {len(bodies)} bodies with {len(contents)} elements")
    return contents[0] if contents else None


def _fault(
    schema: Schema, fault: etree._Element, problems: list[str], types: set[str]
) -> tuple[Faulted, list[str], Problems]:
    if _space(fault) != SOAP:
        problems.append(f"name space of the Fault is {_space(fault) or 'missing'}")
    parts = {local_name(part): part for part in fault}
    if not (_text(parts.get("faultcode"))):
        problems.append("the Fault has no faultcode")
    if "faultstring" not in parts:
        problems.append("the Fault has no faultstring")
    message = _text(parts.get("faultstring"))
    if len(message) > LONGEST_MESSAGE:
        said = f"the fault has a message of {len(message):,} characters; only the first {LONGEST_MESSAGE:,} are kept"
        problems.append(LONG + said)
        message = message[:LONGEST_MESSAGE]
    if _text(parts.get("faultcode")).rpartition(":")[2] == OTHER_VERSION:
        # Whoever does not know the version cannot say it in its types: the detail, if there is one, is no fault of ours [O].
        return Faulted(Fault(OTHER_VERSION, {}, message)), problems, ()
    children = [child for child in parts["detail"] if isinstance(child.tag, str)] if "detail" in parts else []
    if len(children) != 1:
        problems.append("the Fault has no detail" if not children else f"the detail has {len(children)} elements")
    if not children:
        # All that is known of it; the problem above keeps it from passing for a real bare MethodFault.
        return Faulted(Fault("MethodFault", {}, message)), problems, ()
    decoded, unfit = schema.decode_fault(children[0], types)
    return Faulted(msgspec.structs.replace(decoded, message=message)), problems, unfit


def local_name(element: Any) -> str:
    """Give the name of an element without its namespace; empty for what is none, as a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _space(element: Any) -> str:
    return str(element.tag).rpartition("}")[0][1:]


def _text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(str(text) for text in element.itertext()).strip()
