"""The reads on which the rows of the object itself rest: its properties, its version, its being one."""

from __future__ import annotations

from vcontract._check import BELOW, NAMED, PROPERTIES, SINCE, SINGLETON
from vcontract._client import Target
from vcontract._contract import Contract, older_version
from vcontract._strategies.envelopes import other_version
from vcontract._terms import Arguments, Call, Json, Ref
from vcontract._testbed import FULL, SECOND, Driver

INSTANCE = Ref("ServiceInstance", "ServiceInstance")
_CONTENT = Call(INSTANCE, "RetrieveServiceContent", Arguments({}), FULL)


def read_object(driver: Driver) -> None:
    """Ask for what the contract's own rows need: properties, ServiceContent as an older client, and in several sessions."""
    target, manager, contract = driver.target, driver.facts.manager, driver.judge.contract
    if contract.properties is not None:
        driver.enter(PROPERTIES)
        target.send(_properties(driver, manager, every=True))
        driver.enter(f"{PROPERTIES}:{NAMED}")
        target.send(_properties(driver, manager, every=False))
    read_since(target, contract)
    if contract.singleton:
        _read_again(driver)


def read_since(target: Target, contract: Contract) -> None:
    """Read ServiceContent, and again as a client older than the contract's object, if the server lists such a version."""
    older, listed = older_version(contract.since, target.versions)
    if contract.content and listed:
        target.send(_CONTENT, cell=SINCE)
        body = target.schema.request(_CONTENT.method, INSTANCE, {})
        other = Call(INSTANCE, _CONTENT.method, other_version(body, older, {}), FULL)
        target.send(other, cell=f"{SINCE}:{BELOW}")


def _read_again(driver: Driver) -> None:
    """Read ServiceContent in two sessions, and in one of them again after it logged in anew."""
    target = driver.target
    driver.enter(SINGLETON)
    for actor in (FULL, SECOND):
        target.send(Call(INSTANCE, _CONTENT.method, Arguments({}), actor))
    target.logout(SECOND)
    driver.log_in(SECOND)
    target.send(Call(INSTANCE, _CONTENT.method, Arguments({}), SECOND))


def _properties(driver: Driver, manager: Ref, *, every: bool) -> Call:
    wanted: dict[str, Json] = {"_typeName": "PropertySpec", "type": manager.type, "all": every}
    if not every:
        wanted["pathSet"] = ["info"]
    selected = {"_typeName": "ObjectSpec", "obj": manager.json(), "skip": False}
    specification = {"_typeName": "PropertyFilterSpec", "propSet": [wanted], "objectSet": [selected]}
    arguments = {"specSet": [specification], "options": {"_typeName": "RetrieveOptions"}}
    return Call(driver.target.manager("propertyCollector"), "RetrievePropertiesEx", Arguments(arguments), FULL)
