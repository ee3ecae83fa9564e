"""A target on another machine: others work there, and it is watched, so a run asks little of it unless it is told otherwise."""

from __future__ import annotations

from math import inf

from msgspec.structs import replace

from vcontract._client.wire import parse_url
from vcontract._config.config import Config
from vcontract._config.own_simulator import is_loopback_address

POLITE = 20.0
"""Requests a second of a run on a target elsewhere, where nothing else is said: others work there, and it is watched."""


def is_elsewhere(address: str) -> bool:
    """Whether a target is on another machine than this one; empty: the simulator, which is started here."""
    return bool(address) and not is_loopback_address(address) and parse_url(address).host != "localhost"


def polite(config: Config, address: str) -> Config:
    """Give a configuration with the limit of requests a second that holds at an address where none is said."""
    if config.limits.calls_per_second or not is_elsewhere(address):
        return config
    return replace(config, limits=replace(config.limits, calls_per_second=POLITE))


def told_limits(config: Config) -> str:
    """Say how many requests a second, and at one time, a run may send; empty if any number."""
    limits = config.limits
    told = [f"{limits.calls_per_second:g} requests a second"] * (0 < limits.calls_per_second < inf)
    told += [f"{limits.parallel_calls} requests at one time"] * bool(limits.parallel_calls)
    return f"at most {' and '.join(told)} are sent ([limits] of the configuration)" if told else ""
