"""A refused login is never repeated: not by another session, not by another role, not by another process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doorman import Doorman
from tests.mangler import Mangled, mangled, simulator
from vcontract._client import Logins, Secrets, Target
from vcontract._client.properties import read
from vcontract._errors import RefusedLoginError, TargetError
from vcontract._terms import (
    TURNED_AWAY,
    UNSENT,
    Arguments,
    Call,
    Fault,
    Faulted,
    Lost,
    Operation,
    Outcome,
    Ref,
    Returned,
    unauthenticated,
)

__all__ = ["mangled", "simulator"]

ADMINISTRATOR = "administrator@vsphere.local"
RIGHT = Secrets({"right": "vcontract", "wrong": "not-its-password"}, public=("right",))
REFUSED = Faulted(Fault("InvalidLogin", {}, "Cannot complete login"), "call")


def made(outcome: Outcome) -> Callable[[], Operation]:
    """Give a login that has this outcome."""
    call = Call(Ref("SessionManager", "SessionManager"), "Login", Arguments({}), "full")
    return lambda: Operation(1, call, 0.0, 0.0, outcome)


def test_after_a_refusal_no_login_of_the_account_is_made() -> None:
    """Whoever asks, and however the name is spelled; another account, and another server, are not concerned."""
    logins = Logins()
    assert logins.attempt("http://a/sdk", "me@x", made(REFUSED)).outcome is REFUSED
    for name in ("me@x", "ME@X"):
        with pytest.raises(
            RefusedLoginError, match=r"refuses the login of .*: InvalidLogin: Cannot .*; it is not tried again"
        ):
            logins.attempt("http://a/sdk", name, lambda: pytest.fail("sent"))
    assert logins.attempt("http://a/sdk", "you@x", made(Returned({}))).outcome == Returned({})
    assert logins.attempt("http://b/sdk", "me@x", made(Returned({}))).outcome == Returned({})


@pytest.mark.parametrize("fault", ["InvalidLogin", "PasswordExpired", "NoPermission", "InvalidLocale", "Nonsense", ""])
def test_every_fault_but_a_server_s_own_troubles_is_a_refusal(fault: str) -> None:
    """A server that could not look at the password may be asked again, as one that was too busy or out of reach."""
    logins = Logins()
    logins.attempt("u", "me", made(Faulted(Fault(fault, {}, ""), "call")))
    with pytest.raises(RefusedLoginError):
        logins.attempt("u", "me", lambda: pytest.fail("sent"))
    for passing in (Faulted(Fault("SystemError", {}, ""), "call"), Lost(UNSENT), Lost(TURNED_AWAY)):
        logins.attempt("u", "you", made(passing))
    assert logins.attempt("u", "you", made(Returned({}))).outcome == Returned({})


def test_a_first_login_whose_answer_was_lost_may_have_been_refused() -> None:
    """It is not made again; of an account that was accepted before it is, for losses are what stress brings about."""
    logins = Logins()
    logins.attempt("u", "me", made(Lost("closed without a reply")))
    with pytest.raises(RefusedLoginError, match=r"the answer was lost \(closed without a reply\), and may have been"):
        logins.attempt("u", "me", lambda: pytest.fail("sent"))
    logins.attempt("u", "you", made(Returned({})))
    logins.attempt("u", "you", made(Lost("closed without a reply")))
    assert logins.attempt("u", "you", made(Returned({}))).outcome == Returned({})


def test_many_threads_and_processes_are_refused_once(mangled: Mangled, tmp_path: Path) -> None:
    """They begin at the same moment; all but one are told, and send nothing."""
    doorman = Doorman()
    url = mangled(doorman).url
    script = (
        "import sys\nfrom vcontract._client import Logins, Secrets, Target\nfrom vcontract._errors import TargetError\n"
        "target = Target.open(sys.argv[1], secrets=Secrets({'x': 'not-its-password'}), logins=Logins(sys.argv[2]))\n"
        f"try: target.login('a', '{ADMINISTRATOR}', 'x')\nexcept TargetError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script, url, str(tmp_path)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]  # noqa: S603 - ours
    told: list[str] = []

    def attempt(actor: str, target: Target) -> None:
        with pytest.raises(TargetError) as error:
            target.login(actor, ADMINISTRATOR, "wrong")
        told.append(str(error.value))

    shared = Logins(str(tmp_path))
    targets = [Target.open(url, secrets=RIGHT, logins=shared) for _ in range(2)]
    threads = [threading.Thread(target=attempt, args=(f"a{number}", targets[number % 2])) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told += [child.communicate(timeout=300)[0].strip() for child in children]
    for target in targets:
        target.close()
    assert all("refuses the login" in each and "InvalidLogin" in each for each in told)
    assert len(told) == 9
    assert doorman.refused == {ADMINISTRATOR: 1}


def test_a_lost_session_is_not_the_begin_of_many_refusals(mangled: Mangled) -> None:
    """The password was changed meanwhile: of all sessions that ended one tries, and the others are told."""
    doorman = Doorman(lambda number: number > 3)
    target = Target.open(mangled(doorman).url, secrets=RIGHT)
    keys = {}
    for actor in ("a", "b", "c"):
        outcome = target.login(actor, ADMINISTRATOR, "right").outcome
        assert isinstance(outcome, Returned)
        keys[actor] = outcome.value["key"]
    manager = target.manager("sessionManager")
    ended = target.send(Call(manager, "TerminateSession", Arguments({"sessionId": [keys["b"], keys["c"]]}), "a"))
    assert isinstance(ended.outcome, Returned)
    for actor in ("b", "c", "b", "c"):
        assert unauthenticated(read(target, actor, target.manager("rootFolder"), ["name"]).outcome)
    with pytest.raises(RefusedLoginError):
        target.login("d", ADMINISTRATOR, "right")
    assert "the session of administrator@vsphere.local has ended" in target.pulse.stopped
    target.close()
    assert (doorman.came, doorman.refused) == ({ADMINISTRATOR: 4}, {ADMINISTRATOR: 1})
