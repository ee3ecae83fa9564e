"""Pulls the levers that the operator gives: command lines in the guest, or values that are set from outside."""

from __future__ import annotations

from vcontract._client.properties import read
from vcontract._model import Lever
from vcontract._model.moves import MOVES
from vcontract._terms import Json, Ref, Returned, as_ref
from vcontract._testbed.actors import FULL
from vcontract._testbed.driver import Driver
from vcontract._testbed.not_arranged import NotArrangedError


class Levers:
    """The levers that a driver's facts know.

    A command line in a guest needs the GuestProcessManager (`manager`) and the authentication of an account there (`login`).
    """

    def __init__(self, driver: Driver, manager: Ref | None = None, login: Json = None) -> None:
        self._driver, self._manager, self._login = driver, manager, login

    @classmethod
    def of_target(cls, driver: Driver) -> Levers:
        """Find the GuestProcessManager, if the target has one, and a guest account that may use it."""
        target = driver.target
        if "guestOperationsManager" not in target.content:
            return cls(driver)
        done = read(target, FULL, target.manager("guestOperationsManager"), ["processManager"])
        values = done.outcome.value if isinstance(done.outcome, Returned) else {}
        able = [account for account in driver.facts.guests if account.may_customize]
        login = (
            {
                "_typeName": "NamePasswordAuthentication",
                "interactiveSession": False,
                "username": able[0].username,
                "password": able[0].password,
            }
            if able
            else None
        )
        return cls(driver, as_ref((values or {}).get("processManager")), login)

    @property
    def names(self) -> frozenset[str]:
        """What the levers do."""
        return frozenset(lever.does for lever in self._driver.facts.levers)

    def from_outside(self, name: str) -> bool:
        """Whether a lever sets values, so that the guest need not run programs."""
        return any(lever.does == name and lever.extra_config for lever in self._driver.facts.levers)

    def call_of(self, vm: Ref, name: str) -> tuple[Ref, str, dict[str, Json]]:
        """Give object, method and arguments of the call that pulls a lever. Raises NotArrangedError: there is none."""
        lever = next((lever for lever in self._driver.facts.levers if lever.does == name), None)
        if lever is not None and lever.extra_config:
            return vm, MOVES["reconfigure"].method, {"spec": lever.spec()}
        if lever is None or self._manager is None:
            raise NotArrangedError(f"no lever {name}")
        return self._manager, MOVES[name].method, {"vm": vm.json(), "auth": self._login, "spec": _program(lever)}

    def pull(self, vm: Ref, name: str) -> None:
        """Pull a lever; one from outside is followed by a read. Raises NotArrangedError: there is none, it is refused."""
        ref, method, arguments = self.call_of(vm, name)
        outside = self.from_outside(name)
        if (undone_by := MOVES[name].undone_by) and not outside:
            self._driver.permits.check(MOVES[undone_by].method)
        self._driver.complete(ref, method, arguments)
        if outside:
            self._driver.look(vm)


def _program(lever: Lever) -> dict[str, Json]:
    return {"_typeName": "GuestProgramSpec", "programPath": lever.program, "arguments": lever.arguments}
