"""`--target govc`: the target and the account that govc's variables name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import unquote

from msgspec.structs import replace

from vcontract._client.wire import parse_url
from vcontract._config.request import RunRequest
from vcontract._errors import UsageError

GOVC = "govc"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
PASSWORD = "VCONTRACT_PASSWORD"  # noqa: S105 - the name of a variable


def from_environment(environment: Mapping[str, str]) -> tuple[str, str, str, bool]:
    """Read `--target govc` from govc's variables: URL, user name, password, insecure. Raises UsageError.

    As with govc, the URL may lack scheme and path, and may hold the user name and password.
    """
    given = environment.get("GOVC_URL", "")
    if not given:
        raise UsageError("--target govc: GOVC_URL is not set")
    scheme, _, place = given.partition("://") if _SCHEME.match(given) else ("", "", given)
    # A password that is not escaped may hold all of `/`, `:` and `@`; no path of an SDK holds an `@`.
    credentials, _, address = place.rpartition("@")
    host, _, path = address.partition("/")
    name, _, secret = (unquote(part) for part in credentials.partition(":"))
    insecure = environment.get("GOVC_INSECURE", "").lower() in {"1", "true", "yes"}
    return (
        f"{scheme or 'https'}://{host}/{path or 'sdk'}",
        environment.get("GOVC_USERNAME", "") or name,
        environment.get("GOVC_PASSWORD", "") or secret,
        insecure,
    )


def with_environment(request: RunRequest) -> tuple[RunRequest, str]:
    """Give a request whose target is an address, and the password that the environment holds for it. Raises UsageError."""
    password = os.environ.get(PASSWORD, "")
    if request.target != GOVC:
        if "://" in request.target:  # refused before anything is written that has it
            parse_url(request.target)
        return request, password
    target, username, secret, insecure = from_environment(os.environ)
    reached = replace(
        request, target=target, username=request.username or username, insecure=request.insecure or insecure
    )
    return reached, password or secret
