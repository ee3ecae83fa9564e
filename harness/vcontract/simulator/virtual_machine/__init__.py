"""VirtualMachine, put together from its operations and its properties."""

from vcontract.simulator.virtual_machine.clone import Clone
from vcontract.simulator.virtual_machine.life import Life
from vcontract.simulator.virtual_machine.properties import Properties
from vcontract.simulator.virtual_machine.snapshots import Snapshots


class VirtualMachine(Life, Clone, Snapshots, Properties):
    """A vim.VirtualMachine."""
