"""The reads on which the rows of the object itself rest: its properties, its version, its being one."""

from __future__ import annotations

from harness.check import BELOW, NAMED, PROPERTIES, SINCE, SINGLETON
from harness.contract import before
from harness.run.stage import FULL, SECOND, Stage
from harness.strategies.envelopes import other_version
from harness.terms import Arguments, Call, Json, Ref

INSTANCE = Ref("ServiceInstance", "ServiceInstance")


def read_object(stage: Stage) -> None:
    """Ask for what the contract's own rows need: properties, ServiceContent as an older client, and in several sessions."""
    target, manager, contract = stage.target, stage.facts.manager, stage.judge.contract
    if contract.properties is not None:
        stage.enter(PROPERTIES)
        target.send(_properties(stage, manager, every=True))
        stage.enter(f"{PROPERTIES}:{NAMED}")
        target.send(_properties(stage, manager, every=False))
    content = Call(INSTANCE, "RetrieveServiceContent", Arguments({}), FULL)
    if contract.content and (older := before(contract.since)):
        stage.enter(SINCE)
        target.send(content)
        stage.enter(f"{SINCE}:{BELOW}")
        body = target.schema.request(content.method, INSTANCE, {})
        target.send(Call(INSTANCE, content.method, other_version(body, older, {}), FULL))
    if contract.singleton:
        _read_again(stage, content)


def _read_again(stage: Stage, content: Call) -> None:
    """Read ServiceContent in two sessions, and in one of them again after it logged in anew."""
    target = stage.target
    stage.enter(SINGLETON)
    for actor in (FULL, SECOND):
        target.send(Call(INSTANCE, content.method, Arguments({}), actor))
    target.logout(SECOND)
    stage.log_in(SECOND)
    target.send(Call(INSTANCE, content.method, Arguments({}), SECOND))


def _properties(stage: Stage, manager: Ref, *, every: bool) -> Call:
    wanted: dict[str, Json] = {"_typeName": "PropertySpec", "type": manager.type, "all": every}
    if not every:
        wanted["pathSet"] = ["info"]
    selected = {"_typeName": "ObjectSpec", "obj": manager.json(), "skip": False}
    specification = {"_typeName": "PropertyFilterSpec", "propSet": [wanted], "objectSet": [selected]}
    arguments = {"specSet": [specification], "options": {"_typeName": "RetrieveOptions"}}
    return Call(stage.target.manager("propertyCollector"), "RetrievePropertiesEx", Arguments(arguments), FULL)
