"""Speaks for a server about faults that it did not raise and tasks that it never had."""

from vcontract._simulator.session_manager import COOKIE
from vcontract._simulator.standing_in.stand_in import Begun, StandIn
from vcontract._simulator.standing_in.values import check_fields, is_fault, is_method

__all__ = ["COOKIE", "Begun", "StandIn", "check_fields", "is_fault", "is_method"]
