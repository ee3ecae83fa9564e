"""Begins a `vcontract.toml` for a target: what is known of it, in comments what more may be said, and never a password."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract._config.config import PERMISSIONS, Account, Config, Guest
from vcontract._config.own_simulator import is_loopback_address
from vcontract._errors import UsageError
from vcontract._report.safe_text import in_toml

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
_VM = """\
[[vm]]                              # what is known of some VMs
name = "linux-*"                    # a shell pattern
family = "linux"                    # where their guestId does not say it
engine = "absent\""""
_LISTED = 20
_AT_ONCE = 0.005
"""A server whose shortest call takes fewer seconds is none that talks to hosts."""
_QUICK = {"staleness": 1.0, "runtime_staleness": 0.5, "publish": 0.5, "task_seconds": 60.0, "boot_seconds": 60.0}
"""What is guessed of a quick server on this machine, in seconds: a hundred times and more what its calls take."""


def vacant(path: Path) -> None:
    """Make sure that a file may be written. Raises UsageError if something is there."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path}: is there already, and is not overwritten; name another file")


class Sight(msgspec.Struct, frozen=True):
    """What was seen of a target: names of marked VMs by guest family, of their hosts, and of those that carry no other VM.

    `pace` are the seconds that its shortest call takes; 0: not known.
    """

    vms: Mapping[str, Sequence[str]] = {}
    hosts: Sequence[str] = ()
    free: Sequence[str] = ()
    pace: float = 0.0


def suggested(url: str, pace: float) -> tuple[dict[str, float], str]:
    """Guess the times of a target of which nothing else is known; gives them by key, and what they were guessed from.

    A server on this machine that answers at once is no vCenter, whose calls take 10 ms and more: what it reports late is late
    by little. Of any other none is guessed: the defaults are those of a vCenter.
    """
    if not is_loopback_address(url) or not 0 < pace < _AT_ONCE:
        return {}, ""
    return _QUICK, f"guessed: it is on this machine and answers in {pace * 1000:.1f} ms; yours to change"


def written(path: Path, url: str, config: Config, thumbprint: str, seen: Sight = Sight()) -> None:  # noqa: B008 - frozen
    """Write a configuration. Raises UsageError if that fails; a file that is there is never touched.

    `url` is empty if the simulator is to be started. `thumbprint` is that of the certificate that the target shows.
    """
    parts = [
        _HEAD,
        f"target = {in_toml(url)}\n{_trust(config, thumbprint)}" if url else _EMBEDDED,
        _rules(config, *suggested(url, seen.pace)),
        _sighted(seen),
        *(_account(role, config) for role in _ACCOUNTS),
        *_guests(config.guest),
        *_tables("lever", config.lever, _LEVER),
        *_tables("vm", config.vm, _VM),
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


def _sighted(seen: Sight) -> str:
    """Say which VMs and hosts were seen."""
    lines = [
        f"# VMs that carry the mark now, guest family {family}: {_names(names)}" for family, names in seen.vms.items()
    ]
    free = _names(seen.free) if seen.free else "none of them"
    return "\n".join(
        [
            *(lines or [f"# VMs that carry the mark now: {_names(())}"]),
            f"# hosts on which they are: {_names(seen.hosts)}",
            f"# of these carry no other VM, so that they may be named in hosts: {free}",
        ]
    )


def _rules(config: Config, times: Mapping[str, float], guessed: str) -> str:
    """Write what is allowed, and the times: those that are `guessed` where the configuration says none."""
    plain = Config()
    said = {key: value for key, value in times.items() if getattr(config, key) == getattr(plain, key)}
    config = replace(config, **said)
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
    keys = tuple(f"{key} = " for key in said)
    return "\n".join(f"{line} ({guessed})" if line.startswith(keys) else line for line in lines)


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
