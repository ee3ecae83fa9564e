"""From a cell to a call: what the oracle asks of it, said with drawn values."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from harness.contract import Contract
from harness.model import Asked, Facts
from harness.schema import Schema
from harness.strategies import customization as gosc
from harness.strategies import envelopes
from harness.strategies.pool import Pool
from harness.terms import Arguments, Call, Envelope, Json, Ref

OLDER = "6.7.3"
DRAWN = 64
Spec = dict[str, Json]


class Caller:
    """Makes calls for one object; every choice comes from the seed.

    `actors` names the session for each privilege class (`held`, `nowhere`).
    """

    def __init__(self, contract: Contract, schema: Schema, facts: Facts, actors: dict[str, str], seed: int) -> None:
        self.contract, self.schema, self.facts, self.actors = contract, schema, facts, actors
        self._specs = Pool(gosc.linux_specs(), seed, DRAWN)
        self._params = Pool(gosc.config_params, seed + 1, DRAWN)
        self._choices = Pool(st.integers(0, 2**16), seed + 2, DRAWN)

    def call(self, asked: Asked, vm: Ref | None) -> Call:
        """Build a call of this class; `vm` is the arranged machine (None: the class needs none).

        Raises LookupError with the reason if the facts or the schema hold nothing to build it from.
        """
        method = self.contract.method(asked.method)
        target = self._vm(asked, vm)
        arguments: dict[str, Json] = {"vm": target.json(), "auth": self._auth(asked.login)}
        parameters = {each.split(":")[0] for each in method.parameters}
        if "spec" in parameters:
            nics = self.facts.vms[target.value].nics if target.value in self.facts.vms else 1
            arguments["spec"] = self._spec(asked, nics)
        if "configParams" in parameters and (drawn := self._params.next()) is not None:
            arguments["configParams"] = drawn
        this, actor = self._this(asked.this), self._actor(asked)
        call = Call(this, asked.method, Arguments(arguments), actor)
        return call if asked.request == "ok" else Call(this, asked.method, self._edit(asked, call), actor)

    def _choose(self, among: list[Callable[[], Spec]]) -> Spec:
        return among[self._choices.next() % len(among)]()

    def _vm(self, asked: Asked, vm: Ref | None) -> Ref:
        if asked.vm == "unknown":
            return Ref("VirtualMachine", "vm-0")
        if asked.vm == "otherType":
            moid = _first(self.facts.others, "Folder", "no Folder is known")
            return Ref(("VirtualMachine", "Folder")[self._choices.next() % 2], moid)
        if vm is None:
            raise LookupError("the cell needs a VM")
        return vm

    def _this(self, this: str) -> Ref:
        manager = self.facts.manager
        if this == "unknown":
            return Ref(manager.type, f"{manager.value}-0")
        if this == "otherType":
            return Ref(manager.type, _first(self.facts.others, "Folder", "no Folder is known"))
        return manager

    def _actor(self, asked: Asked) -> str:
        if asked.session == "none":
            return ("nobody", "stranger")[self._choices.next() % 2]
        if asked.privilege not in self.actors:
            raise LookupError(f"no account has the privilege {asked.privilege}")
        return self.actors[asked.privilege]

    def _auth(self, login: str) -> dict[str, Json]:
        if login == "unsettled":
            return self._choose(
                [
                    lambda: {
                        "_typeName": "SSPIAuthentication",
                        "interactiveSession": False,
                        "sspiToken": "bm8gdG9rZW4=",
                    },
                    lambda: {
                        "_typeName": "TicketedSessionAuthentication",
                        "interactiveSession": False,
                        "ticket": "no ticket",
                    },
                    lambda: {"_typeName": "SAMLTokenAuthentication", "interactiveSession": False, "token": "no token"},
                ]
            )
        if login == "rejected":  # a user that does not exist, for guests lock accounts (oracle rule A10)
            return _password("vcontract-nobody", "secret:guest.nobody")
        for account in self.facts.guests:
            if account.may_customize is (login == "accepted"):
                return _password(account.username, account.password)
        raise LookupError(f"no guest account whose login is {login}")

    def _spec(self, asked: Asked, nics: int) -> Spec:
        drawn = self._specs.next()
        spec = gosc.fitted(drawn, nics)
        if "nicCount" in asked.spec:
            spec = gosc.fitted(drawn, nics + 1 if nics == 0 or self._choices.next() % 2 else nics - 1)
        if "rule" in asked.spec:
            broken = [lambda: gosc.dotted(spec), lambda: gosc.windows_identity(spec)]
            spec = self._choose([*broken, lambda: gosc.unknown_generator(spec)] if spec["nicSettingMap"] else broken)
        if "inferred" in asked.spec:
            kinds = [lambda: gosc.with_script(spec)]
            if "CustomizationCloudinitPrep" in self.schema.types:
                kinds.append(lambda: gosc.cloud_init(spec))
            fields = {each.name for each in self.schema.types["CustomizationLinuxPrep"].fields}
            if "scriptText" not in fields:
                kinds = kinds[1:]
            if not kinds:
                raise LookupError(f"API {self.schema.api_version} has no field or type whose rule is inferred")
            spec = self._choose(kinds)
        return spec

    def _edit(self, asked: Asked, call: Call) -> Envelope:
        arguments = call.arguments
        body = self.schema.request(call.method, call.object, arguments)
        if asked.request == "unknownMethod":
            return envelopes.other_version(body, OLDER, arguments)
        if asked.request == "badValue":
            return envelopes.bad_boolean(body, arguments)
        required = [name for name in arguments if name != "configParams"]
        edits = [envelopes.without(body, name, arguments) for name in required]
        edits += [
            envelopes.doubled(body, "vm", arguments),
            envelopes.unknown_element(body, arguments),
            envelopes.truncated(body, arguments),
        ]
        return edits[self._choices.next() % len(edits)]


def _password(username: str, secret: str) -> Spec:
    return {
        "_typeName": "NamePasswordAuthentication",
        "interactiveSession": False,
        "username": username,
        "password": secret,
    }


def _first(others: dict[str, str], kind: str, otherwise: str) -> str:
    for moid, type_ in others.items():
        if type_ == kind:
            return moid
    raise LookupError(otherwise)
