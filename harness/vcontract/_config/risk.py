"""How much a run may risk on a server that others use: the levels, and which one counts where none is named."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._config.config import Config, address_of
from vcontract._config.own_simulator import is_our_simulator
from vcontract._config.request import FULL, REPLAY, RunRequest
from vcontract._errors import UsageError
from vcontract._toml_file import read_toml

OBSERVE, REFUSALS, CLONES = "observe", "refusals", "clones"
LEVELS = (OBSERVE, REFUSALS, CLONES, FULL)
"""The levels, the one that risks least first."""

_DOES = {
    OBSERVE: "nothing but reads, and logging in and out",
    REFUSALS: "reads, and of the contract's methods only calls that must be refused, about marked VMs as they are found; no VM"
    " is changed",
    CLONES: "an instant clone of each marked VM that is on is made, disturbed and destroyed; the marked VMs themselves are"
    " cloned, and not otherwise touched; no host is disconnected",
    FULL: "marked VMs are powered off and on, suspended, reset, customized, snapshotted and cloned; the hosts that the"
    " configuration names are disconnected",
}
_LEAVES = {
    OBSERVE: "every call of the contract's methods",
    REFUSALS: "what a success does, and every state that must be brought about: what is judged is judged from one side",
    CLONES: "VMs that are off, suspended or templates as they are found, and hosts that are lost",
    FULL: "",
}


def level_of(request: RunRequest) -> str:
    """Give the level of a request; one that names none is of a verb that is no run, or of a former run: full."""
    return request.risk or FULL


def arranges(level: str) -> bool:
    """Whether VMs are brought into states at a level."""
    return level in {CLONES, FULL}


def loses_hosts(level: str) -> bool:
    """Whether hosts may be disconnected at a level."""
    return level == FULL


def told(level: str) -> str:
    """Say what a level does, and what stays untested there."""
    left = _LEAVES[level]
    return f"--risk {level}: {_DOES[level]}{f'; untested stays {left}' if left else ''}"


def decided(request: RunRequest) -> RunRequest:
    """Give the request with the level that counts: the one it names, else full on our own simulator, and refusals elsewhere.

    A target at a loopback address is asked, without a login, whether it is ours. A recording says itself at which level it was
    made. Raises UsageError for a level that does not exist.
    """
    existing(request)
    if request.risk or request.target.startswith(REPLAY):
        return request
    config = read_toml(request.config, Config) if request.config is not None else Config()
    url = address_of(request, config)
    ours = not url or is_our_simulator(url, config.trust(insecure=request.insecure))
    return replace(request, risk=FULL if ours else REFUSALS)


def existing(request: RunRequest) -> None:
    """Raise UsageError if a request names a level that does not exist."""
    if request.risk not in {"", *LEVELS}:
        raise UsageError(f"--risk {request.risk}: must be one of {', '.join(LEVELS)}")


def needing_clones(request: RunRequest, option: str) -> None:
    """Raise UsageError if an option that works on clones is asked for at a level that makes none."""
    if not arranges(level_of(request)):
        raise UsageError(
            f"{option} works on clones, which --risk {request.risk} makes none of: name --risk clones or full"
        )
