"""VirtualMachine, put together from its operations and its properties."""

from vcontract._simulator.virtual_machine.clone import Clone
from vcontract._simulator.virtual_machine.life import Life
from vcontract._simulator.virtual_machine.properties import Properties
from vcontract._simulator.virtual_machine.snapshots import Snapshots


class VirtualMachine(Life, Clone, Snapshots, Properties):
    """A vim.VirtualMachine."""
