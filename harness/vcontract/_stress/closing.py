"""The end of a stress run: every VM is powered on, customized once more alone, and read when the result must be visible.

This leaves each VM usable with its lock free, and ends its history in a state that differs from other possible ones.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from vcontract._client.tasks import info
from vcontract._errors import HarnessError
from vcontract._model import State, observe
from vcontract._model.moves import MOVES
from vcontract._model.state import ON
from vcontract._stress.client import POWER_ON, Client
from vcontract._stress.crew import Crew
from vcontract._terms import Faulted, Ref, Returned

CUSTOMIZE, ABORT = MOVES["customize"].method, MOVES["abort"].method
_TRIES = 3
_NAP, _LONGEST = 0.02, 1.0


def close(crew: Crew, clients: Sequence[Client], patience: float) -> list[str]:
    """Share the VMs among the clients, which bring each to rest; gives the reasons for those that are not, a line each.

    `patience` is the seconds that a VM gets until its Tools run again.
    """
    unsettled: list[str] = []
    strong = [client for client in clients if crew.accounts[client.actor][1] == "account.full"]
    shares = [(client, crew.machines[number :: len(strong)]) for number, client in enumerate(strong)]
    threads = [threading.Thread(target=_rest, args=(crew, *share, patience, unsettled)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if crew.facts.staleness and not crew.target.over:
        crew.target.recorder.sleep(crew.facts.staleness)
        for client, machines in shares:
            for vm in machines:
                client.look(vm)
    return unsettled


def _rest(crew: Crew, client: Client, machines: Sequence[Ref], patience: float, unsettled: list[str]) -> None:
    try:
        left = ((vm, _at_rest(crew, client, vm, patience)) for vm in machines)
        unsettled.extend(f"{vm.value}: {why}" for vm, why in left if why)
    except HarnessError as error:
        unsettled.append(str(error))


def _at_rest(crew: Crew, client: Client, vm: Ref, patience: float) -> str:
    """Bring one VM to rest; gives the reason if it is not, else empty. A destroyed VM is at rest."""
    if not _state(client, vm).exists:
        return ""
    if "power" in crew.config.allow and _state(client, vm).power != ON:
        client.power(POWER_ON, vm)
    clock = crew.target.recorder
    until, nap = clock.now() + patience, _NAP
    while _state(client, vm).tools != State().tools:
        if clock.now() > until or crew.target.over:
            return "its Tools did not come up again"
        clock.sleep(nap)
        nap = min(_LONGEST, nap * 1.5)
    for turn in range(_TRIES):
        if turn and not crew.target.over:  # Tools that were read ready may have been those of before a boot
            clock.sleep(crew.facts.staleness / (_TRIES - 1))
        last = info(client.call(CUSTOMIZE, "accepted", vm))
        if last.get("state") == "success":
            client.look(vm)
            return ""
        client.call(ABORT, "accepted", vm)
    return f"it cannot be customized any more, {_TRIES} times in a row"


def _state(client: Client, vm: Ref) -> State:
    """Read a VM's state; if the answer is lost, its fields have values that no state has."""
    outcome = client.look(vm).outcome
    if isinstance(outcome, Returned) and outcome.value:
        return observe(State(), outcome.value)
    gone = isinstance(outcome, Faulted) and outcome.fault.type == "ManagedObjectNotFound"
    return State(exists=not gone, power="", tools="")
