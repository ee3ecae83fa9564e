"""The commands that are printed for the user: each can be pasted into a shell as it stands, and names the same target.

Every value is quoted where a shell needs that, and every file named by its whole path, for a shell stands anywhere. No value
holds a user name or a password of a URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from vcontract._config.request import DECLARED, FULL, REPLAY, RunRequest, with_whole_paths
from vcontract._report.safe_text import shell_word


def command(verb: str, options: Mapping[str, Sequence[object]], flags: Sequence[str] = ()) -> str:
    """Write a command with its options by name, each with its values; values that are empty or None are left out."""
    told = [
        f"--{name} {shell_word(without_userinfo(str(value)))}"
        for name, values in options.items()
        for value in values
        if value is not None and value != ""  # 0 is a value, and says something
    ]
    return " ".join([f"vcontract {verb}", *told, *(f"--{flag}" for flag in flags)])


def repeating_command(request: RunRequest, verb: str = "run") -> str:
    """Write the command that repeats a run: what is tested first, and flags last; options at their defaults are left out."""
    request = with_whole_paths(request)
    values: dict[str, Sequence[object]] = {"target": (), "contract": (), "seed": ()}
    flags: list[str] = []
    for name, declared in DECLARED.items():
        value = getattr(request, name)
        if not declared.option.repeats or (value == declared.default and name != "seed"):
            continue
        if value is True:
            flags.append(declared.name)
        else:
            values[name] = value if declared.is_list else (value,)
    return command(verb, {DECLARED[name].name: several for name, several in values.items()}, flags)


def with_target(verb: str, request: RunRequest) -> str:
    """Write a command about the target of a request: the one it names, or that its configuration names.

    `verb` is whatever stands before the options. A recording is no target of another command.
    """
    return command(verb, _target_of(with_whole_paths(request)))


def with_judging(verb: str, request: RunRequest) -> str:
    """Write a command about the target of a request that judges it as the request's run does: by its WSDL and its profile."""
    whole = with_whole_paths(request)
    risk = whole.risk if whole.risk != FULL else ""  # what is sent again may disturb no more than the run did
    judging = {"wsdl": (whole.wsdl,), "profile": (whole.profile,), "api": (whole.api,), "risk": (risk,)}
    return command(verb, {**_target_of(whole), **judging})


def _target_of(request: RunRequest) -> dict[str, Sequence[object]]:
    target = "" if request.target.startswith(REPLAY) else request.target
    return {"target": (target,), "config": (request.config,)}


def finding_command(place: str, finding: str, request: RunRequest) -> str:
    """Write the command that sends a finding's calls again: the run's directory, the finding's id, what the run judged."""
    return with_judging(f"replay {shell_word(f'{place}#{finding}')}", request)


def without_userinfo(url: str) -> str:
    """Take user name and password out of a URL; any other text is given as it is."""
    scheme, slashes, rest = url.partition("://")
    if not slashes or "@" not in rest or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return url
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return f"{scheme}://{authority.rpartition('@')[2]}{rest[len(authority) :]}"
    try:
        urlsplit(url).port  # noqa: B018 # asked for its error: a password with a slash in it is no port
    except ValueError:
        return f"{scheme}://{rest.rpartition('@')[2]}"
    return url
