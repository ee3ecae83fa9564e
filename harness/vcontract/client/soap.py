"""From the bytes of a reply to an outcome, with every deviation from the wire contract noted beside it.

The shape of replies and faults is SOAP 1.1 as recorded from real vCenter servers: a value comes with status 200 in
`<METHODResponse xmlns="urn:vim25">`, a fault with status 500 in `<Fault>` with one typed child in `<detail>`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from lxml import etree

from vcontract.terms import Fault, Faulted, Lost, Outcome, Returned

if TYPE_CHECKING:
    from vcontract.client.wire import HttpReply
    from vcontract.schema import Schema

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
LONGEST_MESSAGE = 2000
_HTML = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(!doctype\s+html|html)\b", re.IGNORECASE)
_LONGEST_PROBLEM = 300
_MOST_PROBLEMS = 50
Problems = tuple[str, ...]


def interpret(schema: Schema, method: str, reply: HttpReply) -> tuple[Outcome, Problems]:
    """Read the reply to a call of `method`.

    Gives Returned, Faulted, or Lost if the reply is neither, and the problems as short texts, those of the schema with
    the content among them. Raises nothing, whatever a server may send.
    """
    root = parse(reply.body)
    if isinstance(root, str):
        return Lost(f"status {reply.status} with {root}"), (f"the reply is no SOAP envelope: {root}",)
    problems = _content_type(reply.header("content-type"))
    content = _content(root, problems)
    if content is None:
        return Lost(f"status {reply.status} with no content in the envelope"), tuple(problems)
    if _local(content) == "Fault":
        if reply.status != 500:
            problems.append(f"status {reply.status} with a Fault")
        outcome: Outcome = _fault(schema, content, problems)
    else:
        if reply.status != 200:
            problems.append(f"status {reply.status} without a Fault")
        outcome = _response(schema, method, content, problems)
    return outcome, tuple(problem[:_LONGEST_PROBLEM] for problem in problems[:_MOST_PROBLEMS])


def parse(body: bytes) -> etree._Element | str:
    """Parse without DTD, entities, network or huge trees; gives a text that says what the bytes are if they are no document."""
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
    except (etree.XMLSyntaxError, ValueError):
        return "something that is not well-formed XML"
    if root.getroottree().docinfo.internalDTD is not None:
        return "a document type declaration"
    return root


def _content_type(value: str) -> list[str]:
    kind = value.partition(";")[0].strip().lower()
    return [] if kind == "text/xml" else [f"content type is {kind or 'missing'}, not text/xml"]


def _content(root: etree._Element, problems: list[str]) -> etree._Element | None:
    """Find the one element in the body of the envelope."""
    if _local(root) != "Envelope":
        problems.append(f"the reply is no SOAP envelope: root element {_local(root)}")
        return None
    if _space(root) != SOAP:
        problems.append(f"name space of the envelope is {_space(root) or 'missing'}")
    bodies = [child for child in root if _local(child) == "Body"]
    contents = [child for body in bodies for child in body if isinstance(child.tag, str)]
    if len(bodies) != 1 or len(contents) != 1:
        problems.append(f"the envelope has {len(bodies)} bodies with {len(contents)} elements")
    return contents[0] if contents else None


def _fault(schema: Schema, fault: etree._Element, problems: list[str]) -> Faulted:
    if _space(fault) != SOAP:
        problems.append(f"name space of the Fault is {_space(fault) or 'missing'}")
    parts = {_local(part): part for part in fault}
    if not (_text(parts.get("faultcode"))):
        problems.append("the Fault has no faultcode")
    if "faultstring" not in parts:
        problems.append("the Fault has no faultstring")
    message = _text(parts.get("faultstring"))[:LONGEST_MESSAGE]
    children = [child for child in parts["detail"] if isinstance(child.tag, str)] if "detail" in parts else []
    if len(children) != 1:
        problems.append("the Fault has no detail" if not children else f"the detail has {len(children)} elements")
    if not children:
        # All that is known of it; the problem above keeps it from passing for a real bare MethodFault.
        return Faulted(Fault("MethodFault", {}, message))
    decoded, unfit = schema.decode_fault(children[0])
    problems.extend(unfit)
    return Faulted(msgspec.structs.replace(decoded, message=message))


def _response(schema: Schema, method: str, response: etree._Element, problems: list[str]) -> Outcome:
    if _local(response) != f"{method}Response":
        problems.append(f"response element is {_local(response)}, not {method}Response")
        return Lost(f"the reply is {_local(response)}, which answers another call")
    if method not in schema.operations:
        problems.append(f"{method}, which the WSDL does not have, was answered")
        return Returned()
    value, unfit = schema.decode_reply(method, response)
    problems.extend(unfit)
    return Returned(value)


def _local(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _space(element: etree._Element) -> str:
    return etree.QName(element).namespace or ""


def _text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(str(text) for text in element.itertext()).strip()
