"""A vCenter on loopback that keeps the contract, or breaks it on request."""

from harness.simulator.server import SimulatorServer, serve_forever
from harness.simulator.settings import Settings

__all__ = ["Settings", "SimulatorServer", "serve_forever"]
