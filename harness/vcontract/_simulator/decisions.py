"""What a simulated vCenter decides: one set for each VCenter, every decision an attribute that can be replaced.

Defects and variants (`defects/`, `variants/`) put other functions in place of these, in one VCenter and in no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyVmomi import vmodl

from vcontract._simulator import access
from vcontract._simulator.guest import operations
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK, Act, Attempt, Check
from vcontract._simulator.guest.state import GuestState, Lock, ToolsPhase, Written
from vcontract._simulator.guest.tools import STEPS
from vcontract._simulator.http1 import Reply, Request
from vcontract._simulator.objects import Invocation, ManagedObject, Session
from vcontract._simulator.soap_reader import read_arguments

if TYPE_CHECKING:
    from vcontract._simulator.soap_envelope import Node
    from vcontract._simulator.task import Task
    from vcontract._simulator.virtual_machine.machine import Machine
    from vcontract._simulator.virtual_machine.reports import Addresses


def _at_call() -> dict[str, Check]:
    return {
        "host": operations.host_answers,
        "power": operations.is_powered_on,
        "tools": operations.tools_run,
        "busy": operations.is_not_busy,
        "beside": operations.stands_alone,
        "login": operations.login_is_accepted,
    }


def _at_start() -> dict[str, Check]:
    return {
        "permission": operations.user_may_customize,
        "spec": operations.specification_fits,
        "engine": operations.engine_works,
        "lock": operations.lock_is_free,
    }


def _begin() -> dict[str, Act]:
    return {
        CUSTOMIZE: operations.begin_customization,
        START_NETWORK: operations.begin_network_start,
        ABORT: operations.begin_abort,
    }


def _end() -> dict[str, Act]:
    return {
        CUSTOMIZE: operations.end_customization,
        START_NETWORK: operations.end_network_start,
        ABORT: operations.end_abort,
    }


LASTS = {CUSTOMIZE: 3.0, START_NETWORK: 2.0, ABORT: 2.0}
"""How many task times a task in the guest lasts: it is slower than vCenter, so that power operations can catch it midway."""


def _serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
    handler = getattr(target, call.method, None)
    if handler is None:
        raise vmodl.fault.NotSupported
    return handler(call, **arguments)


def _let_through(_: Request, __: bytes) -> Reply | None:
    return None


def _refused(_: str) -> str | Reply | None:
    return None


def _as_asked(version: str, _: Any) -> str:
    return version


def _as_read(_: ManagedObject, __: str, value: Any, ___: Invocation) -> Any:
    return value


def _as_raised(_: Invocation, fault: Any) -> Any:
    return fault


def _as_written(_: Invocation, reply: Reply) -> Reply:
    return reply


def _own_version(call: Invocation) -> str:
    return call.version


def _nobody(_: Attempt) -> Task | None:
    return None


def _freed(_: Machine, __: Exception) -> Lock:
    return Lock.FREE


def _unnoticed(_: str, __: Machine) -> None:
    """Do nothing more when something happens to a machine."""


def _as_held(held: Addresses) -> Addresses:
    return held


def _own_reference(task: Task) -> Any:
    return task.ref


@dataclass
class Decisions:
    """The decisions of one vCenter.

    For a request: what a proxy in `front` answers in the server's place (None: nothing), by which version one is served whose
    SOAPAction names none that is listed, or what it is answered (`unlisted`; None: InvalidRequest); the version by which it is
    `understood`, `needs_session`, `read` (the arguments), `authorise`, `serve`;
    for its reply: `fault`, `reply_version`, `reply`; `shown` gives the value of a property that a client reads.

    For a guest operation: checks `at_call` and `at_start` of its task, in order, by name; what it does at the `begin`
    and `end` of its task, how long that `lasts` (task times), whom its task waits for (`behind`), which `reference` it
    gives. Of a machine: what a specification has `written`, how it is applied (`apply`), what the guest does with
    what is written when its network starts or it boots (`take_up`), what lock a customization that failed leaves
    (`lock_after`), and a network start (`start_lock_after`), what a boot forgets (`forget`); `happened` is called on boot,
    halt, pause, resume, revert and clone; `tools_steps` is how Tools come up (a list, changed in place), `addresses`
    what they report of an adapter that holds these. Whether a task is `cancelable`, and what it does when it is `cancelled`.
    """

    front: Callable[[Request, bytes], Reply | None] = _let_through
    unlisted: Callable[[str], str | Reply | None] = _refused
    understood: Callable[[str, Any], str] = _as_asked
    needs_session: Callable[[Invocation, Any], bool] = access.needs_session
    read: Callable[[Node, Any, str], dict[str, Any]] = read_arguments
    authorise: Callable[[Session, Any, Any, dict[str, Any]], None] = access.authorise
    serve: Callable[[Invocation, ManagedObject, dict[str, Any]], Any] = _serve
    fault: Callable[[Invocation, Any], Any] = _as_raised
    reply_version: Callable[[Invocation], str] = _own_version
    reply: Callable[[Invocation, Reply], Reply] = _as_written
    shown: Callable[[ManagedObject, str, Any, Invocation], Any] = _as_read
    at_call: dict[str, Check] = field(default_factory=_at_call)
    at_start: dict[str, Check] = field(default_factory=_at_start)
    begin: dict[str, Act] = field(default_factory=_begin)
    end: dict[str, Act] = field(default_factory=_end)
    lasts: dict[str, float] = field(default_factory=lambda: dict(LASTS))
    behind: Callable[[Attempt], Task | None] = _nobody
    reference: Callable[[Task], Any] = _own_reference
    written: Callable[[Machine, Any], Written] = operations.written_for
    apply: Callable[[Machine, Any], None] = operations.write_specification
    take_up: Callable[[Machine, str], None] = operations.take_up
    lock_after: Callable[[Machine, Exception], Lock] = _freed
    start_lock_after: Callable[[Machine, Exception], Lock] = _freed
    forget: Callable[[GuestState], None] = GuestState.forget_memory
    happened: Callable[[str, Machine], None] = _unnoticed
    cancelable: bool = False
    cancelled: Act = operations.clean_up
    addresses: Callable[[Addresses], Addresses] = _as_held
    tools_steps: list[tuple[float, ToolsPhase]] = field(default_factory=lambda: list(STEPS))

    @property
    def shows_what_is(self) -> bool:
        """Whether a client reads every property as it is, so that one of its fields can be read alone."""
        return self.shown is _as_read
