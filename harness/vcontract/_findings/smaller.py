"""Makes a program smaller as long as it shows what it is to show: fewer steps, plainer calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from vcontract._findings.sightings import SESSIONS
from vcontract._strategies.http_breaks import NOBODY
from vcontract._terms import Arguments, Call, Envelope, Json, ReplayStep
from vcontract._testbed import FULL

PLAIN_SPEC: dict[str, Json] = {
    "_typeName": "CustomizationSpec",
    "identity": {
        "_typeName": "CustomizationLinuxPrep",
        "hostName": {"_typeName": "CustomizationFixedName", "name": "a"},
        "domain": "a.b",
    },
    "globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings"},
}


def suffix(
    blocks: list[list[ReplayStep]], shows: Callable[[Sequence[ReplayStep]], bool], least: int = 1
) -> list[ReplayStep]:
    """Find how much of the past is needed: the last cell (or the `least` last ones), twice as many and so on."""
    count = least
    while count < 2 * len(blocks):
        steps = [step for block in blocks[-count:] for step in block]
        if shows(steps):
            return steps
        count *= 2
    return []


def fewer(steps: list[ReplayStep], shows: Callable[[Sequence[ReplayStep]], bool]) -> list[ReplayStep]:
    """Leave out runs of steps, long ones first, as long as the rest still shows it; the last step always stays."""
    size = max(1, (len(steps) - 1) // 2)
    while size and len(steps) > 1:
        start, left_out = 0, False
        while start < len(steps) - 1:
            rest = steps[:start] + steps[min(start + size, len(steps) - 1) :]
            if _sessions_kept(steps, rest) and shows(rest):
                steps, left_out = rest, True
            else:
                start += size
        size = size if left_out and size == 1 else size // 2
    return steps


def plainer_steps(steps: list[ReplayStep], shows: Callable[[Sequence[ReplayStep]], bool]) -> list[ReplayStep]:
    """Put plainer arguments into each call of the contract, as long as that still shows it."""
    for number, step in enumerate(steps):
        if step.purpose != "judge":
            continue
        for simpler in (_usual, plainer_calls):
            for call in simpler(steps[number].call):
                tried = [*steps[:number], replace(steps[number], call=call), *steps[number + 1 :]]
                if shows(tried):
                    steps = tried
                    break
    return steps


def _sessions_kept(steps: Sequence[ReplayStep], fewer: Sequence[ReplayStep]) -> bool:
    """Whether the coming and going of each session that still makes a call is still there.

    Sent again on a server that has not seen it come, a session that is gone would be none.
    """
    callers = {step.call.actor for step in fewer if step.call.method not in SESSIONS}
    return all(step in fewer for step in steps if step.call.method in SESSIONS and step.call.actor in callers)


def _usual(call: Call) -> Iterator[Call]:
    """Give a call with less that is unusual about it: not edited, made by who may."""
    if isinstance(call.payload, Envelope) and call.payload.origin:
        yield replace(call, payload=Arguments(call.payload.origin), actor=FULL)
        yield replace(call, payload=Arguments(call.payload.origin))
    elif call.actor != FULL:
        yield replace(call, actor=FULL)
        yield replace(call, actor=NOBODY)


def plainer_calls(call: Call) -> Iterator[Call]:
    """Give a call with plainer arguments, the plainest first; none if its bytes were edited."""
    if isinstance(call.payload, Arguments):
        yield from (replace(call, payload=Arguments(values)) for values in plainer(call.payload.values))


def plainer(values: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Give plainer arguments, the plainest first: no configParams and the plainest specification with as many adapters."""
    spec = values.get("spec")
    bare = {name: value for name, value in values.items() if name != "configParams"}
    if isinstance(spec, dict):
        dhcp = {"_typeName": "CustomizationIPSettings", "ip": {"_typeName": "CustomizationDhcpIpGenerator"}}
        plain = [{"_typeName": "CustomizationAdapterMapping", "adapter": dhcp} for _ in spec.get("nicSettingMap", ())]
        yield {**bare, "spec": {**PLAIN_SPEC, "nicSettingMap": plain}}
        yield {**bare, "spec": {**PLAIN_SPEC, "nicSettingMap": spec.get("nicSettingMap", [])}}
        yield {**bare, "spec": {**spec, "nicSettingMap": plain}}
    if bare != values:
        yield bare
