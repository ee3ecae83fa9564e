"""Begins a `vcontract.toml` for a target: what is known of it, in comments what more may be said, and never a password."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vcontract.config.config import PERMISSIONS, Account, Config, Guest
from vcontract.errors import UsageError
from vcontract.report.safe_text import in_toml

_HEAD = """\
# vcontract.toml, begun by `vcontract doctor --write-config`. An unknown key is an error; `vcontract doctor --print-schema`
# prints the JSON Schema. Passwords do not belong here: password_env names a variable, password_file a file.
"""
_EMBEDDED = '# target = "https://vcenter.example/sdk"   # without it the simulator is started'
_ACCOUNTS = {
    "full": "needed: holds all privileges",
    "unprivileged": "may read, but lacks the privileges of the methods under test, as VirtualMachine.Provisioning.Customize",
    "readonly": "may read only",
}
_LEVER = """\
[[lever]]                           # a command line that may be run in the guests
does = "stopTools"
program = "/usr/bin/systemctl"
arguments = "stop vmtoolsd\""""
_WAIVE = """\
[[waive]]                           # a row that cannot be tested here
row = "*/GuestPermissionDenied"
reason = "every guest user may customize\""""
_LISTED = 20


def vacant(path: Path) -> None:
    """Make sure that a file may be written. Raises UsageError if something is there."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path}: is there already, and is not overwritten; name another file")


def written(
    path: Path, url: str, config: Config, thumbprint: str, vms: Sequence[str] = (), hosts: Sequence[str] = ()
) -> None:
    """Write a configuration. Raises UsageError if that fails; a file that is there is never touched.

    `url` is empty if the simulator is to be started. `thumbprint` is that of the certificate that the target shows, `vms`
    are the names of marked VMs, `hosts` of their hosts.
    """
    parts = [
        _HEAD,
        f"target = {in_toml(url)}\n{_trust(config, thumbprint)}" if url else _EMBEDDED,
        _rules(config),
        f"# VMs that carry the mark now: {_names(vms)}\n# hosts on which they are: {_names(hosts)}",
        *(_account(role, config) for role in _ACCOUNTS),
        *_guests(config.guest),
        *_tables("lever", config.lever, _LEVER),
        *_tables("vm", config.vm, '[[vm]]\nname = "*-noengine"                # a shell pattern\nengine = "absent"'),
        _limits(config),
        *_tables("waive", config.waive, _WAIVE),
    ]
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write("\n".join(f"{part.rstrip()}\n" for part in parts))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _trust(config: Config, thumbprint: str) -> str:
    """Say how the certificate is verified; what the server shows is only proposed, for nobody has compared it."""
    if config.thumbprint:
        return f"thumbprint = {in_toml(config.thumbprint)}"
    if config.insecure:
        proposed = f"# thumbprint = {in_toml(thumbprint)}   # instead: what it shows now; compare it on the server\n"
        return f"insecure = true\n{proposed if thumbprint else ''}"
    if config.ca_file:
        return f"ca_file = {in_toml(config.ca_file)}"
    seen = f"# thumbprint = {in_toml(thumbprint)}   # or: what it shows now; compare it on the server\n"
    return f'# ca_file = "vcenter-ca.pem"         # the CA that signed its certificate\n{seen if thumbprint else ""}'


def _rules(config: Config) -> str:
    """Write what is allowed, and the times."""
    lines = [
        _line("owner", config.owner, "vcontract", "the mark of the VMs that may be disturbed"),
        _line("allow", list(config.allow), list(PERMISSIONS), "power operations, levers, hosts, the other accounts"),
        _line("hosts", list(config.hosts), [], "names of those that may be disconnected"),
        _line("generator", config.generator, default=False, says="an application makes up names and addresses"),
        _line("staleness", config.staleness, 180.0, "seconds by which guest.* and the state of Tools may be late"),
        _line("runtime_staleness", config.runtime_staleness, 10.0, "seconds by which other properties may be late"),
        _line("alone", config.alone, default=False, says="nothing else changes the VMs"),
        _line("min_coverage", config.min_coverage, 0.0, "percent of the cells that a run must exercise; 0: any"),
        _line("publish", config.publish, 30.0, "seconds by which the end of a task may be published late"),
        _line(
            "task_seconds",
            config.task_seconds,
            0.0,
            "a task that takes longer is stuck, a finding; 0: 600 s, no finding",
        ),
        _line(
            "boot_seconds", config.boot_seconds, 600.0, "seconds for boots, Tools and others, until a run knows better"
        ),
        _line("confirm", config.confirm, 3, "how often a finding must repeat"),
    ]
    return "\n".join(lines)


def _line(key: str, value: object, default: object, says: str) -> str:
    return f"{'# ' if value == default else ''}{key} = {_value(value)}   # {says}"


def _account(role: str, config: Config) -> str:
    known = next((account for account in config.account if account.role == role), None)
    head = f"[[account]]                         # {_ACCOUNTS[role]}"
    name = "VCONTRACT_PASSWORD" if role == "full" else f"VCONTRACT_PASSWORD_{role.upper()}"
    lines = [
        head,
        f"role = {in_toml(role)}",
        f"username = {in_toml(known.username if known else 'user@vsphere.local')}",
    ]
    return _table([*lines, _password(known, name)], asleep=known is None)


def _guests(given: Sequence[Guest]) -> list[str]:
    """Write the accounts inside the guests; both kinds are needed."""
    missing = [may for may in (True, False) if not any(guest.may_customize is may for guest in given)]
    known = [(guest, False) for guest in given]
    known += [(Guest("root" if may else "user", may_customize=may), True) for may in missing]
    return [
        _table(
            [
                "[[guest]]                           # an account inside the guests",
                f"username = {in_toml(guest.username)}",
                f"may_customize = {_value(guest.may_customize)}",
                _password(guest, "VCONTRACT_GUEST_" + re.sub("[^A-Z0-9]", "_", guest.username.upper())),
            ],
            asleep=asleep,
        )
        for guest, asleep in known
    ]


def _password(account: Account | Guest | None, name: str) -> str:
    """Say where a password stands: as it was said, but for one that was given itself."""
    if account is not None and account.password_file and not account.password_env:
        return f"password_file = {in_toml(account.password_file)}"
    return f"password_env = {in_toml(account.password_env if account and account.password_env else name)}"


def _limits(config: Config) -> str:
    limits = config.limits
    return "\n".join(
        [
            "[limits]                            # of everything that is sent",
            _line(
                "calls_per_second",
                limits.calls_per_second,
                0.0,
                "0: 20 on a target elsewhere, else no limit; inf: none",
            ),
            _line("parallel_calls", limits.parallel_calls, 0, "0: no limit"),
            _line("total_calls", limits.total_calls, 0, "then the run ends; 0: no limit"),
        ]
    )


def _tables(name: str, entries: Sequence[msgspec.Struct], example: str) -> list[str]:
    """Write tables of plain keys; without any an example, asleep."""
    if not entries:
        return [_table(example.split("\n"), asleep=True)]
    plain: list[dict[str, object]] = [msgspec.to_builtins(entry) for entry in entries]
    return [_table([f"[[{name}]]", *(f"{key} = {_value(value)}" for key, value in table.items())]) for table in plain]


def _table(lines: Sequence[str], *, asleep: bool = False) -> str:
    return "\n".join(f"# {line}" if asleep else line for line in lines)


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(in_toml(listed) for listed in names[:_LISTED])}{more}" if names else "none that is known"


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return in_toml(value) if isinstance(value, str) else json.dumps(value)
