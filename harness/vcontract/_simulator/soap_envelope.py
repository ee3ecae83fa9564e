"""The first half of the strict reader: it parses bytes into a tree with places, and finds the call in the envelope.

A real vCenter parses with expat and names the place of an error; so does this. Document type declarations are refused, and
depth and number of elements are limited.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
VIM = ("urn:vim25", "urn:vim2")

_MAX_DEPTH = 100
_MAX_ELEMENTS = 200_000
_XML = "http://www.w3.org/XML/1998/namespace"


class Malformed(Exception):  # noqa: N818 - a verdict on the request, not an error of ours
    """The request is not of the schema; `frames` say where, innermost first."""

    def __init__(self, what: str, *frames: str) -> None:
        super().__init__(what)
        self.what = what
        self.frames = list(frames)

    def within(self, frame: str) -> Malformed:
        """Add the next outer frame."""
        self.frames.append(frame)
        return self

    @property
    def text(self) -> str:
        """The whole text as a faultstring carries it."""
        return "\n" + "\n\n".join([self.what, *self.frames])


@dataclass(slots=True, eq=False)
class Node:
    """An element: name space and local name, attributes by `{uri}name` or plain name, and the prefixes in force.

    Equal requests share one tree: whoever changes an element changes a copy.
    """

    uri: str
    name: str
    attributes: dict[str, str]
    place: str
    prefixes: dict[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def tag(self) -> str:
        """The name as real messages write it."""
        return f"vim25:{self.name}" if self.uri in VIM else self.name

    def qualified(self, value: str) -> tuple[str, str] | None:
        """Resolve a prefixed or plain QName in this element's scope; None if its prefix is not bound."""
        prefix, colon, local = value.strip().rpartition(":")
        uri = self.prefixes.get(prefix, "" if not colon else None)
        return None if uri is None else (uri, local)


class _Builder:
    """Collects expat's events into nodes."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0
        self._scope: dict[str, str] = {"xml": _XML}
        self._scopes: list[tuple[str, str | None]] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartNamespaceDeclHandler = self._bind
        self.parser.EndNamespaceDeclHandler = self._unbind
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _place(self) -> str:
        return f"at line {self.parser.CurrentLineNumber}, column {self.parser.CurrentColumnNumber}"

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _MAX_DEPTH or self._count > _MAX_ELEMENTS:
            raise Malformed("The request is nested too deeply or has too many elements", self._place())
        uri, _, local = name.rpartition(" ")
        node = Node(uri, local, attributes, self._place(), self._scope)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, name: str) -> None:  # noqa: ARG002 - expat's signature
        self._open.pop()

    def _characters(self, data: str) -> None:
        self._open[-1].text += data

    def _bind(self, prefix: str | None, uri: str | None) -> None:
        key = prefix or ""
        self._scopes.append((key, self._scope.get(key)))
        self._scope = {**self._scope, key: uri or ""}

    def _unbind(self, prefix: str | None) -> None:  # noqa: ARG002 - they end in the reverse order of their beginning
        key, before = self._scopes.pop()
        self._scope = {k: v for k, v in self._scope.items() if k != key}
        if before is not None:
            self._scope[key] = before

    def _doctype(self, *_: object) -> None:
        raise Malformed("A document type declaration is not allowed", self._place())


def read_tree(body: bytes) -> Node:
    """Parse bytes into a tree; raises Malformed if they are not well-formed, have a DTD or exceed the limits."""
    builder = _Builder()
    try:
        builder.parser.Parse(body, True)  # noqa: FBT003 - expat takes it by position only
    except expat.ExpatError as error:
        what = f"Error returned by expat parser: {expat.ErrorString(error.code)}"
        raise Malformed(what, f"at line {error.lineno}, column {error.offset}") from None
    except (LookupError, ValueError):  # an encoding that Python does not know, or cannot map
        raise Malformed("Error returned by expat parser: unknown encoding", "at line 1, column 0") from None
    if builder.root is None:
        raise Malformed("Error returned by expat parser: no element found", "at line 1, column 0")
    return builder.root


@dataclass(frozen=True, slots=True)
class CallNode:
    """The call inside the envelope, with the frames that lie around it, innermost first."""

    node: Node
    frames: tuple[str, ...]


def read_envelope(body: bytes) -> CallNode:
    """Find the one call in a SOAP 1.1 envelope; raises Malformed."""
    root = read_tree(body)
    envelope = f"while parsing SOAP envelope\n{root.place}"
    if (root.uri, root.name) != (SOAP, "Envelope"):
        raise Malformed(f'Unexpected element tag "{root.tag}" seen, expected "Envelope" of SOAP 1.1', envelope)
    _only_elements(root, envelope)
    names = [(child.uri, child.name) for child in root.children]
    if names not in ([(SOAP, "Body")], [(SOAP, "Header"), (SOAP, "Body")]):
        raise Malformed("A SOAP envelope holds one Body, and at most one Header before it", envelope)
    content = root.children[-1]
    frames = (f"while parsing SOAP body\n{content.place}", envelope)
    _only_elements(content, *frames)
    if len(content.children) != 1:
        raise Malformed(f"A SOAP body holds one call, this holds {len(content.children)}", *frames)
    return CallNode(content.children[0], frames)


def _only_elements(node: Node, *frames: str) -> None:
    if node.text.strip():
        raise Malformed(f'Unexpected text in element "{node.tag}"', *frames)
