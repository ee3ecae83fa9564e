"""CustomFieldsManager: fields that an operator defines, and their values on entities."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.managed_entity import CUSTOM_FIELDS_MANAGER
from vcontract._simulator.objects import Invocation, ManagedObject

if TYPE_CHECKING:
    from vcontract._simulator.vcenter import VCenter

MOID = CUSTOM_FIELDS_MANAGER


class CustomFieldsManager(ManagedObject):
    """The one manager of custom fields."""

    vmodl_type = vim.CustomFieldsManager

    def __init__(self, vcenter: VCenter) -> None:
        super().__init__(vcenter, MOID)
        self._keys = itertools.count(101)
        self._fields: dict[int, Any] = {}

    def get_field(self) -> list[Any]:
        """Give the defined fields."""
        return list(self._fields.values())

    def AddCustomFieldDef(
        self, call: Invocation, name: str, moType: Any = None, fieldDefPolicy: Any = None, fieldPolicy: Any = None
    ) -> Any:
        """Define a field; DuplicateName if the name is taken."""
        del call, fieldDefPolicy, fieldPolicy
        return self.define(name, moType)

    def define(self, name: str, moType: Any = None) -> Any:
        """Define a field, of one type of entity or of all; DuplicateName if the name is taken."""
        if any(field.name == name for field in self._fields.values()):
            raise vim.fault.DuplicateName(name=name, object=self.ref)
        key = next(self._keys)
        self._fields[key] = vim.CustomFieldsManager.FieldDef(key=key, name=name, type=str, managedObjectType=moType)
        self.changed()
        return self._fields[key]

    def SetField(self, call: Invocation, entity: Any, key: int, value: str) -> None:
        """Set a field's value on an entity; an empty value takes it away; InvalidArgument if there is no such field."""
        del call
        if key not in self._fields:
            raise vmodl.fault.InvalidArgument(invalidProperty="key")
        resolved = self.vcenter.resolve(entity)
        if value:
            resolved.custom_values[key] = value
        else:
            resolved.custom_values.pop(key, None)
        resolved.changed()
