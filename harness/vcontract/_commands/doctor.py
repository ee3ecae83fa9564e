"""`vcontract doctor`: can this target be tested, stage by stage as far as that goes; it reads, logs in, and changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from vcontract._client import Limits, Logins, SpentError, Target
from vcontract._client.offered import VERSIONS, in_words
from vcontract._client.proxy import parse_proxy
from vcontract._client.trust import shown_thumbprint, tls_context
from vcontract._client.wire import Connection, Endpoint, HttpReply, parse_url
from vcontract._commands.doctor_stages import Testable
from vcontract._config.config import Account, Config, Guest, address_of, password_of
from vcontract._config.own_simulator import is_loopback_address, way_to_accounts
from vcontract._config.request import RunRequest
from vcontract._config.write_config import Sight, vacant, written
from vcontract._contract import Contract, load
from vcontract._errors import HarnessError, TargetError, UsageError
from vcontract._redaction import redact_everywhere
from vcontract._report.diagnosis import Check, Diagnosis, Standing
from vcontract._run.own_server.serving import served
from vcontract._run.preparation import PLAIN, Preparation
from vcontract._run.start import address, configured
from vcontract._schema import SHIPPED, parse_versions_document
from vcontract._terms import UNSENT, Arguments, Call, Lost, Ref, Returned, as_ref
from vcontract._testbed import FULL, READONLY, UNPRIVILEGED, Logged, secrets_of

LIMITS = Limits(connect=5.0, exchange=20.0)
_ROLES = {FULL: "full", UNPRIVILEGED: "unprivileged", READONLY: "readonly"}
_NEEDED = ("sessionManager", "propertyCollector", "viewManager", "rootFolder")
_PINGS = 5
_SKEW = 300.0
"""Seconds by which clocks may differ before single sign-on begins to refuse tokens."""
_REACH = {
    "connection refused": "is the server up, and is this its port?",
    "the host name cannot be resolved": "is the name right, and known here?",
    "connecting took too long": "does a firewall stand between?",
    "no whole reply": "does something else than a vCenter listen there?",
    "not HTTP": "something else than a vCenter listens there: is the port right?",
}
_CERTIFICATE = {
    "expired": "renew it",
    "not yet valid": "set the clocks",
    "mismatch": "use a name that it was issued for",
    "thumbprint": "if it was renewed, change thumbprint in the configuration",
}


def diagnose(
    request: RunRequest, tell: Callable[[Check], None], write: Path | None = None, preparation: Preparation = PLAIN
) -> Diagnosis:
    """Look at everything that a run needs; `tell` hears each check as it is made.

    `write` is a file that must not be there yet; a configuration for the target is written to it, whatever was found.
    Raises UsageError for an unusable file or URL.
    """
    checks: list[Check] = []
    if write is not None:
        vacant(write)
    contract, stated = load(request.contract), configured(request, preparation)
    config, faults = usable(stated)
    with (
        address(request, preparation, config) as url,
        served(request, preparation, config, secrets_of(config)),
    ):
        doctor = Doctor(request, config, contract, url, logins=preparation.logins, given=_given(stated))
        for check in doctor.look(faults):
            checks.append(check)
            tell(check)
    if write is not None:
        shown = doctor.shown() if doctor.endpoint.secure else ""
        named = url if address_of(request, config) else ""
        # what is built in is no model for another server
        begun = replace(stated, insecure=stated.insecure or request.insecure) if named else Config()
        written(write, named, begun, shown, doctor.sight)
        checks.append(
            Check("configuration", Standing.OK, f"{write} is written", "set the variables it names, then use --config")
        )
        tell(checks[-1])
    return Diagnosis(url, checks)


def usable(config: Config) -> tuple[Config, list[Check]]:
    """Leave out the accounts whose password is nowhere, and say which."""
    faults: list[Check] = []

    def known(account: Account | Guest) -> bool:
        try:
            password_of(account)
        except UsageError as error:
            faults.append(Check("configuration", Standing.BAD, str(error), code=2))
            return False
        return True

    accounts, guests = tuple(filter(known, config.account)), tuple(filter(known, config.guest))
    return replace(config, account=accounts, guest=guests), faults


def _given(config: Config) -> bool:
    return any(account.role == "full" for account in config.account)


class Doctor:
    """One examination of one target; `given`: a full account is named, even if its password is nowhere."""

    def __init__(
        self, request: RunRequest, config: Config, contract: Contract, url: str, *, logins: Logins, given: bool
    ) -> None:
        self.request, self.config, self.contract, self.url = request, config, contract, url
        self.endpoint: Endpoint = parse_url(url)
        self.trust = config.trust(insecure=request.insecure)
        tls_context(self.trust)  # an unusable CA file is the user's mistake, not the target's
        self.keys: dict[str, str] = {}
        self.testable: Testable | None = None
        self._versions: tuple[str, ...] = ()
        self._ends, self._logins, self._given = "", logins, given
        self._pace = 0.0

    def look(self, faults: Iterable[Check]) -> Iterator[Check]:
        """Give every check, until one shows that nothing beyond it can be looked at."""
        yield from faults
        for told in self.config.open_passwords() if self.request.config is not None else ():
            yield Check("configuration", Standing.NONE, told, "whoever reads the file has it")
        yield from guarded("reach", self._reach)
        target: Target | None = None
        try:
            if not self._ends:
                target = Target.open(
                    self.url,
                    wsdl=self.request.wsdl or None,
                    trust=self.trust,
                    secrets=secrets_of(self.config),
                    proxy=self.config.proxy,
                    limits=LIMITS,
                    pacing=self.config.pacing(),
                    logins=self._logins,
                )
                yield from self._inside(target)
        except HarnessError as error:
            self._ends = "a vCenter"
            yield Check("vCenter", Standing.BAD, str(error), code=2 if isinstance(error, UsageError) else 3)
        finally:
            if target is not None:
                target.pacing.lift()
                for actor in self.keys:
                    target.logout(actor)
                target.close()
        if self._ends:
            yield Check("the rest", Standing.NONE, f"not looked at: that needs {self._ends}")

    @property
    def sight(self) -> Sight:
        """What was seen of the target, for a configuration."""
        seen = self.testable
        return Sight(seen.families, seen.hosts, seen.free_hosts(), self._pace) if seen is not None else Sight()

    def _reach(self) -> Iterator[Check]:
        line = Connection(self.endpoint, self.trust, LIMITS, parse_proxy(self.config.proxy))
        began = time.monotonic()
        reply = line.get(f"{self.endpoint.path}/{VERSIONS}")
        took = time.monotonic() - began
        line.close()
        if isinstance(reply, HttpReply):
            yield Check("reach", Standing.OK, f"{self.endpoint.url} answers after {_milliseconds(took)}")
            yield self._secured()
            self._versions = _listed(reply)
            return
        reason = reply.reason.removeprefix(UNSENT)
        if reason.startswith(("certificate", "TLS failed")):
            yield Check("reach", Standing.OK, f"{self.endpoint.host} listens on port {self.endpoint.port}")
            yield self._distrusted(reason)
            self._ends = "a trusted certificate"
            return
        self._ends = "a target that answers"
        to_do = next((told for part, told in _REACH.items() if part in reason), "is the URL right?")
        yield Check("reach", Standing.BAD, f"{self.endpoint.url}: {reason}", to_do, 3)

    def _secured(self) -> Check:
        if not self.endpoint.secure:
            here = is_loopback_address(self.url) or self.endpoint.host == "localhost"
            risk = "" if here else "passwords go over the network in clear: use https"
            return Check("TLS", Standing.NONE, "none", risk)
        if self.trust.insecure:
            to_do = self._pin() or "give its CA as ca_file"
            return Check("TLS", Standing.NONE, "the certificate is not verified", to_do)
        how = "thumbprint" if self.trust.thumbprint else "CA"
        return Check("TLS", Standing.OK, f"the certificate is trusted by its {how}")

    def _distrusted(self, reason: str) -> Check:
        if "WRONG_VERSION_NUMBER" in reason:
            return Check("TLS", Standing.BAD, reason, "does it speak http instead of https?", 3)
        first = next((told for part, told in _CERTIFICATE.items() if part in reason), "give its CA as ca_file")
        return Check("TLS", Standing.BAD, reason, f"{first}{', or ' if (pin := self._pin()) else ''}{pin}", 3)

    def shown(self) -> str:
        """Give the thumbprint of the certificate that the target shows; empty if it shows none."""
        return shown_thumbprint(self.endpoint.host, self.endpoint.port, LIMITS.connect)

    def _pin(self) -> str:
        shown = self.shown()
        return f'if this is what the server itself tells, trust it by thumbprint = "{shown}"' if shown else ""

    def _inside(self, target: Target) -> Iterator[Check]:
        """Look at a target that gave its ServiceContent."""
        yield from guarded("API", lambda: self._api(target))
        yield from guarded("product", lambda: self._product(target))
        if self._ends:
            return
        if not self._given:
            seen, to_do = "no account of the target is given", way_to_accounts(self.url)
            yield Check("configuration", Standing.BAD, seen, to_do, 2)
        yield from guarded("login", lambda: self._log_in(target))
        if FULL not in self.keys:
            self._ends = "the full account"
            return
        yield from guarded("clock", lambda: self._clock(target))
        names: dict[str, str] = {account.role: account.username for account in self.config.account}
        logged: Logged = (self.keys, {actor: names[_ROLES[actor]] for actor in self.keys})
        self.testable = Testable(target, self.config, self.contract, logged, self.request)
        for name, stage in self.testable.stages().items():
            yield from guarded(name, stage)

    def _api(self, target: Target) -> Iterator[Check]:
        if self.request.wsdl or not self._versions:
            yield Check("API", Standing.OK, f"{target.api_version}, as your WSDL has it")
            return
        listed = f"{len(self._versions)} versions are offered, the first {self._versions[0]}"
        newest = target.api_version == SHIPPED[-1] and self._versions[0] != SHIPPED[-1]
        to_do = "what came after that is not tested; --wsdl takes the server's own" if newest else ""
        yield Check("API", Standing.OK, f"{listed}; {target.api_version} is used", to_do)

    def _product(self, target: Target) -> Iterator[Check]:
        about = target.about
        name = f"{about.get('fullName') or 'unknown product'} ({about.get('apiType') or 'of no known kind'})"
        lacking = [manager for manager in _NEEDED if as_ref(target.content.get(manager)) is None]
        first = self.contract.content.partition(".")[0]
        if about.get("apiType") == "HostAgent":
            self._ends = "a vCenter"
            yield Check(
                "product", Standing.BAD, f"{name}, a host alone", "give the URL of the vCenter that manages it", 3
            )
        elif lacking:
            self._ends = "a vCenter"
            seen = f"{name}: its ServiceContent has no {', '.join(lacking)}"
            yield Check("product", Standing.BAD, seen, "is this the SDK of a vCenter?", 3)
        else:
            yield Check("product", Standing.OK, name)
        if first and as_ref(target.content.get(first)) is None:
            self._ends = self._ends or f"a target that has {first}"
            since = f"vCenter has it from API {self.contract.since} on, a host alone never"
            yield Check("object", Standing.BAD, f"ServiceContent offers no {first} ({target.api_version})", since, 5)

    def _log_in(self, target: Target) -> Iterator[Check]:
        """Log in each account, once: a wrong password that is tried again, by whatever role, may lock the account."""
        accounts: dict[str, Account] = {account.role: account for account in self.config.account}
        for actor, role in _ROLES.items():
            if role not in accounts:
                continue
            if role != "full" and "account" not in self.config.allow:
                yield Check(f"login {role}", Standing.NONE, 'not used: "account" is not among allow')
                continue
            username = accounts[role].username
            try:
                outcome = target.login(actor, username, f"account.{role}").outcome
            except TargetError as error:
                refused = str(error).removeprefix(f"{target.url} refuses the login of {username}: ")
                to_do = "check user name (user@domain) and password; it was tried once"
                yield Check(f"login {role}", Standing.BAD, f"{username} is refused: {refused}", to_do, 3)
                continue
            if isinstance(outcome, Returned) and isinstance(outcome.value, dict):
                self.keys[actor] = str(outcome.value.get("key", ""))
                yield Check(f"login {role}", Standing.OK, f"{username} is logged in")
            else:
                yield Check(
                    f"login {role}", Standing.BAD, f"{username} is refused: an empty reply", "is this a vCenter?", 3
                )

    def _clock(self, target: Target) -> Iterator[Check]:
        """Compare the clocks, and time the shortest call."""
        call = Call(Ref("ServiceInstance", "ServiceInstance"), "CurrentTime", Arguments({}), FULL)
        took, skew = [], None
        for _ in range(_PINGS):
            here = datetime.now(UTC)
            done = target.send(call)
            if isinstance(done.outcome, Lost) or not isinstance(done.outcome, Returned):
                yield Check("clock", Standing.NONE, f"CurrentTime gave {in_words(done.outcome)}")
                return
            took.append(done.end - done.start)
            server_time = datetime.fromisoformat(str(done.outcome.value))
            server_time = server_time if server_time.tzinfo else server_time.replace(tzinfo=UTC)
            skew = (server_time - here).total_seconds() - took[-1] / 2
        self._pace = median(took)
        way = "ahead of" if (skew or 0.0) > 0 else "behind"
        seen = f"the server is {abs(skew or 0.0):.1f} s {way} this machine; a call takes {_milliseconds(median(took))}"
        far = abs(skew or 0.0) > _SKEW
        yield Check("clock", Standing.NONE if far else Standing.OK, seen, "set both by NTP" if far else "")


def guarded(name: str, stage: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """Give the checks of a stage; what it fails by is a check too, for no reply of a server may end an examination."""
    try:
        yield from stage()
    except HarnessError as error:
        yield Check(name, Standing.BAD, str(error), code=2 if isinstance(error, SpentError) else 3)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # decoded replies are used as the WSDL has them; one that is not so fails somewhere below, as a mistake of ours would
        if os.environ.get("VCONTRACT_DEBUG"):
            raise
        problem = f"the target's answer is none that the WSDL knows ({type(error).__name__}: {error})"
        yield Check(name, Standing.BAD, redact_everywhere(problem)[:300], "is this a vCenter?", 3)


def _listed(reply: HttpReply) -> tuple[str, ...]:
    try:
        return parse_versions_document(reply.body)
    except HarnessError:
        return ()  # opening the target says it better


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
