"""Measures how quickly inputs are made and how much of the input space one run's plan exercises; writes into RESULTS.md.

The floor is a generator of specifications by hand over `random`: no shrinking, no types, no variety. Rates depend on the
machine, ratios to the floor of the same run do not.
"""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Callable

from vcontract._contract import load as load_contract
from vcontract._model import Asked, Facts, GuestAccount, VmFacts
from vcontract._schema import SHIPPED, load
from vcontract._strategies.calls import Caller
from vcontract._strategies.customization import linux_specs
from vcontract._strategies.pool import draw
from vcontract._strategies.typed import values
from vcontract._terms import Json, Ref

write_section = importlib.import_module("sections").write_section  # the file beside this one
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")
VM = Ref("VirtualMachine", "vm-1")
EXAMPLES, ROUNDS = 300, 5


def plain(source: random.Random) -> dict[str, Json]:
    """Make a specification as quickly as Python can."""

    def text() -> str:
        return "".join(source.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=source.randint(1, 12)))

    def adapter() -> dict[str, Json]:
        ip = {"_typeName": "CustomizationFixedIp", "ipAddress": f"10.0.0.{source.randint(1, 254)}"}
        fields = {"ip": ip, "subnetMask": "255.255.255.0", "gateway": [text()], "dnsDomain": text()}
        return {
            "_typeName": "CustomizationAdapterMapping",
            "adapter": {"_typeName": "CustomizationIPSettings", **fields},
        }

    name = {"_typeName": "CustomizationFixedName", "name": text()}
    identity = {"_typeName": "CustomizationLinuxPrep", "hostName": name, "domain": text(), "hwClockUTC": True}
    settings = {"_typeName": "CustomizationGlobalIPSettings", "dnsServerList": [text() for _ in range(2)]}
    mappings = [adapter() for _ in range(source.randint(0, 3))]
    made = {"identity": identity, "globalIPSettings": settings, "nicSettingMap": mappings}
    return {"_typeName": "CustomizationSpec", **made}


def rate(make: Callable[[int], int]) -> float:
    """Give the best rate of some rounds: examples a second; `make` gives how many it made."""
    best = 0.0
    for number in range(ROUNDS):
        start = time.perf_counter()
        made = make(number)
        best = max(best, made / (time.perf_counter() - start))
    return best


def caller_for(api: str, seed: int) -> Caller:
    """Make a caller that knows one VM and one guest account."""
    facts = Facts(
        object=MANAGER.type,
        manager=MANAGER,
        api_version=api,
        sessions={"full": "administrator"},
        guests=(GuestAccount("root", "secret:guest.root", may_customize=True),),
        vms={VM.value: VmFacts(VM, "one", 2)},
    )
    return Caller(load_contract(MANAGER.type), load(api), facts, {"held": "full"}, seed)


def lines() -> list[str]:
    """Measure everything, and give the lines of the report."""
    schema = load(SHIPPED[-1])
    source = random.Random(1)  # noqa: S311 - a measurement, no secret
    floor = rate(lambda _: len([plain(source) for _ in range(20 * EXAMPLES)]))
    caller = caller_for(SHIPPED[-1], 1)
    cases = caller.cases()
    valid = caller.call(Asked("CustomizeGuest_Task"), VM)
    body = caller.schema.request(valid.method, valid.object, valid.arguments)
    rates = {
        "plain random, by hand (the floor)": floor,
        "valid, from the types": rate(lambda seed: len(draw(values(schema, "CustomizationSpec"), seed, EXAMPLES))),
        "valid, promised to succeed": rate(lambda seed: len(draw(linux_specs(), seed, EXAMPLES))),
        "valid calls in a run (drawn once, used in turn)": rate(
            lambda _: len([caller.call(Asked("CustomizeGuest_Task"), VM) for _ in range(EXAMPLES)])
        ),
        "valid calls on the wire": rate(
            lambda _: len([schema.request(valid.method, valid.object, valid.arguments) for _ in range(EXAMPLES)])
        ),
        "broken calls on the wire, every case once": rate(
            lambda _: len([caller.broken(each, each.method, VM) for each in cases])
        ),
    }
    found = ["| inputs | examples/s | floor / this |", "|---|---|---|"]
    found += [f"| {name} | {each:,.0f} | {floor / each:.1f} |" for name, each in rates.items()]
    found += ["", f"A valid request is about {len(body)} bytes. One run's plan, by API version and method:", ""]
    return found + coverage_lines()


def coverage_lines() -> list[str]:
    """Measure what one plan exercises: every case once."""
    found = ["| API | method | types | positions | constraints |", "|---|---|---|---|---|"]
    for api in SHIPPED[1:]:
        caller = caller_for(api, 1)
        cases = caller.cases()
        sent = [caller.broken(each, each.method, VM) for each in cases]
        for method, share in caller.coverage([caller.shown(sent)], [each.name for each in cases]).items():
            parts = (share.types, share.positions, share.constraints)
            shown = " | ".join(f"{each.reached}/{each.all} = {each.percent:g} %" for each in parts)
            found.append(f"| {api} | {method} | {shown} |")
    return found


def main() -> None:
    """Measure, and put the result between its markers."""
    write_section("strategies", ["## Inputs", "", *lines()])


if __name__ == "__main__":
    main()
