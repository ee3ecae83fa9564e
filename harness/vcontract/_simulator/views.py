"""ViewManager and its views: lists of objects, kept up to date, that belong to a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.objects import Invocation, ManagedObject, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vcontract._simulator.vcenter import VCenter

# What a container contains, by the properties that lead there.
_CONTENT = (
    (vim.Folder, ("childEntity",)),
    (vim.Datacenter, ("vmFolder", "hostFolder", "datastoreFolder", "networkFolder")),
    (vim.ComputeResource, ("resourcePool", "host")),
    (vim.ResourcePool, ("resourcePool", "vm")),
    (vim.HostSystem, ("vm",)),
)


class _View(ManagedObject):
    """The base of all views: each can be destroyed."""

    def DestroyView(self, call: Invocation) -> None:
        """End the view; its reference is dead from now on."""
        self.vcenter.sessions.release(call, self)


class ContainerView(_View):
    """The objects below a container, of some types, all the way down or only directly."""

    vmodl_type = vim.view.ContainerView

    def __init__(self, moid: str, container: ManagedObject, kinds: list[Any], *, recursive: bool) -> None:
        super().__init__(container.vcenter, moid)
        self._container, self._kinds, self._recursive = container, kinds, recursive

    def get_container(self) -> Any:
        """Give the container."""
        return self._container.ref

    def get_type(self) -> list[Any]:
        """Give the types it is limited to; none: all."""
        return self._kinds

    def get_recursive(self) -> bool:
        """Give whether it looks all the way down."""
        return self._recursive

    def get_view(self) -> list[Any]:
        """Give the references of the objects that are there now."""
        refs: dict[str, Any] = {}
        for child in self._below(self._container):
            if not self._kinds or any(issubclass(child.vmodl_type, kind) for kind in self._kinds):
                refs[child.moid] = child.ref
        return list(refs.values())

    def _below(self, here: ManagedObject) -> Iterator[ManagedObject]:
        for child in content(here):
            yield child
            if self._recursive:
                yield from self._below(child)


class ListView(_View):
    """The objects that a client has put there; those that have died drop out."""

    vmodl_type = vim.view.ListView

    def __init__(self, vcenter: VCenter, moid: str) -> None:
        super().__init__(vcenter, moid)
        self._refs: dict[str, Any] = {}

    def get_view(self) -> list[Any]:
        """Give the references that still live."""
        return [ref for moid, ref in self._refs.items() if self.vcenter.registry.find(moid) is not None]

    def add(self, refs: list[Any]) -> list[Any]:
        """Add objects; gives those that do not exist."""
        unresolved = []
        for ref in refs:
            try:
                self._refs[self.vcenter.resolve(ref).moid] = ref
            except vmodl.fault.ManagedObjectNotFound:
                unresolved.append(ref)
        self.changed()
        return unresolved

    def ModifyListView(self, call: Invocation, add: Any = (), remove: Any = ()) -> list[Any]:  # noqa: ARG002 - every method gets the call
        """Add objects and remove others; gives those of the added that do not exist."""
        for ref in remove:
            self._refs.pop(ref._moId, None)  # noqa: SLF001 - pyVmomi's only name for the moId
        return self.add(list(add))

    def ResetListView(self, call: Invocation, obj: Any = ()) -> list[Any]:  # noqa: ARG002 - every method gets the call
        """Hold these objects and no others; gives those that do not exist."""
        self._refs.clear()
        return self.add(list(obj))

    def ResetListViewFromView(self, call: Invocation, view: Any) -> None:  # noqa: ARG002 - every method gets the call
        """Hold what another view holds now."""
        content = self.vcenter.resolve(view).property("view")
        self._refs.clear()
        self.add(content)


class ViewManager(ManagedObject):
    """The vim.view.ViewManager."""

    vmodl_type = vim.view.ViewManager

    def property_for(self, name: str, session: Session | None) -> Any:
        """Give a property; `viewList` has the views of the calling session."""
        if name == "viewList" and session is not None:
            return [view.ref for view in self.vcenter.sessions.owned(session, _View)]
        return super().property_for(name, session)

    def CreateContainerView(self, call: Invocation, container: Any, recursive: bool, type: Any = ()) -> Any:  # noqa: A002, FBT001 - the WSDL's names
        """Create a ContainerView; InvalidArgument if the object contains nothing."""
        contained = self.vcenter.resolve(container)
        if not any(issubclass(contained.vmodl_type, kind) for kind, _ in _CONTENT):
            raise vmodl.fault.InvalidArgument(invalidProperty="container")
        view = ContainerView(self.vcenter.session_moid(call), contained, list(type), recursive=recursive)
        self.vcenter.sessions.own(call, view)
        return view.ref

    def CreateListView(self, call: Invocation, obj: Any = ()) -> Any:
        """Create a ListView; ManagedObjectNotFound for an object that does not exist."""
        view = ListView(self.vcenter, self.vcenter.session_moid(call))
        for missing in view.add(list(obj)):
            raise vmodl.fault.ManagedObjectNotFound(obj=missing)
        self.vcenter.sessions.own(call, view)
        return view.ref


def content(here: ManagedObject) -> Iterator[ManagedObject]:
    """Give what an object of the inventory directly contains."""
    for kind, names in _CONTENT:
        if issubclass(here.vmodl_type, kind):
            for name in names:
                value = here.property(name)
                for ref in value if isinstance(value, list) else [value]:
                    child = None if ref is None else here.vcenter.registry.find(ref._moId)  # noqa: SLF001 - pyVmomi's only name for the moId
                    if child is not None:
                        yield child
