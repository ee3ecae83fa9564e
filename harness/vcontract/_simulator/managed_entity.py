"""What every entity of the inventory tree has: a name, a parent, custom values, tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.data_objects import make
from vcontract._simulator.objects import ManagedObject

if TYPE_CHECKING:
    from vcontract._simulator.vcenter import VCenter

CUSTOM_FIELDS_MANAGER = "CustomFieldsManager"
ADMINISTRATOR_ROLE = -1
DATASTORE_MOID, NETWORK_MOID = "datastore-1", "network-1"
"""The ids of what all hosts share: none of the numbers that others get in turn, so that theirs do not depend on these."""
_VALUE = vim.CustomFieldsManager.StringValue  # bound once, as the vendor looks a nested type up at each mention


def shared(vcenter: VCenter, moid: str) -> list[Any]:
    """Give the reference of what all hosts share, in a list; an inventory that was made by hand may have none."""
    found = vcenter.registry.find(moid)
    return [] if found is None else [found.ref]


class ManagedEntity(ManagedObject):
    """An entity; `moid` is made from `prefix` if not given, and the new object is registered."""

    prefix = "entity"

    def __init__(self, vcenter: VCenter, name: str, parent: ManagedEntity | None, moid: str = "") -> None:
        super().__init__(vcenter, moid or vcenter.new_moid(self.prefix))
        self.name = name
        self.parent = parent
        self.custom_values: dict[int, str] = {}
        vcenter.registry.add(self)

    def get_name(self) -> str:
        """Give the name."""
        return self.name

    def get_parent(self) -> Any:
        """Give the parent; the root folder has none."""
        return None if self.parent is None else self.parent.ref

    def get_overallStatus(self) -> str:
        """Give the status; nothing ever alarms here."""
        return "green"

    def get_configStatus(self) -> str:
        """Give the configuration status."""
        return "green"

    def get_configIssue(self) -> list[Any]:
        """Give the configuration issues: none."""
        return []

    def get_effectiveRole(self) -> list[int]:
        """Give the caller's roles on the entity."""
        return [ADMINISTRATOR_ROLE]

    def get_permission(self) -> list[Any]:
        """Give the permissions defined on this very entity: all are defined on the root, beyond the simulator."""
        return []

    def get_disabledMethod(self) -> list[str]:
        """Give the WSDL names of the methods that make no sense in the present state."""
        return []

    def get_recentTask(self) -> list[Any]:
        """Give the tasks that ran on the entity lately."""
        return [task.ref for task in self.vcenter.tasks.recent(self)]

    def get_declaredAlarmState(self) -> list[Any]:
        """Give the declared alarms: none."""
        return []

    def get_triggeredAlarmState(self) -> list[Any]:
        """Give the triggered alarms: none."""
        return []

    def get_alarmActionsEnabled(self) -> bool:
        """Tell whether alarm actions are enabled."""
        return True

    def get_tag(self) -> list[Any]:
        """Give the tags: none."""
        return []

    def get_customValue(self) -> list[Any]:
        """Give the custom fields that have a value."""
        return [make(_VALUE, key=key, value=value) for key, value in self.custom_values.items()]

    def get_value(self) -> list[Any]:
        """Give the same as customValue, under its newer name."""
        return self.get_customValue()

    def get_availableField(self) -> list[Any]:
        """Give the custom fields that may be set on the entity."""
        manager: Any = self.vcenter.registry.find(CUSTOM_FIELDS_MANAGER)
        return [] if manager is None else manager.get_field()
