"""A vCenter on loopback that keeps the contract, or breaks it on request."""

from vcontract._simulator.server import SimulatorServer, serve_forever
from vcontract._simulator.settings import Settings

__all__ = ["Settings", "SimulatorServer", "serve_forever"]
