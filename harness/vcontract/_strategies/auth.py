"""The guest login: every type of GuestAuthentication, right and wrong; secrets are named, never given.

Only a name and password are judged for success; nothing shows the methods with any other type. A rejected login uses a
user that does not exist, for guests lock accounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vcontract._model import GuestAccount
from vcontract._strategies.case import AS_IS, Case, Turn, with_arguments
from vcontract._terms import Call, Json

NOBODY, NOBODYS = "vcontract-nobody", "secret:guest.nobody"
LONG = 64 * 1024
_ASSERTION = "<saml2:Assertion/>"
_EXOTIC = "n\u00f6body\U0001f5a5 e\u0301"
Auth = dict[str, Json]


def name_password(username: str, password: str, *, interactive: bool = False) -> Auth:
    """Give a name and a password; the password by reference."""
    return {
        "_typeName": "NamePasswordAuthentication",
        "interactiveSession": interactive,
        "username": username,
        "password": password,
    }


def other(kind: str, **fields: str) -> Auth:
    """Give an authentication of another type."""
    return {"_typeName": kind, "interactiveSession": False, **fields}


def accepted(guests: Sequence[GuestAccount], *, may: bool) -> Auth | None:
    """Give the login of a known account that may, or may not, customize; None if none is known."""
    for account in guests:
        if account.may_customize is may:
            return name_password(account.username, account.password)
    return None


def rejected() -> dict[str, Auth]:
    """Give logins that no guest accepts."""
    return {
        "unknownUser": name_password(NOBODY, NOBODYS),
        "unicodeUser": name_password(_EXOTIC, NOBODYS),
        "spaceUser": name_password(" ", NOBODYS),
        "longerUser": name_password("n" * 200, NOBODYS),
        "otherPassword": name_password(NOBODY, "]]>&<\u00fc"),
    }


def unsettled() -> dict[str, Auth]:
    """Give logins of which no source says what these methods make of them."""
    long = "x" * LONG
    return {
        "emptyUser": name_password("", NOBODYS),
        "emptyPassword": name_password(NOBODY, ""),
        "longUser": name_password(long, NOBODYS),
        "longPassword": name_password(NOBODY, long),
        "sspi": other("SSPIAuthentication", sspiToken="bm8gdG9rZW4="),
        "sspi.empty": other("SSPIAuthentication", sspiToken=""),
        "sspi.long": other("SSPIAuthentication", sspiToken=long),
        "ticket.ended": other("TicketedSessionAuthentication", ticket="vcontract-ended"),
        "ticket.empty": other("TicketedSessionAuthentication", ticket=""),
        "ticket.long": other("TicketedSessionAuthentication", ticket=long),
        "saml": other("SAMLTokenAuthentication", token=_ASSERTION),
        "saml.user": other("SAMLTokenAuthentication", token=_ASSERTION, username=NOBODY),
        "saml.empty": other("SAMLTokenAuthentication", token=""),
        "saml.long": other("SAMLTokenAuthentication", token=long),
    }


def cases(method: str, guests: Sequence[GuestAccount]) -> Iterator[Case]:
    """List every case of the tier; vcontract._model classifies the login itself."""
    right, short = accepted(guests, may=True), accepted(guests, may=False)
    known = {"right": right, "insufficient": short, "interactive": right and right | {"interactiveSession": True}}
    for kind, logins in (("known", known), ("rejected", rejected()), ("unsettled", unsettled())):
        for name, auth in logins.items():
            if auth is not None:
                yield Case(method, "auth", kind, name, AS_IS, _with(auth))


def _with(auth: Auth) -> Turn:
    def turn(call: Call) -> Call:
        return with_arguments(call, call.arguments | {"auth": auth})

    return turn
