"""Connects Locust and the clients: each Locust user is a client of the crew, each operation is one of its requests.

Importing Locust makes sockets, locks and sleeps those of gevent: import this file before all others.
"""

from __future__ import annotations

# ruff: isort: skip_file
from locust import User, constant, constant_throughput, task  # before all else: it puts gevent in the place of sockets
from locust.env import Environment
from locust.exception import StopUser

import time
from collections.abc import Callable
from contextlib import suppress

from vcontract._check.grade import name_of
from vcontract._errors import HaltedError, HarnessError, UnseenError, UsageError
from vcontract._stress.client import Client
from vcontract._stress.crew import Crew
from vcontract._stress.load import Load
from vcontract._client import SpentError
from vcontract._terms import Operation

_WORDS = "SOAP"
_GRACE = 60.0
"""Seconds within which a client must end its step."""
_TICK, _PAUSE = 0.05, 0.2
"""Seconds between two checks, and those that a client waits after a lost answer."""


class VsphereClient(User):  # inherits: Locust makes its users of this class
    """A Locust user that takes the steps of one client; `hire` makes the client, and is set before any user is spawned."""

    hire: Callable[[], Client]
    crew: Crew

    def on_start(self) -> None:
        """Log in."""
        with suppress(StopUser):  # Locust would print a traceback here; the first step ends it as well
            self._guarded(self._begin)

    @task
    def step(self) -> None:
        """Take one step."""
        if self.crew.over:
            raise StopUser
        self._guarded(self.client.step)

    def _begin(self) -> None:
        self.client = type(self).hire()
        self.client.open()

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except UnseenError as error:
            if not self.crew.disturbed:
                self.crew.stop(str(error))
            time.sleep(_PAUSE)
        except HaltedError as error:
            self.crew.halt(str(error))
            raise StopUser from error
        except SpentError as error:
            self.crew.stop(str(error))
            raise StopUser from error
        except HarnessError as error:
            self.crew.fail(error, str(error))
            raise StopUser from error
        except Exception as error:
            self.crew.fail(error, "our own error")
            raise StopUser from error


class Crowd:
    """The users of one process, or, in a master, of all of them."""

    def __init__(self, load: Load) -> None:
        pace = constant_throughput(load.rate / load.clients) if load.rate else constant(0)

        class Users(VsphereClient):
            wait_time = pace

        self.environment = Environment(user_classes=[Users], stop_timeout=_GRACE)
        self._users: type[VsphereClient] = Users
        self.clients: list[Client] = []
        self.rung = False

    def ring(self) -> None:
        """Ask for an early end of the load; a signal handler may call it."""
        self.rung = True

    def join(self, crew: Crew) -> None:
        """Have the users act as clients of the crew, and report every operation to Locust as a request."""
        actors = iter(crew.load.actors)

        def hire() -> Client:
            name = next(actors, None)
            if name is None:
                raise UsageError("more clients were started than were asked for")
            self.clients.append(Client(crew, name))
            return self.clients[-1]

        self._users.hire = staticmethod(hire)
        self._users.crew = crew
        crew.target.recorder.listeners.append(self._count)

    def ended(self) -> None:
        """Wait until every user has stopped, `_GRACE` seconds at most."""
        runner, until = self.environment.runner, time.monotonic() + _GRACE
        while runner is not None and runner.user_count and time.monotonic() < until:
            time.sleep(_TICK)

    def blame(self, method: str, what: str) -> None:
        """Report a finding to Locust as a failed request."""
        self._fire(method, 0.0, AssertionError(what))

    def _count(self, done: Operation) -> None:
        problem = ProtocolError(done.deviations[0]) if done.deviations else None
        self._fire(f"{done.call.method} {name_of(done.outcome)}", done.end - done.start, problem)

    def _fire(self, name: str, seconds: float, problem: Exception | None) -> None:
        self.environment.events.request.fire(  # type: ignore[no-untyped-call] # Locust's event hooks have no types
            request_type=_WORDS,
            name=name,
            response_time=1000 * seconds,
            response_length=0,
            exception=problem,
            context={},
        )


class ProtocolError(Exception):
    """A reply broke the wire contract."""
