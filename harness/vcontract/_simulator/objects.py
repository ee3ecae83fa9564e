"""The base of the simulator's managed objects, and the registry that finds them by reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pyVmomi import vmodl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vcontract._simulator.data_objects import Composite
    from vcontract._simulator.http1 import Request
    from vcontract._simulator.vcenter import VCenter


@dataclass(frozen=True)
class Account:
    """A vCenter user: `privileges` None means all; `missing` are taken away again."""

    name: str
    password: str
    privileges: frozenset[str] | None = None
    missing: frozenset[str] = frozenset()

    @property
    def user_name(self) -> str:
        """The name as UserSession and TaskReasonUser show it: upper-case domain, backslash, user."""
        user, _, domain = self.name.partition("@")
        return f"{domain.upper()}\\{user}" if domain else user

    def holds(self, privilege: str) -> bool:
        """Whether the account has the privilege on every object of the inventory."""
        return privilege not in self.missing and (self.privileges is None or privilege in self.privileges)


@dataclass
class Session:
    """A login: key (as in UserSession.key), cookie, account and locale."""

    key: str
    cookie: str
    account: Account
    locale: str
    ip_address: str
    user_agent: str
    login_time: Any
    last_active: Any


@dataclass(frozen=True)
class Invocation:
    """One call as the dispatcher hands it to a method: who called, and in which API version (pyVmomi's).

    `cookie` names the caller's session, or the one that a login would begin; `head` is the HTTP request it came in.
    """

    method: str
    version: str
    session: Session | None
    cookie: str = ""
    head: Request | None = None


class ManagedObject:
    """One object of the inventory.

    A subclass sets `vmodl_type` (the pyVmomi class), and has a method for each WSDL operation it serves, named as the
    WSDL names it, taking an Invocation and the declared parameters by keyword as pyVmomi values, references unresolved.
    A property `p` is served by a method `get_p()`; without one it is unset. `composites` has, of those that are data objects,
    some by their fields, so that a read of one field makes no other. A method raises pyVmomi faults.
    """

    vmodl_type: ClassVar[type]
    composites: ClassVar[Mapping[str, Composite]] = {}

    def __init__(self, vcenter: VCenter, moid: str) -> None:
        self.vcenter = vcenter
        self.moid = moid

    @property
    def over(self) -> bool:
        """Whether nothing of this object will ever change again."""
        return False

    @property
    def ref(self) -> Any:
        """The reference to this object, as pyVmomi carries it in data objects."""
        return self._ref

    @cached_property
    def _ref(self) -> Any:
        return self.vmodl_type(self.moid)  # shared, as nobody changes a reference

    def property(self, name: str) -> Any:
        """Give a property by its VMODL name; None if unset."""
        getter = getattr(self, f"get_{name}", None)
        return None if getter is None else getter()

    def property_for(self, name: str, session: Session | None) -> Any:  # noqa: ARG002 - a few properties differ by session
        """Give a property as a session sees it; None if unset."""
        return self.property(name)

    def changed(self) -> None:
        """Tell the waiting property collectors that some property of this object may have changed."""
        self.vcenter.changed(self)


class Registry:
    """All living objects by moId."""

    def __init__(self) -> None:
        self._objects: dict[str, ManagedObject] = {}
        self.on_remove: Callable[[ManagedObject], None] | None = None

    def add(self, new: ManagedObject) -> None:
        """Register an object under its moId."""
        self._objects[new.moid] = new

    def remove(self, moid: str) -> None:
        """Forget an object; its references are dead from now on."""
        removed = self._objects.pop(moid, None)
        if removed is not None and self.on_remove is not None:
            self.on_remove(removed)

    def find(self, moid: str) -> ManagedObject | None:
        """Find a living object by moId."""
        return self._objects.get(moid)

    def of_type(self, kind: type) -> list[Any]:
        """List the living objects of a simulator class, in the order in which they were made."""
        return [living for living in self._objects.values() if isinstance(living, kind)]

    def resolve(self, ref: Any) -> Any:
        """Give the object behind a pyVmomi reference; ManagedObjectNotFound{obj} if it is dead or of another type."""
        living = self._objects.get(ref._moId)  # noqa: SLF001 - pyVmomi's only name for the moId
        if living is None or not issubclass(living.vmodl_type, type(ref)):
            raise vmodl.fault.ManagedObjectNotFound(obj=ref)
        return living
