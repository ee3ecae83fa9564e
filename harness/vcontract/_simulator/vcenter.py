"""The simulated vCenter as a whole: its objects, clock, sessions and tasks, and one socket-free way in, `handle`."""

from __future__ import annotations

import itertools
import random
import uuid
from typing import TYPE_CHECKING, Any

from vcontract._simulator.authorization_manager import ACCOUNTS, AuthorizationManager
from vcontract._simulator.decisions import Decisions
from vcontract._simulator.defects import misbehave
from vcontract._simulator.dispatch import Dispatcher
from vcontract._simulator.http1 import Reply, Request
from vcontract._simulator.inventory import populate as populate_inventory
from vcontract._simulator.objects import Invocation, ManagedObject, Registry
from vcontract._simulator.property_collector import PropertyCollector
from vcontract._simulator.search_index import SearchIndex
from vcontract._simulator.service_instance import ServiceInstance
from vcontract._simulator.session_manager import SessionManager, Sessions
from vcontract._simulator.task_manager import TaskManager, Tasks
from vcontract._simulator.timeline import Timeline
from vcontract._simulator.times.timing import Timing
from vcontract._simulator.upgrades import changed_by_upgrade
from vcontract._simulator.variants import vary
from vcontract._simulator.versions import Versions
from vcontract._simulator.views import ViewManager

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.dispatch import Waiting
    from vcontract._simulator.settings import Settings

_SERVICE_OBJECTS: tuple[tuple[type[ManagedObject], str], ...] = (
    (ServiceInstance, "ServiceInstance"),
    (SessionManager, "SessionManager"),
    (PropertyCollector, "propertyCollector"),
    (ViewManager, "ViewManager"),
    (SearchIndex, "SearchIndex"),
    (TaskManager, "TaskManager"),
    (AuthorizationManager, "AuthorizationManager"),
)


class VCenter:
    """One simulated vCenter; single-threaded, all state is touched only by the thread that serves it.

    `populate` registers the inventory (None: the usual one); `first` is the number in the first new moId; raises UsageError
    if the settings name an unknown version, defect, variant or upgrade, or an unusable inventory.
    """

    def __init__(
        self,
        settings: Settings,
        populate: Callable[[VCenter], None] | None = None,
        timeline: Timeline | None = None,
        first: int = 1,
    ) -> None:
        self.settings = settings
        self.take_time(settings.timing)
        self.versions = Versions(settings.api)
        self.decisions = Decisions()
        self.timeline = timeline or Timeline()
        self.random = random.Random(settings.seed)  # noqa: S311 - repeatable ids and choices, no secret
        self.instance_uuid = str(
            uuid.uuid4()
        )  # as of a vCenter that was just installed: no two are alike, whatever the seed
        self.registry = Registry()
        self.accounts = {account.name: account for account in ACCOUNTS}
        self.sessions = Sessions(self)
        self.tasks = Tasks(self)
        self.registry.on_remove = self._removed
        self._numbers = itertools.count(first)
        self._dispatcher = Dispatcher(self)
        self._waiting: list[Waiting] = []
        self._dirty = False
        for kind, moid in _SERVICE_OBJECTS:
            self.registry.add(kind(self, moid))
        (populate or populate_inventory)(self)
        misbehave(self)
        vary(self)
        changed_by_upgrade(self)

    def take_time(self, named: str) -> None:
        """Have everything take its time as a timing says (empty: as the settings do). Raises UsageError."""
        self.timing = Timing(self, named)
        self.settings = self.timing.settings()

    def changed(self, owner: ManagedObject) -> None:  # noqa: ARG002 - a finer collector could use the object
        """Note that a property of an object may have changed; `settle` then polls the waiting calls again."""
        self._dirty = True

    def resolve(self, ref: Any) -> Any:
        """Give the object behind a reference; raises ManagedObjectNotFound."""
        return self.registry.resolve(ref)

    def new_moid(self, prefix: str) -> str:
        """Give a moId that was never used, `prefix-N`."""
        return f"{prefix}-{next(self._numbers)}"

    def new_uuid(self) -> str:
        """Give a UUID that depends only on the seed and the calls so far."""
        digits = f"52{self.random.getrandbits(120):030x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def session_moid(self, call: Invocation) -> str:
        """Give a moId for an object that belongs to a session, in the form of real ones."""
        return f"session[{call.session.key if call.session else ''}]{self.new_uuid()}"

    def handle(self, head: Request, body: bytes) -> Reply | Waiting:
        """Answer one request; a call that blocks gives a Waiting, whose reply `settle` delivers later."""
        self.timeline.run_due()
        answer = self._dispatcher.answer(head, body)
        if not isinstance(answer, Reply):
            self._waiting.append(answer)
            self._dirty = True
        return answer

    def settle(self) -> None:
        """Run what is due, then poll the waiting calls again if anything has changed since the last time."""
        self.timeline.run_due()
        while self._dirty:
            self._dirty = False
            self._waiting = [waiting for waiting in self._waiting if not waiting.settled()]

    def wake(self) -> None:
        """Have the next `settle` poll the waiting calls again, although no object has changed."""
        self._dirty = True

    def _removed(self, removed: ManagedObject) -> None:
        self._dirty = True
        self.tasks.entity_removed(removed)
