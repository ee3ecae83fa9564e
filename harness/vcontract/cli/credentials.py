"""The target and the account that a command names, or that the environment holds for it."""

from __future__ import annotations

import os


def named(target: str, username: str, *, insecure: bool) -> tuple[str, str, str, bool]:
    """Give the target, the account, its password and whether any certificate will do; `govc` takes them from its variables."""
    from vcontract.run.job import from_environment

    password = os.environ.get("VCONTRACT_PASSWORD", "")
    if target != "govc":
        return target, username, password, insecure
    target, user, secret, lax = from_environment(dict(os.environ))
    return target, username or user, password or secret, insecure or lax
